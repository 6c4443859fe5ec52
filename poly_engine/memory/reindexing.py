"""A memory cut and embedded anew, from the texts that it holds."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from poly_engine.extract import Extractor
from poly_engine.memory.embedding import Embedding
from poly_engine.memory.file.rebuild import Rebuild
from poly_engine.memory.intake import Intake, IntakeSettings
from poly_engine.memory.threads import Threads
from poly_engine.types import Ingested

__all__ = ["reindex"]


async def reindex(
    path: Path,
    settings: IntakeSettings,
    embedding: Embedding,
    extractor: Extractor,
    on_done: Callable[[Ingested], None],
) -> None:
    """Make the memory in the file `path` anew, with these settings and this model; `on_done` hears of each document.

    It is as it was until all is done. Raises a MemoryFailed, or what embedding raises; then it can be gone on with.
    """
    threads = Threads("reindex")
    purpose = hashlib.sha256(repr((settings, embedding.fingerprint)).encode()).hexdigest()[:16]
    rebuild = await threads.run(Rebuild, path, embedding.fingerprint, purpose)
    is_finished = False
    try:
        intake = Intake(rebuild.new, settings, embedding, extractor, threads)
        while not is_finished:
            for source in await threads.run(rebuild.outdated):
                document = await threads.run(rebuild.document, source)
                if document is not None:
                    chunks, vectors, n_embedded = await intake.embedded(document, {})
                    await threads.run(rebuild.new.put, document, chunks, vectors)
                    on_done(Ingested(source, "replaced", len(chunks), n_embedded))
            is_finished = await threads.run(rebuild.finish)
    finally:
        await threads.run(rebuild.close, is_finished=is_finished)
        await threads.close()
