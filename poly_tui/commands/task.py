"""`poly task`: the tasks of the configuration."""

from dataclasses import asdict

import click

from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import print_record, print_rows
from poly_tui.commands.names import task_argument
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.group()
def command() -> None:
    """List tasks and show what they are."""


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def list_tasks(settings: Settings, *, as_json: bool) -> None:
    """List the tasks: a table on a terminal, tab-separated values elsewhere.

    The columns are name, model and description.
    """
    print_rows([asdict(task) for task in foreground.run(connect.tasks(settings))], as_json=as_json)


@command.command("show")
@task_argument(is_required=True)
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_settings
def show_task(settings: Settings, *, task: str, as_json: bool) -> None:
    """Show the settings of TASK that are in effect."""
    print_record({"name": task, **foreground.run(connect.task_settings(settings, task))}, as_json=as_json)
