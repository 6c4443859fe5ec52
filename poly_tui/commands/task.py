"""`poly task`: the tasks of the configuration."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from poly_engine import PromptPart
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import print_record, print_rows
from poly_tui.commands.loading import load
from poly_tui.commands.names import task_argument
from poly_tui.commands.prompt import check_text, read_prompt
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


@command.command("prompt")
@task_argument(is_required=True)
@click.argument("prompt", nargs=-1, callback=check_text)
@click.option("--system", callback=check_text, help="Replace the system message of the task.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def show_prompt(settings: Settings, *, task: str, prompt: Sequence[str], system: str | None, as_json: bool) -> None:
    r"""Show what the model of TASK would read of a prompt, without asking it.

    The prompt is the words, or what is piped, as with poly run. Each line is a part of what the model reads: whose it
    is (template, system, recalled or prompt), its text, in which a newline is written as \n, and how many tokens it
    has.
    """
    parts = foreground.run(_parts(settings, task, read_prompt(prompt), system))
    rows = [asdict(part) for part in parts]
    if sys.stdout.isatty() and not as_json:  # in a table, a newline would be a space
        rows = [{**row, "text": row["text"].replace("\n", "\\n")} for row in rows]
    print_rows(rows, as_json=as_json)


async def _parts(settings: Settings, task: str, prompt: str, system: str | None) -> Sequence[PromptPart]:
    async with connect.engine(settings) as engine:
        await load(engine, (await connect.find_task(engine, task)).model)
        return await engine.prompt_parts(task, prompt, system=system)
