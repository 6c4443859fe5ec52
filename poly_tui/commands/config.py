"""`poly config`: the configuration as a file."""

import os
from pathlib import Path

import click

from poly_engine.config import user_file
from poly_engine.config.describe import render, schema, starting_point
from poly_tui import connect
from poly_tui.commands.listing import print_json
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.group()
def command() -> None:
    """Check the configuration, show it, or begin one."""


@command.command("check")
@pass_settings
def check(settings: Settings) -> None:
    """Name all mistakes, or say that there are none."""
    loaded = connect.configuration(settings)
    for note in loaded.notes:
        click.echo(f"note: {note}")
    config = loaded.config
    click.echo(f"ok: {_counted(len(config.models), 'model')}, {_counted(len(config.tasks), 'task')}")


@command.command("path")
@pass_settings
def show_path(settings: Settings) -> int:
    """Print the path of the file in use.

    The exit code is 1 if there is none, and the built-in configuration is in effect.
    """
    path = connect.find_configuration(settings)
    if path is not None:
        click.echo(path)
        return 0
    click.echo(f"poly: there is no file, the built-in configuration is used; {_how_to_begin()}", err=True)
    return 1


@command.command("show")
@pass_settings
def show(settings: Settings) -> None:
    """Print the values in effect.

    They are TOML, with the secrets masked.
    """
    loaded = connect.configuration(settings)
    click.echo(f"# {loaded.path or 'the built-in configuration'}\n{render(loaded.config)}", nl=False)


@command.command("schema")
def show_schema() -> None:
    """Print the JSON schema.

    With it an editor can complete and check a configuration.
    """
    print_json(schema())


@command.command("init")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--force", "is_forced", is_flag=True, help="Overwrite the file if it is there.")
def init(*, path: Path | None, is_forced: bool) -> None:
    """Write a file to begin with.

    PATH is by default where the configuration of a user lies. It is printed.
    """
    file = path or user_file(os.environ)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if is_forced else "x", encoding="utf-8") as written:
            written.write(starting_point())
    except FileExistsError as error:
        raise click.UsageError(f"{file} is there already; --force overwrites it") from error
    click.echo(file)


def _how_to_begin() -> str:
    return f"poly config init writes {user_file(os.environ)}"


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' if n != 1 else ''}"
