"""Downloading one file: going on where it was cut off, and giving it its name only when it is whole and was checked."""

import asyncio
import errno
import hashlib
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from poly_engine.errors import ModelLoadFailed, PullFailed
from poly_engine.models.gguf import read_header
from poly_engine.models.part import Note, Part, part_path
from poly_engine.models.web import Web

__all__ = ["Wanted", "Watch", "download"]

_log = logging.getLogger(__name__)
_MAGIC = b"GGUF"
_PIECE = 1 << 20
_MARGIN = 16 << 20
_MOST_FAILURES = 5
_MOST_BEGINNINGS = 4
_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0)
_LONGEST_PAUSE_S = 30.0
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)")
_REFUSALS = {
    401: "wants to know who asks: set HF_TOKEN, or log in with the tools of the hub",
    403: "does not let you have it: for some models one has to agree to a licence on their page first",
    404: "is not there",
    410: "is not there any more",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch: `shown` is how messages call it. Its size and SHA-256 are held against what is said here."""

    url: str
    path: Path
    shown: str
    size_bytes: int | None = None
    sha256: str | None = None
    authorization: str | None = None
    is_first: bool = True
    """Whether it is the first or only file of a model: the others say less of themselves."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of a download: `on_bytes` of how many there are, and of how many, if it is known; `on_checking` when
    all are there.
    """

    on_bytes: Callable[[int, int | None], object]
    on_checking: Callable[[], object]


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


async def download(wanted: Wanted, web: Web, watch: Watch, free_bytes: Callable[[Path], int] = _free_bytes) -> bool:
    """Fetch a file, unless it is there; return whether it was. Raises PullFailed."""
    try:
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
        part = await Part.claim(wanted.path, lambda n: watch.on_bytes(n, wanted.size_bytes))
        if part is None:
            _check_what_was_there(wanted)
            return True
        async with part:
            await _Download(wanted, web, watch, part, free_bytes).run()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise PullFailed(
                f"the disk of {wanted.path.parent} is full: {wanted.shown} goes on where it was once there is room"
            ) from error
        raise PullFailed(f"{wanted.path} cannot be written: {error.strerror or error}") from error
    return False


def _check_what_was_there(wanted: Wanted) -> None:
    size = wanted.path.stat().st_size
    if wanted.size_bytes is not None and size != wanted.size_bytes:
        raise PullFailed(
            f"{wanted.path} is there already with {size} bytes, and {wanted.shown} has {wanted.size_bytes}: "
            "remove it to fetch that one"
        )


class _Again(Exception):
    """The server cannot serve it now; perhaps in `after_s` seconds."""

    def __init__(self, why: str, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


class _Download:
    """A file while it is downloaded, into a part that nobody else writes to."""

    def __init__(self, wanted: Wanted, web: Web, watch: Watch, part: Part, free_bytes: Callable[[Path], int]) -> None:
        self._wanted = wanted
        self._web = web
        self._watch = watch
        self._part = part
        self._free_bytes = free_bytes
        self._n_beginnings = 0
        self._n_furthest = 0

    async def run(self) -> None:
        self._recall()
        while True:
            await self._fetch()
            self._tell(0)
            self._watch.on_checking()
            try:
                await self._check()
            except PullFailed:
                if self._n_beginnings:
                    self._part.discard()
                    raise
                self._forget()  # what an earlier run left is to blame
            else:
                await self._part.publish()
                return

    def _recall(self) -> None:
        """Go on with what an earlier run left, if that is of the same version."""
        note = self._part.note
        if note is not None and note.source == _source(self._wanted) and self._has_version():
            self._part.cut(min(self._part.size, note.n_safe))
        else:
            self._forget()
        self._n_furthest = self._part.size

    def _has_version(self) -> bool:
        """Whether it could be noticed that the rest is of another version."""
        note = self._part.note
        return note is not None and bool(self._wanted.sha256 or note.etag or note.modified)

    async def _fetch(self) -> None:
        """Get all of it, in as many attempts as it takes while each brings something."""
        n_failures = 0
        while True:
            try:
                if await self._attempt():
                    return
                failure = _Again("the connection was lost")
            except _Again as error:
                failure = error
            except httpx.TransportError as error:
                failure = _Again(_in_words(error))
            n_failures = 0 if self._part.size > self._n_furthest else n_failures + 1
            self._n_furthest = max(self._n_furthest, self._part.size)
            if n_failures >= _MOST_FAILURES:
                raise PullFailed(f"{self._wanted.shown} cannot be fetched: {failure}; what has come of it is kept")
            _log.info("%s is gone on with at byte %d: %s", self._wanted.shown, self._part.size, failure)
            await asyncio.sleep(max(failure.after_s, _PAUSES_S[n_failures]))

    async def _attempt(self) -> bool:
        """Ask for what is missing, and take what comes. Whether all of it is there now."""
        note = self._part.note
        if note is not None and note.n_total is not None and self._part.size == note.n_total:
            return True
        if not self._has_version():
            self._forget()
        headers = self._range() if self._part.size else {}
        async with self._web.get(self._wanted.url, headers, self._wanted.authorization) as response:
            if await self._agree(response):
                return True
            await self._take(response)
        note = self._part.note
        assert note is not None, "an answer that is taken in is noted"
        if note.n_total is None:  # all there is came to its end, and nobody said how much that is
            self._part.note = replace(note, n_total=self._part.size)
            return True
        return self._part.size == note.n_total

    def _range(self) -> Mapping[str, str]:
        """The headers that ask for what is missing, or for all of it if it is another version by now."""
        note = self._part.note
        headers = {"Range": f"bytes={self._part.size}-"}
        if note is not None and self._wanted.sha256 is None and (version := note.etag or note.modified):
            headers["If-Range"] = version
        return headers

    async def _agree(self, response: httpx.Response) -> bool:
        """Prepare the part for what the answer brings. Whether there is nothing to come."""
        status = response.status_code
        if status == 206:
            return self._agree_on_rest(response)
        if status == 416:
            return self._agree_on_end(response)
        if status != 200:
            raise self._refusal(response)
        length = response.headers.get("Content-Length", "")
        n_total = int(length) if re.fullmatch(r"\d{1,18}", length) else None
        await self._begin(response, n_total)
        return False

    def _agree_on_rest(self, response: httpx.Response) -> bool:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        begin, total = (match[1], match[3]) if match else (None, None)
        n_total = int(total) if total and total != "*" else None
        if begin is None or int(begin) != self._part.size or self._has_changed(response, n_total):
            self._forget()
            raise _Again("it is another version now")
        self._check_room(None if n_total is None else n_total - self._part.size)
        return False

    def _has_changed(self, response: httpx.Response, n_total: int | None) -> bool:
        """Whether an answer tells of another version than what is there is of. A server may not mind If-Range."""
        note = self._part.note
        if note is None or (n_total is not None and note.n_total is not None and n_total != note.n_total):
            return True
        if self._wanted.sha256 is not None:  # that will tell, and hosts of the same file have ETags of their own
            return False
        key, known = ("ETag", note.etag) if note.etag is not None else ("Last-Modified", note.modified)
        return bool(response.headers.get(key, known) != known)

    def _agree_on_end(self, response: httpx.Response) -> bool:
        """There is nothing behind what we have: either that is all, or it is of something else."""
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match and match[3] == str(self._part.size) and self._wanted.size_bytes in {None, self._part.size}:
            return True
        self._forget()
        raise _Again("it is another version now")

    def _forget(self) -> None:
        self._part.cut(0)
        self._part.note = None
        self._n_furthest = 0

    async def _begin(self, response: httpx.Response, n_total: int | None) -> None:
        """All of it comes, from its first byte."""
        expected = self._wanted.size_bytes
        if expected is not None and n_total is not None and n_total != expected:
            raise PullFailed(
                f"{self._wanted.shown} has {expected} bytes, and {n_total} are offered: that is another file"
            )
        n_total = expected if n_total is None else n_total
        if self._part.size or self._part.note is None:
            self._n_beginnings += 1
        if self._n_beginnings > _MOST_BEGINNINGS:
            self._part.discard()
            raise PullFailed(f"{self._wanted.shown} had to be begun anew again and again: try later")
        etag = response.headers.get("ETag", "")
        note = Note(
            _source(self._wanted),
            etag if etag.startswith('"') else None,  # a weak one does not vouch for each byte
            response.headers.get("Last-Modified"),
            n_total,
        )
        self._check_room(n_total)
        await self._part.begin(note)

    def _check_room(self, n_missing: int | None) -> None:
        folder = self._wanted.path.parent
        n_free = self._free_bytes(folder)
        if n_missing is not None and n_missing + _MARGIN > n_free:
            raise PullFailed(
                f"{self._wanted.shown} takes another {_megabytes(n_missing)}, and {folder} has room for "
                f"{_megabytes(n_free)}: make room, or choose another folder"
            )

    async def _take(self, response: httpx.Response) -> None:
        """Write what comes. What came before a connection broke is kept, too."""
        pieces, n_pieces = list[bytes](), 0
        try:
            async for piece in response.aiter_raw():
                pieces.append(piece)
                n_pieces += len(piece)
                if n_pieces >= _PIECE or self._part.size == 0:
                    batch, pieces, n_pieces = b"".join(pieces), [], 0
                    await self._append(batch)
                self._tell(n_pieces)
        finally:
            if pieces:
                await self._append(b"".join(pieces))

    def _tell(self, n_more: int) -> None:
        note = self._part.note
        self._watch.on_bytes(self._part.size + n_more, note.n_total if note else None)

    async def _append(self, piece: bytes) -> None:
        note = self._part.note
        assert note is not None, "nothing is taken in before it is noted what it is of"
        if note.n_total is not None and self._part.size + len(piece) > note.n_total:
            self._part.discard()
            raise PullFailed(f"{self._wanted.shown} goes on beyond the {note.n_total} bytes that it is said to have")
        await self._part.append(piece)
        if self._part.size - len(piece) < len(_MAGIC) <= self._part.size:
            self._check_magic()

    def _check_magic(self) -> None:
        begin = self._part.beginning(256)
        if not begin.startswith(_MAGIC):
            self._part.discard()
            is_page = begin.lstrip()[:1] == b"<"
            what = "a web page" if is_page else "something else"
            raise PullFailed(f"{self._wanted.shown} is {what}, not a model in GGUF format")

    async def _check(self) -> None:
        """Hold what came against what is known of it. Raises PullFailed."""
        await self._part.sync()
        wanted, n = self._wanted, self._part.size
        if wanted.size_bytes is not None and n != wanted.size_bytes:
            raise PullFailed(f"{wanted.shown} has {wanted.size_bytes} bytes, and {n} came")
        if wanted.sha256 is not None and await self._part.sha256() != wanted.sha256:
            raise PullFailed(f"{wanted.shown} came damaged: its SHA-256 is not the one that it should be; try again")
        try:
            await asyncio.to_thread(read_header, self._part.path, is_first=wanted.is_first)
        except ModelLoadFailed as error:
            reason = str(error).replace(str(part_path(wanted.path)), wanted.shown)
            raise PullFailed(f"what came is no whole model: {reason}") from error

    def _refusal(self, response: httpx.Response) -> Exception:
        status, shown = response.status_code, self._wanted.shown
        if status in _BUSY:
            seconds = response.headers.get("Retry-After", "")
            after_s = min(float(seconds), _LONGEST_PAUSE_S) if re.fullmatch(r"\d{1,6}", seconds) else 0.0
            return _Again(f"its server answers {status}", after_s)
        if status in _REFUSALS:
            return PullFailed(f"{shown} {_REFUSALS[status]} (its server answers {status})")
        return PullFailed(f"{shown} cannot be fetched: its server answers {status}")


def _source(wanted: Wanted) -> str:
    """What tells this source from others."""
    return hashlib.sha256(f"{wanted.url}\n{wanted.sha256}".encode()).hexdigest()


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB"


def _in_words(error: httpx.TransportError) -> str:
    match error:
        case httpx.ConnectTimeout():
            return "nobody answers there"
        case httpx.TimeoutException():
            return "nothing came for a while"
        case httpx.ConnectError():
            return f"there is no connection ({str(error) or 'none'})"
        case _:
            return f"the connection was lost ({str(error) or type(error).__name__})"
