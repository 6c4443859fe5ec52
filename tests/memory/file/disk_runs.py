"""What is done to a memory on a disk that faults.c watches: runs in a process of its own, with that preloaded."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import traceback
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from poly_engine.errors import MemoryFailed, MemoryUnwritable
from poly_engine.memory.file import FileStore
from tests.memory.file import faults
from tests.memory.file.faults import Calls
from tests.memory.file.indexes import GENERATION, INDEXES, index, index_file
from tests.memory.file.ledger import Ledger, Step, problems, versions
from tests.memory.stores import MODEL


class Way(NamedTuple):
    """How calls fail: which, with what, whether all after the first, and what that may raise."""

    calls: Calls
    error: str
    is_lasting: bool
    raises: type[MemoryFailed] = MemoryUnwritable


WAYS = (
    Way(Calls.WRITING | Calls.SYNCING, "EIO", is_lasting=False),
    Way(Calls.WRITING | Calls.SYNCING, "EIO", is_lasting=True),
    Way(Calls.WRITING | Calls.SYNCING, "ENOSPC", is_lasting=False),
    Way(Calls.WRITING | Calls.SYNCING, "ENOSPC", is_lasting=True),
    Way(Calls.SYNCING, "EIO", is_lasting=True),
    Way(Calls.READING, "EIO", is_lasting=False, raises=MemoryFailed),
    Way(Calls.READING, "EIO", is_lasting=True, raises=MemoryFailed),
)

OPENINGS = (
    [Step("a", 1), Step("b", 1), Step("a", 2), Step("c", 1), Step("b", 0)],
    [Step("d", 1), Step("a", 3), Step("c", 2), Step("b", 5)],
)
"""What is changed each time that the memory is opened."""


def recorded(root: str, record: str) -> None:
    """Change a memory, and record that together with what was acknowledged."""
    faults.record(Path(root), Path(record))
    assert _changed(Path(root, "notes", "memory.db"), Ledger(Path(root, "ledger"))) == []


def failing(root: str, stride: str) -> None:
    """Change memories, one for each n-th call that fails in each way, or for each `stride` of those, and one for which
    none fails. Prints the ways, and what was wrong with each memory.
    """
    for way in WAYS:
        for number in count(1, int(stride)):
            has_failed, found = _outcome(way, number, Path(root, f"{WAYS.index(way)} {number}"))
            print(json.dumps([str(way), number, found]), flush=True)
            if not has_failed:
                break


def failed_sync(root: str) -> None:
    """Write while a sync fails, and after that: nothing more is acknowledged, and reading goes on."""
    path = Path(root, "notes", "memory.db")
    with closing(FileStore(path, MODEL)) as store:
        Step("a", 1).take(store)
        faults.arm(path.parent, Calls.SYNCING, 1, errno.EIO, is_lasting=False)
        with pytest.raises(MemoryUnwritable, match="disk I/O error"):
            Step("b", 1).take(store)
        with pytest.raises(MemoryUnwritable, match="open it anew"):
            Step("c", 1).take(store)
        assert versions(store) == {"a": 1}
        with closing(FileStore(path, MODEL)) as other:
            Step("d", 1).take(other)
        assert versions(store) == {"a": 1, "d": 1}


def published(root: str, record: str) -> None:
    """Publish indexes one after the other, and record that together with which was there before and after."""
    faults.record(Path(root), Path(record))
    with Path(root, "ledger").open("w", buffering=1) as ledger:
        for number in INDEXES:
            ledger.write(f"begin {number}\n")
            index_file(Path(root)).publish(index(number))
            ledger.write(f"done {number}\n")


def failing_to_publish(root: str) -> None:
    """Publish an index in place of another while a call fails, for each call. Prints which index is there then."""
    for number in count(1):
        folder = Path(root, str(number))
        folder.mkdir()
        index_file(folder).publish(index(1))
        faults.arm(folder, Calls.WRITING | Calls.SYNCING, number, errno.ENOSPC, is_lasting=False)
        with suppress(OSError):
            index_file(folder).publish(index(2))
        has_failed = faults.n_counted() >= number
        faults.disarm()
        found = index_file(folder).read(GENERATION)
        print(json.dumps([has_failed, None if found is None else found.last_chunk]))
        if not has_failed:
            break


def _outcome(way: Way, number: int, folder: Path) -> tuple[bool, list[str]]:
    """Whether there was a call of a number that failed while a memory was changed, and what is wrong with that."""
    folder.mkdir()
    child = os.fork()
    if not child:
        _change_and_end(way, number, folder)
    _, status = os.waitpid(child, 0)
    assert not status, f"it ended with {status}"
    has_failed, found = json.loads((folder / "outcome").read_text())
    found += problems(folder / "notes" / "memory.db", (folder / "ledger").read_text())
    shutil.rmtree(folder)
    return has_failed, found


def _change_and_end(way: Way, number: int, folder: Path) -> None:
    """Change a memory while a call fails, and end the process, which is a copy of another."""
    ledger = Ledger(folder / "ledger")
    faults.arm(folder / "notes", way.calls, number, getattr(errno, way.error), is_lasting=way.is_lasting)
    try:
        found = _changed(folder / "notes" / "memory.db", ledger, way.raises)
    except BaseException:  # noqa: BLE001 - whatever it is, it is reported
        found = [traceback.format_exc()]
    has_failed = faults.n_counted() >= number
    faults.disarm()
    (folder / "outcome").write_text(json.dumps([has_failed, found]))
    os._exit(0)


def _changed(path: Path, ledger: Ledger, mishap: type[MemoryFailed] = MemoryUnwritable) -> list[str]:
    """Change a memory in spite of mishaps; return where a search would have found what was not acknowledged."""
    found = []
    for steps in OPENINGS:
        with suppress(mishap), closing(FileStore(path, MODEL)) as store:
            store._database._writer.execute("pragma wal_autocheckpoint = 4")  # pages: after every change
            expected = versions(store)
            for step in steps:
                if ledger.take(step, store):
                    expected[step.source] = step.version
                    expected = {source: version for source, version in expected.items() if version}
                if versions(store) != expected:
                    found.append(f"after {step}: {versions(store)} and not {expected}")
    return found


if __name__ == "__main__":
    {run.__name__: run for run in (recorded, failing, failed_sync, published, failing_to_publish)}[sys.argv[1]](
        *sys.argv[2:]
    )
