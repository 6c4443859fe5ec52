"""A file on its way: what has come of it, of which version that is, and nobody else writing to it."""

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from poly_engine.errors import PullFailed

__all__ = ["Note", "Part", "note_path", "part_path"]

P = ParamSpec("P")
T = TypeVar("T")

_LOOK_EVERY_S = 0.2
_SYNC_BYTES, _SYNC_S = 8 << 20, 1.0  # whichever comes first: what is not synced is lost to a power cut
_BLOCK = 4 << 20
_ROOM = 1 << 16


@dataclass(frozen=True, slots=True)
class Note:
    """What the bytes of a part are of. `n_safe` of them are on the disk, and there after a power cut.

    `source` tells sources apart, and does not show them: a URL may hold a secret.
    """

    source: str
    etag: str | None = None
    modified: str | None = None
    n_total: int | None = None
    n_safe: int = 0


class Part:
    """`FILE.part`, which becomes FILE when all of it is there, with its note in `FILE.part.json`.

    It is locked: `claim` waits for another process, or another part of this one, that is fetching the same.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._n_unsynced = 0
        self._synced_at = time.monotonic()
        self.note = _read_note(note_path(path))
        self.size = os.fstat(descriptor).st_size

    @classmethod
    async def claim(cls, path: Path, on_waiting: Callable[[int], object]) -> Self | None:
        """The part of the file `path`, or None if the file is there. While somebody else fetches it, `on_waiting` is
        told how much they have.
        """
        while not await asyncio.to_thread(path.exists):
            descriptor = _open_locked(part_path(path))
            if descriptor is None:
                with suppress(OSError):
                    on_waiting(part_path(path).stat().st_size)
                await asyncio.sleep(_LOOK_EVERY_S)
            elif _is_file(descriptor, part_path(path)):
                return cls(path, descriptor)
            else:  # whoever had it is done with it just now
                os.close(descriptor)
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._keep()
        finally:
            os.close(self._descriptor)

    async def begin(self, note: Note) -> None:
        """Forget what is there, and begin with what `note` says."""
        self.note, self.size, self._n_unsynced = note, 0, 0
        os.ftruncate(self._descriptor, 0)
        await written(_write_note, note_path(self._path), note)

    def cut(self, size: int) -> None:
        """Forget what is there beyond `size` bytes."""
        os.ftruncate(self._descriptor, size)
        self.size = size

    async def append(self, piece: bytes) -> None:
        """Add bytes at the end. Raises OSError."""

        def write() -> None:
            _write_all(self._descriptor, piece, self.size)
            self.size += len(piece)  # here, since who is cancelled does not come back from waiting
            self._n_unsynced += len(piece)

        await written(write)
        if self._n_unsynced >= _SYNC_BYTES or time.monotonic() - self._synced_at >= _SYNC_S:
            await self.sync()

    async def sync(self) -> None:
        """See that what is there outlives a power cut. Raises OSError."""
        if self.note is None or not self._n_unsynced:
            return
        await written(os.fsync, self._descriptor)
        note = replace(self.note, n_safe=self.size)
        await written(_write_note, note_path(self._path), note)
        self.note, self._n_unsynced, self._synced_at = note, 0, time.monotonic()

    async def _keep(self) -> None:
        """Leave what is there for another attempt. A full disk may need some room for the note of it."""
        try:
            await self.sync()
        except OSError:
            with suppress(OSError):  # then what is not on the disk is fetched again
                self.cut(max(0, self.size - _ROOM))
                await self.sync()

    def beginning(self, n: int) -> bytes:
        """The first `n` bytes, or fewer if there are not as many yet."""
        return os.pread(self._descriptor, n, 0)

    async def sha256(self) -> str:
        """The SHA-256 of all of it, in hex."""
        digest = hashlib.sha256()
        for begin in range(0, self.size, _BLOCK):
            digest.update(await written(os.pread, self._descriptor, _BLOCK, begin))
        return digest.hexdigest()

    @property
    def path(self) -> Path:
        """Where it is now."""
        return part_path(self._path)

    async def publish(self) -> None:
        """Give it the name of the file. It must be synced. Raises OSError."""

        def rename() -> None:
            part_path(self._path).replace(self._path)
            note_path(self._path).unlink(missing_ok=True)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)  # a sync of a file does not say how it is called
            finally:
                os.close(folder)

        self.note = None
        await written(rename)

    def discard(self) -> None:
        """Throw away what is there: nothing of it can be gone on with."""
        self.note, self.size = None, 0
        part_path(self._path).unlink(missing_ok=True)
        note_path(self._path).unlink(missing_ok=True)


async def written(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` in a thread. Who is cancelled waits for its end: it works on a file that is closed next."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def part_path(path: Path) -> Path:
    """Where the part of a file is."""
    return path.with_name(f"{path.name}.part")


def note_path(path: Path) -> Path:
    """Where the note of the part of a file is."""
    return path.with_name(f"{path.name}.part.json")


def _open_locked(path: Path) -> int | None:
    """A descriptor of a file that is made if need be, None if somebody else has it. The lock goes with who has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            return None
        raise PullFailed(
            f"{path} cannot be locked ({error.strerror}): choose a folder on a disk of this machine"
        ) from error
    return descriptor


def _is_file(descriptor: int, path: Path) -> bool:
    """Whether `path` still is the file that was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _read_note(path: Path) -> Note | None:
    try:
        return _checked(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):  # not there, or not ours: then the part is worth nothing
        return None


def _checked(given: dict[str, object]) -> Note:
    note = Note(**given)  # type: ignore[arg-type]  # what they are is checked next
    texts = (note.source, note.etag or "", note.modified or "")
    numbers = (note.n_safe, note.n_total or 0)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(number, int) for number in numbers):
        raise TypeError
    return note


def _write_note(path: Path, note: Note) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(asdict(note)), "utf-8")
    new.replace(path)


def _write_all(descriptor: int, piece: bytes, at: int) -> None:
    view = memoryview(piece)
    while view:
        n = os.pwrite(descriptor, view, at)
        view, at = view[n:], at + n
