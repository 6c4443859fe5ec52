"""`poly tui`: the terminal interface."""

import asyncio
import logging
from contextlib import closing
from pathlib import Path

import click
import platformdirs

from poly_engine import TaskNotFound
from poly_tui import connect
from poly_tui.commands.kept_chat import KeptChats
from poly_tui.commands.names import task_argument
from poly_tui.settings import Settings, has_terminal, pass_settings

__all__ = ["command"]


@click.command()
@task_argument(is_required=False)
@click.option("-c", "--continue", "is_continued", is_flag=True, help="Go on with the last chat.")
@click.option("-s", "--chat", "number", type=click.IntRange(1), metavar="ID", help="Go on with a chat: poly chats ls.")
@click.option("-n", "--no-log", "is_forgotten", is_flag=True, help="Keep no chats.")
@pass_settings
def command(
    settings: Settings,
    *,
    task: str | None = None,
    is_continued: bool = False,
    number: int | None = None,
    is_forgotten: bool = False,
) -> int:
    """Open the terminal interface.

    It begins with a chat with TASK, or with the first one there is. Ctrl-Q leaves it. Chats are kept: Ctrl-R lists
    them.
    """
    if is_forgotten and (is_continued or number):
        raise click.UsageError("what goes on is kept: leave out --no-log", click.get_current_context())
    if not has_terminal():
        raise click.UsageError("poly tui needs a terminal; poly chat and poly run also work in pipes")
    tasks = [one.name for one in asyncio.run(connect.tasks(settings))]
    if task is not None and task not in tasks:
        raise TaskNotFound(task, tasks)
    if settings.is_verbose:
        _log_to_file()
    if is_continued or number is not None:
        number = _number_of(number)
    from poly_tui.app import run  # Textual, 200 ms that a mistyped task need not pay

    chats = None if is_forgotten else connect.chats_file()
    return run(connect.backend(settings), task, chats=chats, chat=number)


def _number_of(number: int | None) -> int:
    """The number of a chat that is there, by default of the last one."""
    with closing(KeptChats(is_kept=True)) as chats:
        found = chats.again(number).chat.id
    assert found is not None
    return found


def _log_to_file() -> None:
    """Move the log from stderr, which is the screen, to a file."""
    path = Path(platformdirs.user_state_dir("poly", appauthor=False)) / "tui.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    click.echo(f"poly: the log is written to {path}", err=True)
    logging.basicConfig(filename=path, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
