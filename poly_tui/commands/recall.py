"""`poly recall`: what a memory holds on a question."""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from typing import Any

import click

from poly_engine import InvalidRequest, Recalled, RecallOptions
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
    "--source",
    "sources",
    multiple=True,
    callback=check_text,
    help="Only from documents of that name; * stands for any characters; may be repeated.",
)
@click.option("--max-tokens", type=click.IntRange(1), help="How long all of them together may be.")
@click.option("--min-score", type=click.FloatRange(-1, 1), help="Leave out chunks less like the question than this.")
@click.option("--mmr", type=click.FloatRange(0, 1), help="Prefer chunks unlike each other; 1 goes by scores alone.")
@click.option("--neighbours", type=click.IntRange(0), help="Chunks before and behind it that each brings along.")
@click.option("--json", "as_json", is_flag=True, help="Print one object, with the trace of how each was found.")
@pass_settings
def command(settings: Settings, /, *, memory: str, query: Sequence[str], as_json: bool, **given: Any) -> None:
    """Find what a memory holds on a question.

    The question is the words, or what is piped. Chunks are found by what they mean and by the words that they share
    with it, and printed with the document and the page that they come from, best first.
    """
    options = RecallOptions(**{**given, "sources": given["sources"] or None})  # Any: click gives what is declared above
    foreground.run(_recall(settings, memory, read_prompt(query), options, as_json=as_json))


async def _recall(settings: Settings, memory: str, query: str, options: RecallOptions, *, as_json: bool) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        if options.sources is not None:
            known = [document.source for document in await engine.documents(memory)]
            options = replace(options, sources=_matching(options.sources, known))
        recalled = await engine.recall(memory, query, options)
    if as_json:
        print_json(asdict(recalled))
        return
    for number, hit in enumerate(recalled.hits, 1):
        apart = "" if number == 1 else "\n"
        sys.stdout.write(f"{apart}{number}. {hit.origin}  {hit.score:.2f}\n{hit.text.strip()}\n")
    for remark in _remarks(recalled):
        click.echo(f"poly: {remark}", err=True)


def _matching(patterns: Collection[str], known: Sequence[str]) -> list[str]:
    """The known sources that a pattern names. Raises InvalidRequest for a pattern that names none."""
    found = []
    for pattern in patterns:
        matching = [source for source in known if source == pattern or fnmatchcase(source, pattern)]
        if not matching:
            raise InvalidRequest(f"the memory has no document {pattern}; poly memory docs lists them")
        found += matching
    return found


def _remarks(recalled: Recalled) -> Iterator[str]:
    """What has to be known beside the hits."""
    n_unlike = sum(one.reason == "low_score" for one in recalled.dropped)
    if recalled.n_without_room:
        yield f"{recalled.n_without_room} more had no room in --max-tokens"
    if not recalled.hits and n_unlike:
        yield "the memory holds nothing that is near enough to the question (min_score)"
    elif not recalled.hits and not recalled.dropped:
        yield "the memory holds nothing on that"
