"""The documents that are still to be taken into a memory: on the disk before anybody is told that they are accepted."""

import contextlib
import fcntl
import sqlite3
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

from poly_engine.content import Content, FileContent, pieces_of
from poly_engine.errors import MemoryUnwritable
from poly_engine.memory.file.database import Database, Format
from poly_engine.types import IngestJob

__all__ = ["IngestQueue", "Job", "has_work"]

_PARTS = """
create table parts ( -- what is behind the first part of a document, so that none is in memory as a whole
    id integer primary key,
    job integer not null references jobs (id) on delete cascade,
    content blob not null
);
create index parts_by_job on parts (job);
"""
_FORMAT = Format(
    2,
    """
create table jobs (
    id integer primary key autoincrement,
    source text not null,
    media_type text,
    content blob not null, -- of a large document, the first part
    n_bytes integer not null,
    added real not null,
    owner text, -- whose lock says whether it is still at work
    cause text not null default '', -- why it failed, if it did
    reason text not null default ''
);
create index jobs_by_source on jobs (source);
create trigger forget_old_failures after update of cause on jobs begin
    delete from jobs where cause <> '' and id not in (
        select id from jobs where cause <> '' order by id desc limit 1000
    );
end;
"""  # noqa: S608 - all of it is written here
    + _PARTS,
    upgrades={1: _PARTS},
)


@dataclass(frozen=True, slots=True)
class Job:
    """A document in the queue."""

    id: int
    source: str
    media_type: str | None


def has_work(path: Path) -> bool:
    """Whether documents wait in the queue at a path, which is not opened for that. If it cannot be read, they may."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("select 1 from jobs where cause = '' limit 1").fetchone() is not None
    except sqlite3.Error:
        return True


class IngestQueue:
    """The queue of a memory, in a database beside it, shared by all processes that use the memory.

    A job belongs to the process that works on it, as long as that lives: who is killed leaves its jobs to others. Jobs
    of one source are done in their order. Any thread may use it.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _FORMAT)
        self._workers = path.with_name(f"{path.stem}.workers")
        self._me = uuid.uuid4().hex
        self._lock = _OwnerLock(self._workers, self._me)

    def add(self, source: str, content: Content, media_type: str | None, *, is_mine: bool) -> Job:
        """Accept a document: when this returns, it is on the disk. `is_mine` reserves it for this process."""
        parts = pieces_of(content)
        with self._database.writing() as writer:
            writer.execute("delete from jobs where source = ? and cause <> ''", (source,))
            number = writer.execute(
                "insert into jobs (source, media_type, content, n_bytes, added, owner) values (?, ?, ?, ?, ?, ?)",
                (source, media_type, next(parts, b""), len(content), time.time(), self._me if is_mine else None),
            ).lastrowid
            assert number is not None
            writer.executemany("insert into parts (job, content) values (?, ?)", ((number, part) for part in parts))
        return Job(number, source, media_type)

    def content(self, job: Job) -> Content:
        """The document of a job. A large one is in a file, which is to be closed; raises MemoryUnwritable if there is
        no room for it.
        """
        with self._database.reading() as reader:
            (first,) = reader.execute("select content from jobs where id = ?", (job.id,)).fetchone()
            others = reader.execute("select content from parts where job = ? order by id", (job.id,))
            if (second := others.fetchone()) is None:
                return bytes(first)
            content = FileContent()
            try:
                for (part,) in chain([(first,), second], others):
                    content.add(part)
            except BaseException:
                content.close()
                raise
            return content

    def take(self) -> Job | None:
        """The oldest job that nobody works on; from now on this process does. None if there is none."""
        if not self._has_others():  # which costs microseconds, and a transaction does not
            return None
        with self._database.writing() as writer:
            living = self._living()
            find = "select id, source, media_type, owner from jobs where cause = '' order by id"
            rows = writer.execute(find).fetchall()
            busy: set[str] = set()
            for number, source, media_type, owner in rows:
                if owner not in living and source not in busy:
                    writer.execute("update jobs set owner = ? where id = ?", (self._me, number))
                    return Job(number, source, media_type)
                busy.add(source)
        return None

    def done(self, job: Job) -> None:
        """The document is in the memory, or nobody wants it any more."""
        with self._database.writing() as writer:
            writer.execute("delete from jobs where id = ?", (job.id,))

    def fail(self, job: Job, cause: str, reason: str) -> None:
        """The document cannot be taken in: remember why, and let its content go."""
        with self._database.writing() as writer:
            writer.execute(
                "update jobs set cause = ?, reason = ?, owner = null, content = x'' where id = ?",
                (cause, reason, job.id),
            )
            writer.execute("delete from parts where job = ?", (job.id,))

    def release(self, job: Job) -> None:
        """Leave a job to whoever takes it next."""
        with self._database.writing() as writer:
            writer.execute("update jobs set owner = null where id = ?", (job.id,))

    def forget(self, source: str | None) -> int:
        """Drop what nobody works on, of a source or all; return how many documents that were."""
        with self._database.writing() as writer:
            rows = writer.execute("select id, owner from jobs where ?1 is null or source = ?1", (source,)).fetchall()
            living = self._living()
            gone = [(number,) for number, owner in rows if owner not in living]
            writer.executemany("delete from jobs where id = ?", gone)
        return len(gone)

    def jobs(self) -> list[IngestJob]:
        """All that are in it, in their order: those that wait, those that are worked on, those that failed."""
        living = self._living()
        with self._database.reading() as reader:
            rows = reader.execute("select source, n_bytes, added, owner, cause, reason from jobs order by id")
            jobs = rows.fetchall()
        return [
            IngestJob(
                source,
                "failed" if cause else "working" if owner in living else "pending",
                n_bytes,
                added,
                cause,
                reason,
            )
            for source, n_bytes, added, owner, cause, reason in jobs
        ]

    def close(self) -> None:
        """Close it. What is still in it is there when it is opened again."""
        self._database.close()
        self._lock.release()

    def _has_others(self) -> bool:
        others = "select 1 from jobs where cause = '' and owner is not ? limit 1"
        with self._database.reading() as reader:
            return reader.execute(others, (self._me,)).fetchone() is not None

    def _living(self) -> Collection[str]:
        """The owners that are still at work. The lock files of others are removed."""
        living = {self._me}
        for path in self._workers.glob("*.lock"):
            if path.stem == self._me:
                continue
            if _is_locked(path):
                living.add(path.stem)
            else:
                path.unlink(missing_ok=True)
        return living


class _OwnerLock:
    """A file that is locked as long as a process lives, however it ends."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._path = folder / f"{owner}.lock"
        try:
            folder.mkdir(exist_ok=True)
            self._file = self._locked()
            while not self._path.exists():  # who looks for the dead may have removed it before it was locked
                self._file.close()
                self._file = self._locked()
        except OSError as error:
            raise MemoryUnwritable(f"{folder} cannot be written: {error.strerror}") from error

    def release(self) -> None:
        self._path.unlink(missing_ok=True)
        self._file.close()

    def _locked(self) -> TextIO:
        file = self._path.open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        return file


def _is_locked(path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
