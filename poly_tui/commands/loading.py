"""The loading of a model, which may take long enough to want to see it."""

import sys
import time

import click

from poly_engine import Engine, MemoryNotFound

__all__ = ["load", "load_memory"]

_PATIENCE_S = 0.5


async def load_memory(engine: Engine, memory: str) -> None:
    """Load the embedding model of a memory. Raises MemoryNotFound."""
    models = {info.name: info.embedding_model for info in await engine.memories()}
    if memory not in models:
        raise MemoryNotFound(memory, models)
    await load(engine, models[memory])


async def load(engine: Engine, model: str, *, is_quiet: bool = False) -> None:
    """Load `model`. If that takes a while, a terminal on stderr shows how far it is."""
    begin = time.monotonic()
    is_shown = False

    def show(share: float) -> None:
        nonlocal is_shown
        if is_shown or time.monotonic() - begin > _PATIENCE_S:
            is_shown = True
            click.echo(f"\rpoly: loading {model} {share:4.0%}", err=True, nl=False)

    has_watcher = sys.stderr.isatty() and not is_quiet
    try:
        await engine.load(model, show if has_watcher else None)
    finally:
        if is_shown:
            click.echo("\r\x1b[K", err=True, nl=False)
