"""Journals that a crash left torn: whatever is damaged, a memory opens with all changes up to some whole one."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from poly_engine.memory.file import FileStore
from tests.memory.file.faults import IS_FULL
from tests.memory.file.ledger import torn, versions
from tests.memory.file.power import SECTOR
from tests.memory.file.writer import leave, started
from tests.memory.stores import MODEL

N_VARIANTS = 400 if IS_FULL else 50
N_FIRST, N_CHANGES = 20, 40


class Left(NamedTuple):
    """A memory whose writer ended without closing it, and what it was like after each change that is in its journal:
    the length of the journal, and the versions of its documents.
    """

    database: Path
    journal: bytes
    states: list[tuple[int, dict[str, int]]]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("left")
    database, history = folder / "memory.db", folder / "history"
    writer = started(leave, database, history, N_FIRST, N_CHANGES)
    writer.join()
    states = [(length, found) for length, found in json.loads(history.read_text())]
    assert len(states) == 1 + N_CHANGES
    assert all(before <= after for (before, _), (after, _) in pairwise(states)), "the journal began anew"
    return Left(database, folder.joinpath("memory.db-wal").read_bytes(), states)


def cut(left: Left, chance: random.Random) -> tuple[bytes, int]:
    length = chance.randrange(len(left.journal))
    return left.journal[:length], length


def zero_sectors_that_were_not_synced(left: Left, chance: random.Random) -> tuple[bytes, int]:
    synced, _ = chance.choice(left.states[:-1])
    sectors = range(-(-synced // SECTOR), len(left.journal) // SECTOR)
    zeroed = bytearray(left.journal)
    chosen = chance.sample(sectors, min(len(sectors), chance.randint(1, 8)))
    for sector in chosen:
        zeroed[sector * SECTOR : (sector + 1) * SECTOR] = bytes(SECTOR)
    return bytes(zeroed), min(chosen) * SECTOR


def flip_bits_of_a_byte(left: Left, chance: random.Random) -> tuple[bytes, int]:
    place = chance.randrange(len(left.journal))
    flipped = bytearray(left.journal)
    flipped[place] ^= chance.randint(1, 255)
    return bytes(flipped), place


@pytest.mark.timeout(600)
@pytest.mark.parametrize("damage", [cut, zero_sectors_that_were_not_synced, flip_bits_of_a_byte])
def test_a_memory_opens_with_everything_before_the_damage_in_its_journal(
    damage: Callable[[Left, random.Random], tuple[bytes, int]], left: Left, tmp_path: Path
) -> None:
    for number in range(N_VARIANTS):
        journal, undamaged = damage(left, random.Random(number))
        path = tmp_path / str(number) / "memory.db"
        path.parent.mkdir()
        shutil.copyfile(left.database, path)
        path.with_name("memory.db-wal").write_bytes(journal)
        with closing(FileStore(path, MODEL)) as store:
            found = versions(store)
            assert store.faults() == []
            assert list(torn(store, found)) == []
        n_whole = sum(length <= undamaged for length, _ in left.states)
        assert found in [state for _, state in left.states[n_whole - 1 :]]
