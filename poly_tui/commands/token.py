"""`poly token`: JSON web tokens of the server."""

from collections.abc import Sequence

import click

from poly_tui import connect
from poly_tui.commands.prompt import check_text
from poly_tui.serving.credentials import new_token
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.group()
def command() -> None:
    """Make tokens for the server."""


@command.command()
@click.option("--task", "-t", "tasks", multiple=True, callback=check_text, help="A task it is for; may be repeated.")
@click.option("--model", "models", multiple=True, callback=check_text, help="A model it is for; may be repeated.")
@click.option("--memory", "-n", "memories", multiple=True, callback=check_text, help="A memory it is for; likewise.")
@click.option("--subject", "-s", default="user", show_default=True, callback=check_text, help="Whom it is for.")
@click.option(
    "--hours", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True, help="How long it is valid."
)
@pass_settings
def create(
    settings: Settings,
    *,
    tasks: Sequence[str],
    models: Sequence[str],
    memories: Sequence[str],
    subject: str,
    hours: float,
) -> None:
    """Make a token that the server accepts.

    It is signed with jwt_private_key of the configuration. What is not limited by an option may be used without limit:
    a token without --model reaches all models.
    """
    limits = {"tasks": tasks, "models": models, "memories": memories}
    click.echo(new_token(connect.configuration(settings).config, subject, hours, limits))
