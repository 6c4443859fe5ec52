"""`poly ingest`: documents into a memory."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from poly_engine import Engine, InvalidRequest, UnreadableDocument
from poly_engine.config import Config
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.documents import STDIN, Document, documents
from poly_tui.commands.listing import compact_json
from poly_tui.commands.loading import load_memory
from poly_tui.commands.names import complete_memories
from poly_tui.commands.prompt import check_text, is_readable
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.command()
@click.argument(
    "names", nargs=-1, callback=check_text, metavar="[MEMORY] [FILE|FOLDER|-]...", shell_complete=complete_memories
)
@click.option("--type", "media_type", metavar="TYPE", help="What the documents are, such as application/pdf.")
@click.option("--name", callback=check_text, help="The name of what is piped; by default it is made of its content.")
@click.option("--glob", default="*", show_default=True, help="Of a folder, only files with such names.")
@click.option("--sync", "is_sync", is_flag=True, help="Forget what was in the folders and is gone.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Only say what would be taken in.")
@click.option("--json", "as_json", is_flag=True, help="Print an object for each document.")
@pass_settings
def command(
    settings: Settings,
    *,
    names: Sequence[str],
    media_type: str | None,
    name: str | None,
    glob: str,
    is_sync: bool,
    is_dry: bool,
    as_json: bool,
) -> None:
    """Take documents into a memory.

    They may be text, Markdown, HTML, PDF or DOCX. MEMORY may be left out where there is only one. Of a FOLDER all files
    are taken, at any depth; - is stdin, which is also read if it is a pipe and nothing else is named. A document that
    is there already is not taken in again unless it changed. One that cannot be read does not keep the others out, and
    makes the exit code 1.
    """
    memory, wanted = _memory_and_names(connect.configuration(settings).config, names)
    if not wanted and not is_readable():
        raise click.UsageError("there is no document: name some, or pipe one into it", click.get_current_context())
    chosen = list(documents(wanted or [STDIN], name, glob))
    if is_dry:
        for document in chosen:
            click.echo(document.name)
        return
    gone = [str(Path(one).absolute()) for one in wanted if Path(one).is_dir()] if is_sync else []
    n_failed = foreground.run(_ingest(settings, memory, chosen, gone, media_type, as_json=as_json))
    if n_failed:
        raise click.exceptions.Exit(1)


def _memory_and_names(config: Config, names: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Which memory is meant, and what is left of the arguments."""
    memories = sorted(config.memories)
    if names and names[0] in memories:
        return names[0], names[1:]
    if len(memories) == 1:
        return memories[0], names
    known = f"say which: {', '.join(memories)}" if memories else "the configuration has none"
    raise click.UsageError(f"there is no memory named: {known}", click.get_current_context())


async def _ingest(
    settings: Settings,
    memory: str,
    chosen: Iterable[Document],
    folders: Sequence[str],
    media_type: str | None,
    *,
    as_json: bool,
) -> int:
    """Take the documents in, one after the other; return how many could not be."""
    n_failed = 0
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        sources = set()
        for document in chosen:
            sources.add(document.name)
            n_failed += not await _take_in(engine, memory, document, media_type, as_json=as_json)
        for source in [one.source for one in await engine.documents(memory)] if folders else []:
            if source not in sources and any(source.startswith(f"{folder}/") for folder in folders):
                await engine.forget(memory, source)
                _say({"source": source, "outcome": "forgotten"}, as_json=as_json)
    return n_failed


async def _take_in(engine: Engine, memory: str, document: Document, media_type: str | None, *, as_json: bool) -> bool:
    try:
        content = await asyncio.to_thread(document.read)
        done = await engine.ingest(memory, content, source=document.source(content), media_type=media_type)
    except InvalidRequest as error:
        reason = error.reason if isinstance(error, UnreadableDocument) else str(error)
        click.echo(f"poly: {document.name}: {reason}", err=True)
        if as_json:
            _say({"source": document.name, "outcome": "failed", "reason": reason}, as_json=True)
        return False
    _say(asdict(done), as_json=as_json)
    return True


def _say(done: dict[str, object], *, as_json: bool) -> None:
    line = compact_json(done) if as_json else "\t".join(str(value) for value in _columns(done))
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _columns(done: dict[str, object]) -> Iterable[object]:
    yield done["outcome"]
    yield done["source"]
    if "n_chunks" in done:
        yield f"{done['n_chunks']} chunks"
