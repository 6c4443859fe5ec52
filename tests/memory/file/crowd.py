"""Processes that use one memory at once: some take in the same documents, one removes them, one searches."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path

from poly_engine.memory.file import FileStore
from poly_engine.memory.records import Found, Query
from tests.memory.file.ledger import N_CHUNKS, Step, texts
from tests.memory.stores import MODEL, document, vectors

SOURCES = {f"file{number}": number for number in range(1, 21)}
"""The documents, and the version in which they are taken in."""


def take_in(path: Path, seed: int, n_rounds: int) -> None:
    """Put every document that is not there, in any order, a few times over."""
    chance = random.Random(seed)
    with closing(FileStore(path, MODEL)) as store:
        for _ in range(n_rounds):
            for source in chance.sample(sorted(SOURCES), len(SOURCES)):
                wanted, _ = document(source, texts(source, SOURCES[source]))
                if store.checksum(source) != wanted.sha256:
                    Step(source, SOURCES[source]).take(store)


def remove(path: Path, n_times: int) -> None:
    """Remove documents."""
    chance = random.Random(0)
    with closing(FileStore(path, MODEL)) as store:
        for _ in range(n_times):
            store.remove(chance.choice(sorted(SOURCES)))


def search(path: Path, end: Event, report: Path) -> None:
    """Search until the end. Report how long it took each time, what was found in part, and how often something was
    gone before it could be read.
    """
    times_s: list[float] = []
    in_part: list[str] = []
    n_gone = 0
    with closing(FileStore(path, MODEL)) as store:
        while not times_s or not end.is_set():
            begin = time.perf_counter()
            found = store.search(Query(vectors(1)[0], "version part", len(SOURCES) * N_CHUNKS))
            times_s.append(time.perf_counter() - begin)
            in_part += _in_part(found)
            n_gone += any(match.chunk not in found.chunks for match in (*found.nearest, *found.matching))
    report.write_text(json.dumps([times_s, in_part, n_gone]))


def _in_part(found: Found) -> Iterator[str]:
    """The documents of which a search that finds everything has found a part."""
    for way, matches in (("meaning", found.nearest), ("words", found.matching)):
        counts = Counter(found.chunks[match.chunk].source for match in matches if match.chunk in found.chunks)
        yield from (f"{n} chunks of {source} by {way}" for source, n in counts.items() if n != N_CHUNKS)
