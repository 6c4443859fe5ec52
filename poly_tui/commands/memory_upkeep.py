"""The verbs of `poly memory` that look after one: verify, reindex, export and import."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import click

from poly_engine import InvalidRequest
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.ingest_report import Report
from poly_tui.commands.loading import load_memory
from poly_tui.commands.names import memory_argument
from poly_tui.settings import Settings, pass_settings

__all__ = ["export", "reindex", "restore", "verify"]

_LONGEST_LINE_BYTES = 1 << 30


@click.command()
@memory_argument()
@pass_settings
def verify(settings: Settings, *, memory: str) -> None:
    """Say what is damaged in MEMORY.

    Everything that it holds is looked at. Exit code 1 if anything is damaged.
    """
    faults = foreground.run(_faults(settings, memory))
    for fault in faults:
        click.echo(fault)
    if faults:
        raise click.exceptions.Exit(1)
    click.echo(f"poly: {memory} is sound", err=True)


async def _faults(settings: Settings, memory: str) -> list[str]:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        return list(await engine.faults(memory))


@click.command()
@memory_argument()
@click.option("--json", "as_json", is_flag=True, help="Print an object for each document.")
@pass_settings
def reindex(settings: Settings, *, memory: str, as_json: bool) -> None:
    """Cut and embed all of MEMORY anew.

    All of it becomes as the configuration says now. This is what a memory needs when its embedding model was
    replaced. The memory goes on as it was until all is embedded, and what was begun is gone on with if it is
    interrupted.
    """
    foreground.run(_reindex(settings, memory, as_json=as_json))


async def _reindex(settings: Settings, memory: str, *, as_json: bool) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        report = Report(None, as_json=as_json)
        try:
            await engine.reindex(memory, report.done)
        finally:
            report.end()


@click.command("export")
@memory_argument()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, in place of stdout.")
@pass_settings
def export(settings: Settings, *, memory: str, output: Path | None) -> None:
    """Write all of MEMORY as lines of JSON.

    That is a line for each document, with its text, its chunks and their vectors.
    """
    if output is None and sys.stdout.isatty():
        raise click.UsageError("this is not for a terminal: name a file with -o, or use a pipe")
    if output is None:
        foreground.run(_export(settings, memory, sys.stdout.buffer))
        return
    unfinished = output.with_name(output.name + ".part")  # what is whole takes its place: half an export is none
    with unfinished.open("wb") as file:
        foreground.run(_export(settings, memory, file))
    unfinished.replace(output)


async def _export(settings: Settings, memory: str, file: BinaryIO) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        async with aclosing(engine.export(memory)) as lines:
            async for line in lines:
                await asyncio.to_thread(file.write, line)
    file.flush()


@click.command("import")
@memory_argument()
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--json", "as_json", is_flag=True, help="Print an object for each document.")
@pass_settings
def restore(settings: Settings, *, memory: str, file: BinaryIO, as_json: bool) -> None:
    """Take an export into MEMORY.

    FILE is what `poly memory export` wrote; by default it is read from stdin. Documents of the same sources are
    replaced. What was embedded by another model is embedded anew.
    """
    if file.isatty():
        raise click.UsageError("nothing is piped: name a file", click.get_current_context())
    foreground.run(_restore(settings, memory, file, as_json=as_json))


async def _restore(settings: Settings, memory: str, file: BinaryIO, *, as_json: bool) -> None:
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        await engine.restore(memory, _lines(file), Report(None, as_json=as_json).done)


async def _lines(file: BinaryIO) -> AsyncIterator[bytes]:
    while line := await asyncio.to_thread(file.readline, _LONGEST_LINE_BYTES):
        if len(line) == _LONGEST_LINE_BYTES:
            raise InvalidRequest(f"a line is longer than {_LONGEST_LINE_BYTES >> 20} MiB")
        yield line
