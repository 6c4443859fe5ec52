"""The content of a document: bytes, or a file, which is read piece by piece and never in memory as a whole."""

import hashlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import IO, TypeAlias

from poly_engine.errors import MemoryUnwritable

__all__ = ["PIECE_BYTES", "Content", "FileContent", "bytes_of", "close", "pieces_of", "sha256_of"]

PIECE_BYTES = 1 << 18


class FileContent:
    """What is written to a file that has no name: it is gone when it is closed, and when the process is killed. It is
    in the folder for temporary files, which TMPDIR names. Any thread may use it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # or who reads could read another file, which is opened when this is closed
        self._n_bytes = 0
        with _disk_errors():
            self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`

    def __len__(self) -> int:
        return self._n_bytes

    def add(self, piece: bytes | bytearray) -> None:
        """Write what comes next. Raises MemoryUnwritable if there is no room."""
        rest = memoryview(piece)
        with self._lock, _disk_errors():
            while rest:
                rest = rest[self._file.write(rest) :]
        self._n_bytes += len(piece)

    def pieces(self) -> Iterator[bytes]:
        """All of it, from the beginning."""
        begin = 0
        while begin < self._n_bytes:
            with self._lock:
                self._file.seek(begin)
                piece = self._file.read(PIECE_BYTES)
            if not piece:
                raise MemoryUnwritable("the file of a document ends before it should")
            begin += len(piece)
            yield piece

    @cached_property
    def sha256(self) -> str:
        """The checksum of all of it, when all is written."""
        checksum = hashlib.sha256()
        for piece in self.pieces():
            checksum.update(piece)
        return checksum.hexdigest()

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            self._file.close()


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = tempfile.gettempdir()
        remedy = "make room there, or name another folder in TMPDIR"
        raise MemoryUnwritable(f"a document cannot be kept in {folder}: {error.strerror}: {remedy}") from error


Content: TypeAlias = bytes | FileContent


def pieces_of(content: Content) -> Iterator[bytes | memoryview]:
    """All of a content, in pieces."""
    if isinstance(content, FileContent):
        return content.pieces()
    view = memoryview(content)
    return (view[begin : begin + PIECE_BYTES] for begin in range(0, len(view), PIECE_BYTES))


def sha256_of(content: Content) -> str:
    """The checksum of a content. That of a gigabyte takes a second."""
    return content.sha256 if isinstance(content, FileContent) else hashlib.sha256(content).hexdigest()


def bytes_of(content: Content) -> bytes:
    """All of a content at once."""
    return b"".join(content.pieces()) if isinstance(content, FileContent) else content


def close(content: Content) -> None:
    """Let go of a content that is not used any more."""
    if isinstance(content, FileContent):
        content.close()
