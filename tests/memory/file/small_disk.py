"""What is done to a memory on a small disk that may be full or read-only: mounted in a process of its own.

Runs as `unshare --user --map-root-user --mount python -m tests.memory.file.small_disk`, which needs no rights where
the kernel lets users have name spaces.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from poly_engine.errors import MemoryUnwritable
from poly_engine.memory.file import FileStore
from tests.memory.file.ledger import N_CHUNKS, Step, versions
from tests.memory.stores import MODEL, near


def full(folder: Path) -> None:
    """Write until there is no space and beyond, and go on when there is some again, all with one store."""
    _mount(folder, "size=4m")
    path = folder / "memory.db"
    with closing(FileStore(path, MODEL)) as store:
        Step("before", 1).take(store)
        _fill(folder / "others")
        acknowledged = {"before": 1} | _put_until_refused(store)
        assert not _is_taken(Step("more", 1), store)
        assert versions(store) == acknowledged
        assert near(store, 0)
        with closing(FileStore(path, MODEL)) as other:
            assert versions(other) == acknowledged
        (folder / "others").unlink()
        Step("after", 1).take(store)
        acknowledged |= {"after": 1}
        assert versions(store) == acknowledged
    with closing(FileStore(path, MODEL)) as again:
        assert versions(again) == acknowledged
        assert again.faults() == []


def read_only(folder: Path) -> None:
    """Read a memory that nobody can change."""
    _mount(folder, "size=4m")
    path = folder / "memory.db"
    with closing(FileStore(path, MODEL)) as store:
        Step("a", 1).take(store)
    _mount(folder, "remount,ro")
    with closing(FileStore(path, MODEL)) as store:
        assert versions(store) == {"a": 1}
        assert len(store.chunks("a")) == N_CHUNKS
        assert near(store, 1)
        assert not _is_taken(Step("b", 1), store)


def _mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))


def _put_until_refused(store: FileStore) -> dict[str, int]:
    """What was taken. A journal that was longer once has room without more space."""
    taken: dict[str, int] = {}
    for number in range(1, 1000):
        if not _is_taken(Step(f"a{number}", number), store):
            return taken
        taken[f"a{number}"] = number
    raise AssertionError("the disk is not full")


def _is_taken(step: Step, store: FileStore) -> bool:
    try:
        step.take(store)
    except MemoryUnwritable:
        return False
    return True


if __name__ == "__main__":
    {run.__name__: run for run in (full, read_only)}[sys.argv[1]](Path(sys.argv[2]))
