"""The file of an index is always the one before or the new one, and is not read if it is neither."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory.file.faults import events, preloaded
from tests.memory.file.indexes import GENERATION, INDEXES, index, index_file
from tests.memory.file.power import Disk, Luck, never, written

RUNS = "tests.memory.file.disk_runs"


def always() -> bool:
    return True


def sometimes() -> Luck:
    chance = random.Random(1)
    return lambda: chance.random() < 0.5


@pytest.mark.parametrize(
    "luck",
    [pytest.param(always, id="kill"), pytest.param(never, id="power cut"), pytest.param(sometimes(), id="bad luck")],
)
def test_at_every_moment_the_index_before_or_the_new_one_is_there(
    luck: Luck, faulty_library: Path, tmp_path: Path
) -> None:
    root, record = tmp_path / "root", tmp_path / "record"
    root.mkdir()
    preloaded(RUNS, "published", root, record, library=faulty_library)
    found = set()
    for number, (allowed, files) in enumerate(_moments(root, record, luck)):
        folder = tmp_path / str(number)
        folder.mkdir()
        written(files, folder)
        published = index_file(folder).read(GENERATION)
        found.add(None if published is None else published.last_chunk)
        assert (published and published.last_chunk) in allowed
    assert found == {None, *INDEXES}


def _moments(root: Path, record: Path, luck: Luck) -> Iterator[tuple[set[int | None], dict[str, bytes]]]:
    """After each call: which indexes may be found, and what files there are if that was the last."""
    disk = Disk(root)
    allowed: set[int | None] = {None}
    for event in events(record):
        if event.path != str(root / "ledger"):
            disk.take(event)
            yield allowed, disk.after_a_power_cut(luck)
        elif event.what == "write":
            what, number = event.data.decode().split()
            allowed = {int(number)} if what == "done" else {*allowed, int(number)}


def test_an_index_that_cannot_be_published_leaves_the_one_before(faulty_library: Path, tmp_path: Path) -> None:
    printed = preloaded(RUNS, "failing_to_publish", tmp_path, library=faulty_library)
    outcomes = [json.loads(line) for line in printed.splitlines()]
    assert outcomes[0] == [True, 1]
    assert outcomes[-1] == [False, 2]
    assert {found for _, found in outcomes} == {1, 2}


@pytest.mark.parametrize("place", [100, -1])
def test_an_index_that_is_not_what_was_published_is_not_read(place: int, tmp_path: Path) -> None:
    index_file(tmp_path).publish(index(1))
    (file,) = tmp_path.glob("*.index-*")
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert index_file(tmp_path).read(GENERATION) is None
