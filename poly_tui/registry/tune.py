"""What one can do in the section that tunes tasks."""

from poly_tui.registry.command import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = (
    Command(
        id="tune.task",
        name="task: tune",
        help="Choose the task that is tuned",
        action="pick_task",
        slash="tune",
        verb="task show",
    ),
    Command(
        id="tune.save",
        name="task: save",
        help="Write the draft to the configuration; comments and order stay",
        action="save",
    ),
    Command(id="tune.undo", name="task: undo", help="Take the last change of the draft back", action="undo"),
    Command(
        id="tune.revert",
        name="task: revert to saved",
        help="Take all changes of the draft back",
        action="revert",
    ),
    Command(
        id="tune.copy",
        name="task: duplicate",
        help="Begin a new task as a copy of the one that is tuned",
        action="copy_task",
    ),
    Command(id="tune.fields", name="task: edit", help="Change the fields of the draft", action="show_page('fields')"),
    Command(
        id="tune.toml",
        name="task: show as TOML",
        help="Show the table of the draft as it would be saved",
        action="show_page('toml')",
        verb="config show",
    ),
    Command(
        id="tune.prompt",
        name="task: prompt as sent",
        help="Show what the model would read, part by part, with its tokens",
        action="show_page('prompt')",
    ),
    Command(
        id="tune.diff", name="task: diff", help="Show what saving the draft would change", action="show_page('diff')"
    ),
    Command(
        id="tune.run",
        name="task: A/B",
        help="Have a test prompt answered as saved and as drafted, with one seed",
        action="run",
        verb="run",
    ),
    Command(
        id="tune.run_all",
        name="task: run test prompts",
        help="Have all test prompts answered as saved and as drafted",
        action="run_all",
    ),
    Command(
        id="tune.new_prompt",
        name="task: add a test prompt",
        help="Write another prompt to try the task with",
        action="new_prompt",
    ),
    Command(id="tune.seed", name="A/B: another seed", help="Have the answers be drawn anew", action="new_seed"),
    Command(
        id="tune.order",
        name="A/B: at once or in turn",
        help="Have both answers come at once, or one after the other",
        action="order",
    ),
)
