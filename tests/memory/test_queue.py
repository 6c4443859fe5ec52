"""The queue of a memory: what is accepted is done by somebody, once, and in order."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from poly_engine.content import PIECE_BYTES, FileContent, bytes_of, close
from poly_engine.memory.queue import IngestQueue, Job

OpenQueue = Callable[[], IngestQueue]


@pytest.fixture
def open_queue(tmp_path: Path) -> Iterator[OpenQueue]:
    """Opens the same queue anew, as another process does."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(closing(IngestQueue(tmp_path / "queue.db")))


def add(queue: IngestQueue, source: str, content: bytes = b"text", *, is_mine: bool = False) -> Job:
    return queue.add(source, content, None, is_mine=is_mine)


def states(queue: IngestQueue) -> list[tuple[str, str]]:
    return [(job.source, job.state) for job in queue.jobs()]


def test_what_was_accepted_is_there_when_it_is_opened_again(open_queue: OpenQueue) -> None:
    queue = open_queue()
    queue.add("a.bin", b"\x00\xff", "application/pdf", is_mine=False)
    queue.close()
    queue = open_queue()
    job = queue.take()
    assert job is not None
    assert (job.source, queue.content(job), job.media_type) == ("a.bin", b"\x00\xff", "application/pdf")


def test_a_large_document_comes_out_as_it_went_in_whether_from_a_file_or_not(open_queue: OpenQueue) -> None:
    content = random.Random(1).randbytes(3 * PIECE_BYTES + 1)
    queue = open_queue()
    with closing(FileContent()) as file:
        file.add(content)
        jobs = [queue.add("a", content, None, is_mine=False), queue.add("b", file, None, is_mine=False)]
    for job in jobs:
        stored = queue.content(job)
        assert bytes_of(stored) == content
        close(stored)
        queue.done(job)
    assert queue.take() is None


def test_what_an_older_version_accepted_is_still_there(open_queue: OpenQueue, tmp_path: Path) -> None:
    queue = open_queue()
    add(queue, "a", b"old")
    queue.close()
    with closing(sqlite3.connect(tmp_path / "queue.db")) as database:  # as the first version had it
        database.executescript("drop table parts; pragma user_version = 1;")
    queue = open_queue()
    job = queue.take()
    assert job is not None
    assert queue.content(job) == b"old"


def test_a_job_is_done_by_one_process_as_long_as_that_lives(open_queue: OpenQueue) -> None:
    first, second = open_queue(), open_queue()
    add(first, "a", is_mine=True)
    assert second.take() is None
    assert states(second) == [("a", "working")]
    first.close()
    assert states(second) == [("a", "pending")]
    assert second.take() is not None


def test_jobs_of_one_source_are_done_in_their_order(open_queue: OpenQueue) -> None:
    queue, other = open_queue(), open_queue()
    for source, content in (("a", b"1"), ("a", b"2"), ("b", b"3")):
        add(queue, source, content)
    first, second = queue.take(), other.take()
    assert first is not None
    assert second is not None
    assert (queue.content(first), other.content(second)) == (b"1", b"3")
    assert other.take() is None
    queue.done(first)
    third = other.take()
    assert third is not None
    assert other.content(third) == b"2"


def test_what_failed_is_on_record_until_it_comes_again(open_queue: OpenQueue) -> None:
    queue = open_queue()
    queue.fail(add(queue, "a", is_mine=True), "encrypted", "it needs a password")
    (job,) = queue.jobs()
    assert (job.state, job.cause, job.reason) == ("failed", "encrypted", "it needs a password")
    assert queue.take() is None
    add(queue, "a")
    assert states(queue) == [("a", "pending")]


def test_what_is_released_may_be_taken_by_others(open_queue: OpenQueue) -> None:
    queue, other = open_queue(), open_queue()
    queue.release(add(queue, "a", is_mine=True))
    assert other.take() is not None


def test_what_waits_and_what_failed_can_be_forgotten_but_not_what_is_worked_on(open_queue: OpenQueue) -> None:
    queue = open_queue()
    add(queue, "working", is_mine=True)
    queue.fail(add(queue, "failed", is_mine=True), "damaged", "")
    for source in ("one", "two"):
        add(queue, source)
    assert queue.forget("one") == 1
    assert queue.forget(None) == 2
    assert states(queue) == [("working", "working")]
