"""Many processes in one memory: every document is there exactly once, and every search sees whole ones."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from poly_engine.memory.file import FileStore
from poly_engine.memory.records import Query
from tests.memory.file import crowd
from tests.memory.file.crowd import SOURCES
from tests.memory.file.faults import IS_FULL
from tests.memory.file.ledger import texts, torn, versions
from tests.memory.file.writer import PROCESSES, started
from tests.memory.stores import MODEL, vectors

N_ROUNDS = 100 if IS_FULL else 5


@pytest.mark.timeout(600)
def test_what_several_processes_take_in_at_once_is_there_exactly_once(tmp_path: Path) -> None:
    path, report, end = tmp_path / "memory.db", tmp_path / "report", PROCESSES.Event()
    reader = started(crowd.search, path, end, report)
    writers = [started(crowd.take_in, path, seed, N_ROUNDS) for seed in range(4)]
    remover = started(crowd.remove, path, 20 * N_ROUNDS)
    for process in (*writers, remover):
        process.join()
    end.set()
    reader.join()
    assert [process.exitcode for process in (*writers, remover, reader)] == [0] * 6
    times_s, in_part, n_gone = json.loads(report.read_text())
    assert in_part == []
    crowd.take_in(path, 0, 1)  # what was removed last
    with closing(FileStore(path, MODEL)) as store:
        assert versions(store) == SOURCES
        assert list(torn(store, SOURCES)) == []
        assert store.faults() == []
        found = store.search(Query(vectors(0)[0], "version part", 1000))
        wanted = sorted(text for source, version in SOURCES.items() for text in texts(source, version))
        for matches in (found.nearest, found.matching):
            assert sorted(found.chunks[match.chunk].text for match in matches) == wanted
    p99_ms = 1e3 * sorted(times_s)[len(times_s) * 99 // 100]
    print(f"{len(times_s)} searches, p99 {p99_ms:.1f} ms; in {n_gone} something was gone before it was read")
