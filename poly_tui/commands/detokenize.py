"""`poly detokenize`: the text that tokens of a model spell."""

from collections.abc import Sequence

import click

from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import print_json
from poly_tui.commands.loading import load
from poly_tui.commands.names import model_argument
from poly_tui.commands.prompt import check_text, read_prompt
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.command()
@model_argument()
@click.argument("ids", nargs=-1, metavar="[ID]...", callback=check_text)
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_settings
def command(settings: Settings, *, model: str, ids: Sequence[str], as_json: bool) -> None:
    """Show the text of tokens.

    They are given by their ids, or piped: poly tokenize MODEL hello | cut -f 1 | poly detokenize MODEL

    Special tokens are shown as what their model calls them. What is only a part of a character is shown as U+FFFD.
    """
    text = foreground.run(_detokenize(settings, model, list(map(_number, read_prompt(ids).split()))))
    if as_json:
        print_json({"model": model, "text": text})
    else:
        click.echo(text)


async def _detokenize(settings: Settings, model: str, ids: Sequence[int]) -> str:
    async with connect.engine(settings) as engine:
        await load(engine, model)
        return await engine.detokenize(model, ids)


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 20):
        raise click.UsageError(f"{word[:40]!r} is no id of a token: it is a number", click.get_current_context())
    return int(word)
