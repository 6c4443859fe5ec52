"""Disks that fail and disks that are full: nothing acknowledged is lost, and the memory opens again."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from poly_engine.errors import MemoryUnwritable
from poly_engine.memory.file import FileStore
from tests.memory.file.disk_runs import WAYS
from tests.memory.file.faults import IS_FULL, ROOT, preloaded
from tests.memory.file.ledger import Step, versions
from tests.memory.stores import MODEL, put

STRIDE = 1 if IS_FULL else 29
RUNS = "tests.memory.file.disk_runs"


@pytest.mark.timeout(1200)
def test_whichever_call_fails_nothing_acknowledged_is_lost(faulty_library: Path, tmp_path: Path) -> None:
    printed = preloaded(RUNS, "failing", tmp_path, STRIDE, library=faulty_library)
    found = [json.loads(line) for line in printed.splitlines()]
    assert [one for one in found if one[2]] == []
    assert {way for way, _, _ in found} == set(map(str, WAYS))
    assert len(found) > 10 * len(WAYS)
    print(f"{len(found) - len(WAYS)} runs, in each of which another call failed")


def test_after_a_failed_sync_nothing_is_acknowledged_and_reading_goes_on(faulty_library: Path, tmp_path: Path) -> None:
    preloaded(RUNS, "failed_sync", tmp_path, library=faulty_library)


def on_a_small_disk(run: str, folder: Path) -> None:
    apart = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("a small disk needs a name space of its own, which this system does not let us have")
    command = [*apart, sys.executable, "-m", "tests.memory.file.small_disk", run, str(folder)]
    ended = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_full_disk_loses_nothing_and_writing_goes_on_when_there_is_space(tmp_path: Path) -> None:
    on_a_small_disk("full", tmp_path)


def test_a_memory_on_a_read_only_disk_can_be_read(tmp_path: Path) -> None:
    on_a_small_disk("read_only", tmp_path)


def test_a_file_that_may_not_grow_loses_nothing_and_is_written_when_it_may(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(FileStore(path, MODEL)) as store:
        Step("a", 1).take(store)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("memory.db-wal").stat().st_size + 4096, before[1]))
        try:
            with pytest.raises(MemoryUnwritable):
                put(store, "b", ["x" * 50_000])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert versions(store) == {"a": 1}
        Step("c", 1).take(store)
    with closing(FileStore(path, MODEL)) as again:
        assert versions(again) == {"a": 1, "c": 1}
        assert again.faults() == []
