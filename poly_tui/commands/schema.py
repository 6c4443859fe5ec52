"""The schema of an answer as it is given on the command line: a file, JSON, or the short notation."""

import click

from poly_engine import Bias, InvalidSchema
from poly_engine.bias.source import from_words
from poly_tui.commands.prompt import check_text

__all__ = ["schema_option"]

_HELP = """Have the answer fit a schema, in place of the task's: a file with a JSON schema, the JSON itself, or a short
form such as "name, age int, tags [str]"."""


def _parse(ctx: click.Context, param: click.Parameter, text: str | None) -> Bias | None:
    if check_text(ctx, param, text) is None:
        return None
    try:
        return from_words(text or "")
    except InvalidSchema as error:
        raise click.BadParameter(str(error), ctx, param) from error


schema_option = click.option("--schema", callback=_parse, metavar="SCHEMA", help=_HELP)
"""Passes a `Bias`, or None."""
