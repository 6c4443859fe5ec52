"""What a power cut leaves: everything that was acknowledged, whatever else of what was not synced."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory.file.faults import IS_FULL, events, preloaded
from tests.memory.file.ledger import problems
from tests.memory.file.power import Disk, Luck, never, written

N_CUTS = 2000 if IS_FULL else 150


@pytest.mark.timeout(600)
def test_what_was_acknowledged_survives_a_power_cut(faulty_library: Path, tmp_path: Path) -> None:
    root, record = tmp_path / "root", tmp_path / "record"
    root.mkdir()
    preloaded("tests.memory.file.disk_runs", "recorded", root, record, library=faulty_library)
    n_acknowledged = 0
    for number, (ledger, files) in enumerate(_cuts(root, record)):
        folder = tmp_path / str(number)
        written(files, folder)
        assert problems(folder / "notes" / "memory.db", ledger) == []
        n_acknowledged += ledger.count("done")
    assert number > N_CUTS / 2
    print(f"{number + 1} power cuts, {n_acknowledged} acknowledged changes kept")


def _cuts(root: Path, record: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """What was acknowledged, and the files that are left: after all acknowledgements, and at random moments."""
    chance = random.Random(1)
    happened = list(events(record))
    n_of_an_event = N_CUTS / len(happened)
    disk, ledger = Disk(root), ""
    for event in happened:
        if event.path == str(root / "ledger"):
            ledger += event.data.decode()
        else:
            disk.take(event)
        if event.data.startswith(b"done"):
            yield ledger, disk.after_a_power_cut(never)
        for _ in range(int(n_of_an_event + chance.random())):
            yield ledger, disk.after_a_power_cut(_luck(chance))


def _luck(chance: random.Random) -> Luck:
    share = chance.choice([0.0, 0.1, 0.5, 0.9, 1.0])
    return lambda: chance.random() < share
