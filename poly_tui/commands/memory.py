"""`poly memory`: the memories of the configuration, and what is in them."""

import sys
from datetime import datetime

import click

from poly_engine import InvalidRequest
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import Count, print_rows
from poly_tui.commands.loading import load_memory
from poly_tui.commands.names import memory_argument
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.group()
def command() -> None:
    """List memories and their documents, and forget some."""


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def list_memories(settings: Settings, *, as_json: bool) -> None:
    """List the memories: a table on a terminal, tab-separated values elsewhere.

    The columns are name and embedding model.
    """
    memories = connect.configuration(settings).config.memories
    rows = [{"name": name, "embedding_model": memory.embedding_model} for name, memory in sorted(memories.items())]
    print_rows(rows, as_json=as_json)


@command.command("docs")
@memory_argument()
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def list_documents(settings: Settings, *, memory: str, as_json: bool) -> None:
    """List the documents of MEMORY.

    The columns are source, chunks, characters, type, title and when it was added.
    """
    foreground.run(_list_documents(settings, memory, as_json=as_json))


async def _list_documents(settings: Settings, memory: str, *, as_json: bool) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        documents = await engine.documents(memory)
    rows = [
        {
            "source": one.source,
            "chunks": one.n_chunks,
            "characters": Count(one.n_characters),
            "type": one.media_type,
            "title": one.title,
            "added": datetime.fromtimestamp(one.added).astimezone().isoformat(timespec="seconds"),
        }
        for one in documents
    ]
    print_rows(rows, as_json=as_json)


@command.command("rm")
@memory_argument()
@click.argument("source", nargs=-1, required=True)
@pass_settings
def remove(settings: Settings, *, memory: str, source: tuple[str, ...]) -> None:
    """Forget documents of MEMORY, by their sources as `poly memory docs` lists them."""
    foreground.run(_forget(settings, memory, source))


@command.command("clear")
@memory_argument()
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@pass_settings
def clear(settings: Settings, *, memory: str, is_sure: bool) -> None:
    """Forget everything in MEMORY."""
    if not is_sure:
        if not sys.stdin.isatty():
            raise click.UsageError("--yes is needed where nobody can be asked", click.get_current_context())
        click.confirm(f"Forget everything in {memory}?", abort=True, err=True)
    foreground.run(_forget(settings, memory, (None,)))


async def _forget(settings: Settings, memory: str, sources: tuple[str | None, ...]) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        for source in sources:
            n_gone = await engine.forget(memory, source)
            if source is not None and not n_gone:
                raise InvalidRequest(f"memory {memory} has no document {source}; poly memory docs {memory} lists them")
