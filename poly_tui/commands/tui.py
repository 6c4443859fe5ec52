"""`poly tui`: the terminal interface."""

import asyncio
import gc
import logging
import os
from contextlib import closing
from pathlib import Path

import click

from poly_engine.errors import TaskNotFound
from poly_tui import connect
from poly_tui.commands.names import task_argument
from poly_tui.preferences import preferences_file, read_preferences
from poly_tui.settings import Settings, has_terminal, pass_settings

__all__ = ["command"]


@click.command()
@task_argument(is_required=False)
@click.option("-c", "--continue", "is_continued", is_flag=True, help="Go on with the last chat.")
@click.option("-s", "--chat", "number", type=click.IntRange(1), metavar="ID", help="Go on with a chat: poly chats ls.")
@click.option("-n", "--no-log", "is_forgotten", is_flag=True, help="Keep no chats.")
@click.option("--web", "is_web", is_flag=True, help="Show it in a browser of this machine, at the address it prints.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port for --web.")
@pass_settings
def command(
    settings: Settings,
    *,
    task: str | None = None,
    is_continued: bool = False,
    number: int | None = None,
    is_forgotten: bool = False,
    is_web: bool = False,
    port: int = 8000,
) -> int:
    """Open the terminal interface.

    It begins with a chat with TASK, or with the first one there is. Ctrl-Q leaves it. Chats are kept: Ctrl-R lists
    them.
    """
    if is_forgotten and (is_continued or number):
        raise click.UsageError("what goes on is kept: leave out --no-log", click.get_current_context())
    if not (has_terminal() or is_web or _is_in_browser()):
        raise click.UsageError("poly tui needs a terminal; poly chat and poly run also work in pipes")
    if os.environ.get("TERM") == "dumb" and not (is_web or _is_in_browser()):
        raise click.UsageError("poly tui needs a terminal that can do more than TERM=dumb says; poly chat needs less")
    if task is not None:
        _check_task(settings, task)
    if is_web:
        given = {"--no-log": is_forgotten, "--continue": is_continued, f"--chat={number}": number, f"{task}": task}
        return _serve(settings, [argument for argument, is_given in given.items() if is_given], port)
    if settings.is_verbose:
        _log_to_file()
    if is_continued or number is not None:
        number = _number_of(number)
    gc.disable()  # until the first paint, which is 40 ms sooner: what is imported till then stays
    file = preferences_file()
    preferences = read_preferences(file)
    from poly_tui.app import run  # Textual, 200 ms that a mistyped task need not pay

    chats = None if is_forgotten else connect.chats_file()
    return run(
        connect.backend(settings),
        task,
        chats=chats,
        chat=number,
        preferences=preferences,
        preferences_file=file,
    )


def _is_in_browser() -> bool:
    """Whether a page of `poly tui --web` is what we paint on."""
    return os.environ.get("TEXTUAL_DRIVER", "").startswith("textual.drivers.web_driver")


def _serve(settings: Settings, arguments: list[str], port: int) -> int:
    """Serve what `poly tui` shows with these arguments."""
    try:
        from poly_tui.web import serve  # brings jinja2, which few want
    except ImportError as error:
        raise click.ClickException(f"--web needs {error.name}: install poly[web]") from error
    if settings.key is not None:
        os.environ["POLY_API_KEY"] = settings.key  # not among the arguments, which others on this machine see
    above = [("--config", settings.config_file), ("--connect", settings.url)]
    serve([*(f"{option}={value}" for option, value in above if value is not None), "tui", *arguments], port)
    return 0


def _check_task(settings: Settings, name: str) -> None:
    """Raise TaskNotFound for a task that there is not."""
    tasks = [one.name for one in asyncio.run(connect.tasks(settings))]
    if name not in tasks:
        raise TaskNotFound(name, tasks)


def _number_of(number: int | None) -> int:
    """The number of a chat that is there, by default of the last one."""
    from poly_tui.commands.kept_chat import KeptChats  # 20 ms

    with closing(KeptChats(is_kept=True)) as chats:
        found = chats.again(number).chat.id
    assert found is not None
    return found


def _log_to_file() -> None:
    """Move the log from stderr, which is the screen, to a file."""
    import platformdirs

    path = Path(platformdirs.user_state_dir("poly", appauthor=False)) / "tui.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    click.echo(f"poly: the log is written to {path}", err=True)
    logging.basicConfig(filename=path, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
