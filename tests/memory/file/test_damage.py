"""Damage in the file of a memory itself: it is told, and what is not told does no harm."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest

from poly_engine.errors import MemoryDamaged
from poly_engine.memory.file import FileStore
from tests.memory.file.faults import IS_FULL
from tests.memory.file.ledger import Step, torn, versions
from tests.memory.stores import MODEL

N_VARIANTS = 1000 if IS_FULL else 60
VERSIONS = {f"file{number}": number for number in range(1, 40)}
PAGE = 4096


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a memory that was closed."""
    path = tmp_path_factory.mktemp("sound") / "memory.db"
    with closing(FileStore(path, MODEL)) as store:
        for source, version in VERSIONS.items():
            Step(source, version).take(store)
    return path.read_bytes()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Bytes that were flipped, or a page that was lost."""
    result = bytearray(content)
    if chance.random() < 0.3:
        page = chance.randrange(len(content) // PAGE)
        result[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    else:
        for _ in range(chance.choice([1, 4, 64])):
            result[chance.randrange(len(content))] ^= chance.randint(1, 255)
    return bytes(result)


@pytest.mark.timeout(600)
def test_damage_is_told_or_does_no_harm(content: bytes, tmp_path: Path) -> None:
    n_told = 0
    for number in range(N_VARIANTS):
        path = tmp_path / str(number) / "memory.db"
        path.parent.mkdir()
        path.write_bytes(damaged(content, random.Random(number)))
        if not is_told(path):
            with closing(FileStore(path, MODEL)) as store:
                assert versions(store) == VERSIONS, number
                assert list(torn(store, VERSIONS)) == [], number
        else:
            n_told += 1
    assert N_VARIANTS / 2 < n_told < N_VARIANTS
    print(f"{N_VARIANTS} damaged files, {n_told} told, the others as good as before")


def is_told(path: Path) -> bool:
    """Whether a memory says that it is damaged, on opening or when it is asked."""
    try:
        with closing(FileStore(path, MODEL)) as store:
            return bool(store.faults())
    except MemoryDamaged:
        return True
