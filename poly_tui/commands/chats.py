"""`poly chats`: the chats that were kept, by this command or by the terminal interface."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import click

from poly_engine import InvalidRequest
from poly_tui import connect
from poly_tui.chats.database import ChatDatabase
from poly_tui.chats.errors import ChatNotFound
from poly_tui.chats.export import FORMATS, as_markdown
from poly_tui.chats.store import MATCH, ChatInfo, ChatStore, Found
from poly_tui.chats.tree import Chat
from poly_tui.commands.answer import without_controls
from poly_tui.commands.listing import print_rows
from poly_tui.commands.prompt import check_text

__all__ = ["command"]

_chat = click.argument("chat", type=click.IntRange(1), required=False, metavar="[ID]")


@click.group()
def command() -> None:
    """List, find, export and delete the chats that were kept."""


@command.command("ls")
@click.option("-n", "--limit", type=click.IntRange(1), metavar="N", help="List the last N.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def list_chats(*, limit: int | None, as_json: bool) -> None:
    """List the chats, the last one first.

    On a terminal as a table, elsewhere as tab-separated values. The columns are id, title, task, turns and when it
    was changed.
    """
    with _store() as store:
        chats = store.chats(limit or -1) if store else []
    print_rows([_row(chat) for chat in chats], as_json=as_json)


@command.command("search")
@click.argument("words", nargs=-1, required=True, callback=check_text)
@click.option("-n", "--limit", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="At most N.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def search(*, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List the chats that hold all WORDS in a prompt, an answer or the title.

    The last word may be the beginning of one. The columns are those of `poly chats ls`, and an excerpt.
    """
    with _store() as store:
        found = store.search(" ".join(words), limit) if store else []
    print_rows([{**_row(one.chat), "excerpt": _excerpt(one)} for one in found], as_json=as_json)


@command.command("show")
@_chat
@click.option("--json", "as_json", is_flag=True, help="Print an object with all versions of all turns.")
def show(*, chat: int | None, as_json: bool) -> None:
    """Show a chat: what was said, as Markdown.

    ID is what `poly chats ls` tells; by default it is the last chat.
    """
    text = (FORMATS["json"] if as_json else as_markdown)(_load(chat))
    click.echo(without_controls(text) if sys.stdout.isatty() and not as_json else text, nl=False)


@command.command("export")
@_chat
@click.option("-f", "--format", "form", type=click.Choice(list(FORMATS)), help="By default by the name of FILE, or md.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, in place of stdout.")
def export(*, chat: int | None, form: str | None, output: Path | None) -> None:
    """Write a chat as Markdown, JSON or HTML.

    ID is what `poly chats ls` tells; by default it is the last chat. JSON holds all versions of all turns, and the
    others those that are shown.
    """
    ending = output.suffix.removeprefix(".") if output else ""
    text = FORMATS[form or (ending if ending in FORMATS else "md")](_load(chat))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


@command.command("rm")
@click.argument("chats", type=click.IntRange(1), nargs=-1, required=True, metavar="ID...")
def remove(*, chats: tuple[int, ...]) -> None:
    """Delete chats for good.

    ID is what `poly chats ls` tells.
    """
    with _store() as store:
        for chat in chats:
            if store is None:
                raise ChatNotFound(str(chat))
            store.erase(chat)


@contextmanager
def _store() -> Iterator[ChatStore | None]:
    """The chats, None if there are none. A file that cannot be used is left as it is."""
    path = connect.chats_file()
    if not path.exists():
        yield None
        return
    with closing(ChatStore(ChatDatabase(path))) as store:
        yield store


def _load(number: int | None) -> Chat:
    with _store() as store:
        if store is None:
            raise InvalidRequest("no chat was kept yet")
        wanted = store.newest() if number is None else number
        if wanted is None:
            raise InvalidRequest("no chat was kept yet")
        return store.load(wanted)


def _row(chat: ChatInfo) -> dict[str, object]:
    changed = datetime.fromtimestamp(chat.changed).astimezone().isoformat(timespec="seconds")
    title = without_controls(chat.title)
    return {"id": chat.id, "title": title, "task": chat.task, "turns": chat.n_turns, "changed": changed}


def _excerpt(found: Found) -> str:
    for mark in MATCH:
        found = Found(found.chat, found.excerpt.replace(mark, ""))
    return without_controls(" ".join(found.excerpt.split()))
