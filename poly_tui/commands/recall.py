"""`poly recall`: what a memory holds on a question."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import print_json
from poly_tui.commands.loading import load_memory
from poly_tui.commands.names import memory_argument
from poly_tui.commands.prompt import check_text, read_prompt
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.command()
@memory_argument()
@click.argument("query", nargs=-1, callback=check_text)
@click.option("-n", "n", type=click.IntRange(1, 1000), default=3, show_default=True, help="How many chunks to recall.")
@click.option(
    "--source", "sources", multiple=True, callback=check_text, help="Only from this document; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print one array, with the trace of how each was found.")
@pass_settings
def command(
    settings: Settings, *, memory: str, query: Sequence[str], n: int, sources: Sequence[str], as_json: bool
) -> None:
    """Find what a memory holds on a question.

    The question is the words, or what is piped. Chunks are found by what they mean and by the words that they share
    with it, and printed with the document and the page that they come from, best first.
    """
    foreground.run(_recall(settings, memory, read_prompt(query), n, sources, as_json=as_json))


async def _recall(
    settings: Settings, memory: str, query: str, n: int, sources: Sequence[str], *, as_json: bool
) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        hits = await engine.recall(memory, query, n, sources=sources or None)
    if as_json:
        print_json([asdict(hit) for hit in hits])
        return
    for number, hit in enumerate(hits, 1):
        sys.stdout.write(
            f"{'' if number == 1 else chr(10)}{number}. {hit.origin}  {hit.score:.2f}\n{hit.text.strip()}\n"
        )
    if not hits:
        click.echo("poly: the memory holds nothing on that", err=True)
