"""A memory, written into a file."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from poly_engine.errors import InvalidRequest
from poly_engine.interface import Engine

__all__ = ["write_archive"]


async def write_archive(
    engine: Engine, memory: str, file: Path, on_document: Callable[[int], None] = lambda _: None
) -> int:
    """Write a memory as lines of JSON that `poly memory import` reads; return how many documents that were, of which
    `on_document` is told while they are written.

    What is whole takes the place of what was there: half an export is none. Raises InvalidRequest if the file cannot be
    written, and as `Engine.export`.
    """
    unfinished = file.with_name(file.name + ".part")
    n_documents = -1  # the first line is about the model
    try:
        with unfinished.open("wb") as written:
            async with aclosing(engine.export(memory)) as lines:
                async for line in lines:
                    await asyncio.to_thread(written.write, line)
                    n_documents += 1
                    on_document(n_documents)
        unfinished.replace(file)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return max(0, n_documents)
