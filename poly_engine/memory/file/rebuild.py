"""A memory made anew beside the old one, and put in its place at once: for another embedding model, or other chunks."""

from pathlib import Path

from poly_engine.memory.file.database import Database
from poly_engine.memory.file.schema import FORMAT
from poly_engine.memory.file.store import FileStore
from poly_engine.memory.records import Document, Fingerprint
from poly_engine.memory.store import Store

__all__ = ["Rebuild", "stored_fingerprint"]


def stored_fingerprint(path: Path) -> Fingerprint | None:
    """Of what model the vectors in a file are; None if there is no such file yet. Raises MemoryDamaged."""
    if not path.exists():
        return None
    database = Database(path, FORMAT)
    try:
        with database.reading() as reader:
            facts = dict(reader.execute("select key, value from facts").fetchall())
    finally:
        database.close()
    return Fingerprint(facts["model"], int(facts["dimensions"]), facts["digest"]) if facts else None


class Rebuild:
    """The memory in the file `path`, and a new one in a file beside it, for which `purpose` is part of the name: what
    was begun for the same purpose and interrupted is gone on with.
    """

    def __init__(self, path: Path, fingerprint: Fingerprint, purpose: str) -> None:
        self._path = path
        self._old = FileStore(path, stored_fingerprint(path) or fingerprint)
        self._new_path = path.with_name(f"rebuild-{purpose}.db")
        _remove_all_but(self._new_path)
        self._new = FileStore(self._new_path, fingerprint)
        self._continue_numbers()

    @property
    def new(self) -> Store:
        """What is being made."""
        return self._new

    def outdated(self) -> list[str]:
        """The sources of the documents that are not in the new memory yet, or not as they are now."""
        sources = [one.source for one in self._old.documents()]
        return [source for source in sources if self._old.checksum(source) != self._new.checksum(source)]

    def document(self, source: str) -> Document | None:
        """A document of the old memory; None if it was forgotten meanwhile."""
        return self._old.document(source)

    def finish(self) -> bool:
        """Put the new memory in the place of the old one, unless that changed in the meantime.

        Who has the old one open sees the new one at the next query.
        """
        sources = {one.source for one in self._old.documents()}
        for source in {one.source for one in self._new.documents()} - sources:
            self._new.remove(source)
        old, new = Database(self._path, FORMAT), Database(self._new_path, FORMAT)
        try:
            return old.adopt(new, self._is_complete)
        finally:
            new.close()
            old.close()

    def close(self, *, is_finished: bool) -> None:
        """Close both; what was made is kept, to be gone on with, unless it is in its place."""
        self._old.close()
        self._new.close()
        if is_finished:
            _remove(self._new_path)

    def _is_complete(self) -> bool:
        is_current = not self.outdated()
        return is_current and len(self._old.documents()) == len(self._new.documents())

    def _continue_numbers(self) -> None:
        """Let the numbers of new chunks follow those of old ones: no number ever means two chunks."""
        if self._new.documents():
            return
        old, new = Database(self._path, FORMAT), Database(self._new_path, FORMAT)
        try:
            with old.reading() as reader:
                numbers = reader.execute("select name, seq from sqlite_sequence").fetchall()
            with new.writing() as writer:
                writer.execute("delete from sqlite_sequence")
                writer.executemany("insert into sqlite_sequence (name, seq) values (?, ?)", numbers)
        finally:
            new.close()
            old.close()


def _remove_all_but(path: Path) -> None:
    """Remove what was begun for other purposes, and left."""
    for other in path.parent.glob("rebuild-*.db"):
        if other != path:
            _remove(other)


def _remove(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink(missing_ok=True)
