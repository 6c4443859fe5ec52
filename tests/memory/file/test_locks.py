"""Processes that share a memory: one of them writes at a time, and none is told that it is locked."""

from __future__ import annotations

import fcntl
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from poly_engine.errors import MemoryUnwritable
from poly_engine.memory.file import FileStore
from poly_engine.memory.file.database import Database
from poly_engine.memory.file.schema import FORMAT
from tests.memory.file.faults import IS_FULL, events, preloaded
from tests.memory.file.ledger import Expected
from tests.memory.file.writer import PROCESSES, checkpoint_often, make, started
from tests.memory.stores import MODEL

N_CHANGES = 30_000 if IS_FULL else 300


def test_a_writer_waits_for_its_turn_and_says_so_when_it_does_not_come(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(Database(path, FORMAT, patience_s=0.1)) as database:
        with path.with_name("memory.db.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(MemoryUnwritable, match="another process"):
                with database.writing():
                    pass
        with database.writing() as writer:
            writer.execute("insert into facts values ('a', 'b')")


def test_a_memory_that_is_reached_by_a_link_has_no_turns_of_its_own(tmp_path: Path) -> None:
    path, link = tmp_path / "memory.db", tmp_path / "elsewhere" / "link.db"
    Database(path, FORMAT).close()
    link.parent.mkdir()
    link.symlink_to(path)
    with path.with_name("memory.db.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(MemoryUnwritable, match="another process"):
            Database(link, FORMAT, patience_s=0.1)


def test_nothing_is_written_but_by_the_process_whose_turn_it_is(faulty_library: Path, tmp_path: Path) -> None:
    """SQLite before 3.51.3 may lose pages if one process commits while another checkpoints."""
    root, record = tmp_path / "root", tmp_path / "record"
    root.mkdir()
    preloaded("tests.memory.file.disk_runs", "recorded", root, record, library=faulty_library)
    turn, n_writes = None, 0
    for event in events(record):
        if event.path.endswith(".lock"):
            turn = event.process if event.what == "lock" else None if event.what == "close" else turn
        elif event.path.endswith((".db", "-wal")) and event.what != "close":
            assert turn == event.process, f"{event.what} of {event.path} out of turn"
            n_writes += 1
    assert n_writes > 100


@pytest.mark.timeout(1200)
def test_commits_and_checkpoints_of_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    writers = [started(checkpoint_often, path, tmp_path / name, name, N_CHANGES) for name in "ab"]
    expected = Expected()
    for writer, name in zip(writers, "ab", strict=True):
        writer.join()
        assert writer.exitcode == 0
        expected.read((tmp_path / name).read_text())
    with closing(FileStore(path, MODEL)) as store:
        assert expected.problems(store) == []
    assert expected.n_acknowledged == 2 * N_CHANGES


def test_several_processes_may_make_a_memory_at_once(tmp_path: Path) -> None:
    for number in range(5):
        begin: Barrier = PROCESSES.Barrier(4)
        makers = [started(make, tmp_path / str(number) / "memory.db", begin) for _ in range(4)]
        for maker in makers:
            maker.join()
        assert [maker.exitcode for maker in makers] == [0, 0, 0, 0]
