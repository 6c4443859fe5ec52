"""`poly tokenize`: what a model makes of a text before it reads it."""

from collections.abc import Sequence

import click

from poly_engine import TokenPiece
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import print_json, print_rows
from poly_tui.commands.loading import load
from poly_tui.commands.names import model_argument
from poly_tui.commands.prompt import check_text, read_prompt
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.command()
@model_argument()
@click.argument("text", nargs=-1, callback=check_text)
@click.option("--count", "is_count", is_flag=True, help="Print only how many tokens there are.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_settings
def command(settings: Settings, *, model: str, text: Sequence[str], is_count: bool, as_json: bool) -> None:
    r"""Show the tokens of a text.

    The text is the words, joined by spaces, or what is piped, as with poly run. Each line shows the id of a token and
    its piece of the text, in which a newline is written as \n. No special tokens are parsed, as in a prompt; a model
    that begins every text with a token of its own shows it here too.
    """
    tokens = foreground.run(_tokenize(settings, model, read_prompt(text)))
    facts = {"model": model, "count": len(tokens)}
    if as_json:
        print_json(facts if is_count else {**facts, "tokens": [_row(token) for token in tokens]})
    elif is_count:
        click.echo(len(tokens))
    else:
        print_rows([_row(token) for token in tokens], as_json=False)


async def _tokenize(settings: Settings, model: str, text: str) -> Sequence[TokenPiece]:
    async with connect.engine(settings) as engine:
        await load(engine, model)
        return await engine.tokenize(model, text)


def _row(token: TokenPiece) -> dict[str, object]:
    return {"id": token.id, "text": token.text}
