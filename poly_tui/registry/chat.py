"""What one can do in the chat."""

from poly_tui.registry.command import Command

__all__ = ["COMMANDS"]

COMMANDS = (
    Command(
        id="chat.new",
        name="chat: new",
        help="Begin a new chat with the same task",
        action="new_chat",
        slash="new",
        verb="chat",
    ),
    Command(
        id="chat.list",
        name="chat: list and search all",
        help="Open, rename or delete a chat, or find one by what was said",
        action="list_chats",
        slash="chats",
        verb="chats ls",
    ),
    Command(
        id="chat.task",
        name="task: switch",
        help="Go on with another task",
        action="pick_task",
        slash="task",
        verb="task ls",
    ),
    Command(
        id="chat.remember",
        name="memory: take in files of the prompt",
        help="Take files that are mentioned as @path into a memory",
        action="remember",
        slash="remember",
        takes="[MEMORY] @FILE…",
        verb="ingest",
    ),
    Command(id="chat.edit", name="turn: edit", help="Say something else instead", action="want('edit')", slash="edit"),
    Command(
        id="chat.regenerate",
        name="turn: regenerate",
        help="Have another answer, beside this one",
        action="want('regenerate')",
        slash="regenerate",
    ),
    Command(
        id="chat.continue",
        name="turn: continue",
        help="Have an answer go on that was cut off",
        action="want('continue')",
        slash="continue",
    ),
    Command(
        id="chat.fork",
        name="chat: fork",
        help="Go on from here in a chat of its own",
        action="want('fork')",
        slash="fork",
    ),
    *(
        Command(
            id=f"chat.export_{form}",
            name=f"chat: export as {name}",
            help=f"Write the chat to a .{form} file in the working directory",
            action=f"export('{form}')",
            slash=f"export-{form}",
            verb="chats export",
        )
        for form, name in (("md", "Markdown"), ("json", "JSON"), ("html", "HTML"))
    ),
    *(
        Command(
            id=f"chat.copy_{kind}",
            name=f"turn: copy as {name}",
            help="Copy what asks the turn again",
            action=f"copy_as('{kind}')",
        )
        for kind, name in (("curl", "curl"), ("openai", "Python (openai)"), ("library", "Python (poly_engine)"))
    ),
    Command(
        id="chat.inspector",
        name="view: inspector",
        help="See what went on behind an answer, or close that again",
        action="inspector",
        slash="inspector",
    ),
    *(
        Command(
            id=f"chat.inspect_{page}",
            name=f"turn: {page}",
            help=words,
            action=f"inspect('{page}')",
            slash=page,
            verb=verb,
        )
        for page, words, verb in (
            ("live", "See how fast an answer comes, and how full the context is", ""),
            ("sources", "See what was recalled for a turn, how it was found, and what was left out", "recall"),
            ("prompt", "See the prompt as it was sent, with the tokens of its parts", "task prompt"),
            ("tokens", "See how likely each token of an answer was, and which others were", ""),
        )
    ),
)
