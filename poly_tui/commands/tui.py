"""`poly tui`: the terminal interface."""

import asyncio
import logging
from pathlib import Path

import click
import platformdirs

from poly_engine import TaskNotFound
from poly_tui import connect
from poly_tui.commands.names import task_argument
from poly_tui.settings import Settings, has_terminal, pass_settings

__all__ = ["command"]


@click.command()
@task_argument(is_required=False)
@pass_settings
def command(settings: Settings, *, task: str | None = None) -> int:
    """Open the terminal interface.

    It begins with a chat with TASK, or with the first one there is. Ctrl-Q leaves it.
    """
    if not has_terminal():
        raise click.UsageError("poly tui needs a terminal; poly chat and poly run also work in pipes")
    tasks = [one.name for one in asyncio.run(connect.tasks(settings))]
    if task is not None and task not in tasks:
        raise TaskNotFound(task, tasks)
    if settings.is_verbose:
        _log_to_file()
    from poly_tui.app import run  # Textual, 200 ms that a mistyped task need not pay

    return run(connect.engine(settings), task)


def _log_to_file() -> None:
    """Move the log from stderr, which is the screen, to a file."""
    path = Path(platformdirs.user_state_dir("poly", appauthor=False)) / "tui.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    click.echo(f"poly: the log is written to {path}", err=True)
    logging.basicConfig(filename=path, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
