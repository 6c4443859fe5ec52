"""`poly ingest`: documents into a memory."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import click

from poly_engine import Engine, InvalidRequest, MemoryInfo, PolyError, UnreadableDocument
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.ingest_report import Report
from poly_tui.commands.loading import load_memory
from poly_tui.commands.names import complete_memories
from poly_tui.commands.prompt import check_text, is_readable
from poly_tui.documents import STDIN, Document, documents, take_in
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]

_AT_ONCE = 3


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
    memory, wanted = _memory_and_names(foreground.run(connect.memories(settings)), names)
    if not wanted and not is_readable():
        raise click.UsageError("there is no document: name some, or pipe one into it", click.get_current_context())
    chosen = list(documents(wanted or [STDIN], name, glob))
    if is_dry:
        for document in chosen:
            click.echo(document.name)
        return
    gone = [str(Path(one).absolute()) for one in wanted if Path(one).is_dir()] if is_sync else []
    if foreground.run(_ingest(settings, memory, chosen, gone, media_type, as_json=as_json)):
        raise click.exceptions.Exit(1)


def _memory_and_names(known: Sequence[MemoryInfo], names: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Which memory is meant, and what is left of the arguments."""
    memories = [memory.name for memory in known]
    if names and names[0] in memories:
        return names[0], names[1:]
    if len(memories) == 1:
        return memories[0], names
    hint = f"say which: {', '.join(memories)}" if memories else "none is configured"
    raise click.UsageError(f"there is no memory named: {hint}", click.get_current_context())


async def _ingest(
    settings: Settings,
    memory: str,
    chosen: Sequence[Document],
    folders: Sequence[str],
    media_type: str | None,
    *,
    as_json: bool,
) -> int:
    """Take the documents in; return how many could not be."""
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        n_left = sum(job.state == "pending" for job in await engine.jobs(memory))
        report = Report(len(chosen), as_json=as_json)
        await _take_in_all(engine, memory, chosen, media_type, report)
        await _forget_gone(engine, memory, {document.name for document in chosen}, folders, report)
        if n_left:
            await engine.settle(memory)
            click.echo(f"poly: {n_left} documents that an earlier run had left were taken in, too", err=True)
    return report.n_failed


async def _take_in_all(
    engine: Engine, memory: str, chosen: Iterable[Document], media_type: str | None, report: Report
) -> None:
    """Take documents in, a few at a time: while one is embedded, others are read and stored."""
    waiting = iter(chosen)

    async def work() -> None:
        for document in waiting:
            await _take_in(engine, memory, document, media_type, report)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(_AT_ONCE):
                workers.create_task(work())
    except* PolyError as group:  # the memory or the model failed, which ends all
        raise group.exceptions[0] from None
    finally:
        report.end()


async def _take_in(engine: Engine, memory: str, document: Document, media_type: str | None, report: Report) -> None:
    try:
        done = await take_in(engine, memory, document, media_type=media_type, on_progress=report.show_progress)
    except InvalidRequest as error:
        report.failed(document.name, error.reason if isinstance(error, UnreadableDocument) else str(error))
    else:
        report.done(done)


async def _forget_gone(
    engine: Engine, memory: str, sources: Collection[str], folders: Sequence[str], report: Report
) -> None:
    """Forget what the memory holds of these folders and is not among `sources`."""
    if not folders:
        return
    for source in [one.source for one in await engine.documents(memory)]:
        if source not in sources and any(source.startswith(f"{folder}/") for folder in folders):
            await engine.forget(memory, source)
            report.forgotten(source)
