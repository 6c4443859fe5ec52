"""Processes that change a memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count, cycle, islice
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

from poly_engine.memory.file import FileStore
from poly_engine.memory.file.database import Database
from poly_engine.memory.file.schema import FORMAT
from tests.memory.file.ledger import Ledger, Step, versions
from tests.memory.stores import MODEL

N_SOURCES = 20
N_OF_AN_OPENING = 50

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])  # so that one starts in milliseconds


def started(function: Callable[..., None], *arguments: object) -> BaseProcess:
    """A process that calls a function of a module."""
    process = PROCESSES.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def write(path: Path, ledger: Path, name: str, begin: int, has_begun: Event) -> None:
    """Change a memory for ever."""
    store, notes = FileStore(path, MODEL), Ledger(ledger)
    for step in steps(name, begin):
        assert notes.take(step, store), f"{step} was refused"
        has_begun.set()


def leave(path: Path, history: Path, n_first: int, n_changes: int) -> None:
    """Change a memory, close it, change it further, and leave it open. Write down how long its journal was after each
    of the later changes, and the versions of its documents; first of all as it was when it was closed.
    """
    changes = steps("a", 1)
    with closing(FileStore(path, MODEL)) as store:
        for step in islice(changes, n_first):
            step.take(store)
    store = FileStore(path, MODEL)
    states = [(0, versions(store))]
    for step in islice(changes, n_changes):
        step.take(store)
        states.append((path.with_name("memory.db-wal").stat().st_size, versions(store)))
    history.write_text(json.dumps(states))
    os._exit(0)


def checkpoint_often(path: Path, ledger: Path, name: str, n_changes: int) -> None:
    """Change a memory, empty its journal after each change, and open it anew after a few of them."""
    notes, changes = Ledger(ledger), steps(name, 1)
    for _ in range(0, n_changes, N_OF_AN_OPENING):
        with closing(FileStore(path, MODEL)) as store:
            store._database._writer.execute("pragma wal_autocheckpoint = 1")  # page
            for step in islice(changes, N_OF_AN_OPENING):
                assert notes.take(step, store), f"{step} was refused"


def adopt(path: Path, others: Sequence[Path], has_begun: Event) -> None:
    """Let a memory hold what others hold, one after the other, for ever."""
    memory, sources = Database(path, FORMAT), [Database(other, FORMAT) for other in others]
    for source in cycle(sources):
        assert memory.adopt(source, lambda: True)
        has_begun.set()


def make(path: Path, begin: Barrier) -> None:
    """Make a memory at the same time as others."""
    begin.wait()
    FileStore(path, MODEL).close()


def steps(name: str, begin: int) -> Iterator[Step]:
    """Changes of documents whose names begin with `name`, and whose versions count from `begin`."""
    chance = random.Random(f"{name} {begin}")
    for number in count(begin):
        is_removed = chance.random() < 0.2
        yield Step(f"{name}{chance.randrange(N_SOURCES)}", 0 if is_removed else number)
