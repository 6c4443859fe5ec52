"""Processes that are killed while they write: what they were told is safe is there, and all of it is whole."""

from __future__ import annotations

import random
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from poly_engine.memory.file import FileStore
from tests.memory.file.faults import IS_FULL
from tests.memory.file.ledger import Expected, Step, versions
from tests.memory.file.writer import N_SOURCES, PROCESSES, adopt, started, write
from tests.memory.stores import MODEL

N_CYCLES = 200 if IS_FULL else 40
CYCLES_OF_A_MEMORY = 10
"""Killing at the making of a memory is tried as well."""

LATEST_S = 0.15
PATIENCE_S = 60


@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_when_two_writers_are_killed(tmp_path: Path) -> None:
    chance = random.Random(1)
    n_acknowledged = 0
    for number in range(0, N_CYCLES, CYCLES_OF_A_MEMORY):
        folder = tmp_path / str(number)
        expected = Expected()
        for cycle in range(CYCLES_OF_A_MEMORY):
            _kill_two(folder, cycle, chance)
            for ledger in folder.glob(f"{cycle}.*"):
                expected.read(ledger.read_text())
            with closing(FileStore(folder / "memory.db", MODEL)) as store:
                assert expected.problems(store) == []
        n_acknowledged += expected.n_acknowledged
    assert n_acknowledged > N_CYCLES
    print(f"{N_CYCLES} cycles, {n_acknowledged} acknowledged changes, none lost, none torn")


def _kill_two(folder: Path, cycle: int, chance: random.Random) -> None:
    """Start two writers, and kill them at random times, the second after the first: every other time while they may
    still be opening the memory.
    """
    folder.mkdir(exist_ok=True)
    has_begun = PROCESSES.Event()
    writers = [
        started(write, folder / "memory.db", folder / f"{cycle}.{name}", name, 1 + 100_000 * cycle, has_begun)
        for name in "ab"
    ]
    if cycle % 2:
        assert has_begun.wait(PATIENCE_S)
    for writer, latest_s in zip(writers, [LATEST_S, LATEST_S / 4], strict=True):
        _kill(writer, chance.random() * latest_s)


def _kill(process: BaseProcess, delay_s: float) -> None:
    process.join(delay_s)
    assert process.exitcode is None, "it ended before it was killed"
    process.kill()
    process.join()


@pytest.mark.timeout(600)
def test_a_memory_that_is_replaced_by_another_is_never_a_mixture(tmp_path: Path) -> None:
    chance = random.Random(1)
    others = [tmp_path / f"{version}.db" for version in (1, 2)]
    for version, other in enumerate(others, 1):
        with closing(FileStore(other, MODEL)) as store:
            for number in range(N_SOURCES * version):
                Step(str(number), version).take(store)
    for _ in range(N_CYCLES // 4):
        has_begun = PROCESSES.Event()
        replacing = started(adopt, tmp_path / "memory.db", others, has_begun)
        assert has_begun.wait(PATIENCE_S)
        _kill(replacing, chance.random() * LATEST_S)
        with closing(FileStore(tmp_path / "memory.db", MODEL)) as store:
            assert store.faults() == []
            (version,) = set(versions(store).values())
            assert len(versions(store)) == N_SOURCES * version
