"""`poly embed`: texts as vectors."""

import sys
from collections.abc import Sequence

import click

from poly_engine import InvalidRequest
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import compact_json, print_json
from poly_tui.commands.loading import load
from poly_tui.commands.names import model_argument
from poly_tui.commands.prompt import check_text, is_readable, read_stdin
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]

_TEXTS_AT_ONCE = 64
"""So many vectors are printed before the next ones are computed, and an interruption waits for no more."""


@click.command()
@model_argument()
@click.argument("text", nargs=-1, callback=check_text)
@click.option("--json", "as_json", is_flag=True, help="Print one object with all vectors when they are there.")
@click.option("--raw", "is_raw", is_flag=True, help="Leave the vectors as long as the model makes them.")
@pass_settings
def command(settings: Settings, *, model: str, text: Sequence[str], as_json: bool, is_raw: bool) -> None:
    """Turn texts into vectors.

    Each TEXT is one text; without any, each line of stdin is one. Each vector is printed as a JSON array in a line of
    its own, in the order of the texts, and has the length 1.
    """
    texts = text or _lines()
    for number, each in enumerate(texts, 1):
        if not each.strip():
            raise InvalidRequest(f"text {number} of {len(texts)} is empty")
    foreground.run(_embed(settings, model, texts, as_json=as_json, normalize=not is_raw))


def _lines() -> list[str]:
    piped = read_stdin() if is_readable() else ""
    if not piped.strip():
        raise click.UsageError(
            "there is no text: give some, or pipe lines of text into it", click.get_current_context()
        )
    return [line.rstrip("\r") for line in piped.rstrip("\r\n").split("\n")]


async def _embed(settings: Settings, model: str, texts: Sequence[str], *, as_json: bool, normalize: bool) -> None:
    vectors: list[list[float]] = []
    n_tokens = 0
    async with connect.engine(settings) as engine:
        await load(engine, model)
        for begin in range(0, len(texts), _TEXTS_AT_ONCE):
            embeddings = await engine.embed(model, texts[begin : begin + _TEXTS_AT_ONCE], normalize=normalize)
            # As text a float32 is as short as it can be; as a float it would get digits that mean nothing.
            found = [[float(str(number)) for number in vector] for vector in embeddings.vectors]
            if not as_json:
                sys.stdout.write("".join(f"{compact_json(vector)}\n" for vector in found))
                sys.stdout.flush()
            else:
                vectors += found
            n_tokens += embeddings.n_tokens
    if as_json:
        print_json({"model": model, "embeddings": vectors, "usage": {"prompt_tokens": n_tokens}})
