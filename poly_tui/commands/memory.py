"""`poly memory`: the memories of the configuration, and what is in them."""

import sys
from datetime import datetime

import click

from poly_engine import DocumentInfo, IngestJob, InvalidRequest
from poly_engine.config import MemoryConfig
from poly_tui import connect
from poly_tui.commands import foreground, memory_quality as quality, memory_upkeep as upkeep
from poly_tui.commands.listing import Count, print_record, print_rows
from poly_tui.commands.loading import load_memory
from poly_tui.commands.names import memory_argument
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.group()
def command() -> None:
    """Look into memories, mend and move them, and measure what they find."""


for verb in (upkeep.verify, upkeep.reindex, upkeep.export, upkeep.restore, quality.test, quality.calibrate):
    command.add_command(verb)


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def list_memories(settings: Settings, *, as_json: bool) -> None:
    """List the memories.

    On a terminal as a table, elsewhere as tab-separated values. The columns are name and embedding model.
    """
    memories = foreground.run(connect.memories(settings))
    rows: list[dict[str, object]] = [{"name": one.name, "embedding_model": one.embedding_model} for one in memories]
    print_rows(rows, as_json=as_json)


@command.command("docs")
@memory_argument()
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def list_documents(settings: Settings, *, memory: str, as_json: bool) -> None:
    """List the documents of MEMORY.

    The columns are source, chunks, characters, type, title, when it was added, and its state: done, pending, working,
    or why it could not be taken in.
    """
    foreground.run(_list_documents(settings, memory, as_json=as_json))


async def _list_documents(settings: Settings, memory: str, *, as_json: bool) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        documents, jobs = await engine.documents(memory), await engine.jobs(memory)
    print_rows([*map(_document_row, documents), *map(_job_row, jobs)], as_json=as_json)


def _document_row(document: DocumentInfo) -> dict[str, object]:
    return {
        "source": document.source,
        "chunks": document.n_chunks,
        "characters": Count(document.n_characters),
        "type": document.media_type,
        "title": document.title,
        "added": _time(document.added),
        "state": "done",
    }


def _job_row(job: IngestJob) -> dict[str, object]:
    return {
        "source": job.source,
        "chunks": None,
        "characters": None,
        "type": None,
        "title": None,
        "added": _time(job.added),
        "state": f"failed: {job.reason}" if job.state == "failed" else job.state,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


@command.command("show")
@memory_argument()
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_settings
def show_memory(settings: Settings, *, memory: str, as_json: bool) -> None:
    """Show what MEMORY holds, and its settings, unless a server has it."""
    facts = foreground.run(_facts(settings, memory))
    if settings.url is None:
        facts |= _settings(connect.configuration(settings).config.memories[memory])
    print_record({"name": memory, **facts}, as_json=as_json)


async def _facts(settings: Settings, memory: str) -> dict[str, object]:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        documents, jobs = await engine.documents(memory), await engine.jobs(memory)
    n_failed = sum(job.state == "failed" for job in jobs)
    return {
        "documents": len(documents),
        "chunks": sum(one.n_chunks for one in documents),
        "characters": Count(sum(one.n_characters for one in documents)),
        "waiting": len(jobs) - n_failed,
        "failed": n_failed,
    }


def _settings(memory: MemoryConfig) -> dict[str, object]:
    shown = memory.model_dump(mode="json", exclude_none=True)
    (kind, place) = next(iter(shown.pop("store").items()))
    return {"store": " ".join([kind, *(str(value) for key, value in place.items() if key != "url")]), **shown}


@command.command("chunks")
@memory_argument()
@click.argument("source")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def list_chunks(settings: Settings, *, memory: str, source: str, as_json: bool) -> None:
    """List the chunks of a document.

    SOURCE is its name as `poly memory docs` tells it. The columns are number, begin and end in the text of the
    document, first and last page, headings and text.
    """
    foreground.run(_list_chunks(settings, memory, source, as_json=as_json))


async def _list_chunks(settings: Settings, memory: str, source: str, *, as_json: bool) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        chunks = await engine.chunks(memory, source)
    rows = [
        {
            "number": one.place,
            "start": one.start,
            "end": one.end,
            "first_page": one.first_page,
            "last_page": one.last_page,
            "headings": " > ".join(one.headings),
            "text": one.text,
        }
        for one in chunks
    ]
    print_rows(rows, as_json=as_json)


@command.command("rm")
@memory_argument()
@click.argument("source", nargs=-1, required=True)
@pass_settings
def remove(settings: Settings, *, memory: str, source: tuple[str, ...]) -> None:
    """Forget documents of MEMORY.

    SOURCE is the name of one as `poly memory docs` tells it.
    """
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
