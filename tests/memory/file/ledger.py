"""What a process was told is safe: it writes down each change of a memory before and after, and may die at any time."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from poly_engine.errors import MemoryFailed, MemoryUnwritable
from poly_engine.memory.file import FileStore
from tests.memory.stores import MODEL, document, vectors

N_CHUNKS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a memory: the document of a source is put as it is in a `version`, or removed if that is 0."""

    source: str
    version: int

    def take(self, store: FileStore) -> None:
        if self.version:
            store.put(*document(self.source, texts(self.source, self.version)), vectors(*range(N_CHUNKS)))
        else:
            store.remove(self.source)


def texts(source: str, version: int) -> list[str]:
    """The chunks of a document in a version; some versions are a few pages long."""
    return [
        f"{source} version {version} part {part}. " + "some words " * (version * 37 % 200) for part in range(N_CHUNKS)
    ]


class Ledger:
    """Notes of one process. What it noted survives its death; a power cut is another matter."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def take(self, step: Step, store: FileStore) -> bool:
        """Make a change. Whether it was acknowledged."""
        self._note("begin", step)
        try:
            step.take(store)
        except MemoryUnwritable:
            return False
        self._note("done", step)
        return True

    def _note(self, what: str, step: Step) -> None:
        os.write(self._descriptor, f"{what} {step.source} {step.version}\n".encode())


class Expected:
    """What may be found in a memory, by the ledgers: what was acknowledged last, or what was begun since."""

    def __init__(self) -> None:
        self.n_acknowledged = 0
        self._versions: dict[str, set[int]] = defaultdict(lambda: {0})

    def read(self, ledger: str) -> None:
        """Take in what one process wrote down. Two processes must not change the same source."""
        for line in ledger.splitlines():
            what, source, version = line.split()
            if what == "done":
                self._versions[source] = {int(version)}
                self.n_acknowledged += 1
            else:
                self._versions[source].add(int(version))

    def problems(self, store: FileStore) -> list[str]:
        """What is lost, torn or damaged in a memory. What is found is what is expected from now on."""
        found = versions(store)
        problems = [*store.faults(), *(f"{source} is torn" for source in torn(store, found))]
        for source in {*self._versions, *found}:
            version = found.get(source, 0)
            if version not in self._versions[source]:
                problems.append(f"{source} is {version} and not one of {self._versions[source]}")
            self._versions[source] = {version}
        return problems


def versions(store: FileStore) -> dict[str, int]:
    """The version of each document of a memory, as its text says."""
    return {source: int(text.split(" ", 3)[2]) for source, text in _texts(store)}


def torn(store: FileStore, found: dict[str, int]) -> Iterator[str]:
    """The documents that are not whole."""
    for source, version in found.items():
        whole = store.document(source)
        wanted = texts(source, version)
        if whole is None or whole.text != "".join(wanted) or [one.text for one in store.chunks(source)] != wanted:
            yield source


def problems(path: Path, ledger: str) -> list[str]:
    """Open a memory and compare it with a ledger. That it cannot be opened is a problem of its own."""
    expected = Expected()
    expected.read(ledger)
    try:
        with closing(FileStore(path, MODEL)) as store:
            return expected.problems(store)
    except MemoryFailed as error:
        return [str(error)]


def _texts(store: FileStore) -> Iterator[tuple[str, str]]:
    for info in store.documents():
        whole = store.document(info.source)
        assert whole is not None
        yield info.source, whole.text
