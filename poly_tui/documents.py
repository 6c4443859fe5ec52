"""Documents before a memory has them: what is named stands for files, folders with all that is in them, and stdin."""

import asyncio
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from poly_engine import Engine, Ingested, IngestProgress, InvalidRequest

__all__ = ["STDIN", "Document", "documents", "take_in"]

STDIN = "-"
_STDIN_NAME = "stdin"
LARGEST = 512 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """A document before it is read. Its `name` is the absolute path, or what was said; stdin may have none."""

    name: str
    path: Path | None

    def source(self, content: bytes) -> str:
        """What tells it from other documents. Two things that are piped are two documents, unless they are named."""
        is_unnamed = self.path is None and self.name == _STDIN_NAME
        return f"{self.name} {hashlib.sha256(content).hexdigest()[:12]}" if is_unnamed else self.name

    def read(self) -> bytes:
        """The content. Raises InvalidRequest if it cannot be read."""
        try:
            if self.path is None:
                return _limited(sys.stdin.buffer)
            with self.path.open("rb") as file:
                return _limited(file)
        except OSError as error:
            raise InvalidRequest(f"it cannot be read: {error.strerror}") from error


def documents(names: Sequence[str], stdin_name: str | None, glob: str) -> Iterator[Document]:
    """The documents that `names` stand for, in order. Of a folder those files, at any depth, whose names match `glob`;
    what begins with a dot is left out. What is not there is yielded, too: reading it says so.
    """
    for name in names:
        if name == STDIN:
            yield Document(stdin_name or _STDIN_NAME, None)
            continue
        path = Path(os.path.abspath(name))  # noqa: PTH100 - resolve() would follow links, and a link has its own name
        if path.is_dir():
            yield from (Document(str(file), file) for file in sorted(_files(path, glob)))
        else:
            yield Document(str(path), path)


async def take_in(
    engine: Engine,
    memory: str,
    document: Document,
    *,
    media_type: str | None = None,
    on_progress: Callable[[IngestProgress], None] | None = None,
) -> Ingested:
    """Read a document and have a memory take it in. Raises InvalidRequest if it cannot be read, and as `ingest`."""
    content = await asyncio.to_thread(document.read)
    source = document.source(content)
    return await engine.ingest(memory, content, source=source, media_type=media_type, on_progress=on_progress)


def _files(folder: Path, glob: str) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith(".") and Path(name).match(glob))


def _limited(file: BinaryIO) -> bytes:
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise InvalidRequest(f"it is larger than {LARGEST >> 20} MiB")
    return content
