"""Has documents read by a child process, and survives whatever happens to it."""

import asyncio
import codecs
import logging
import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from poly_engine.content import Content, FileContent, pieces_of
from poly_engine.errors import EngineClosed, InvalidRequest, UnreadableDocument
from poly_engine.extract.child import EXIT_NO_MEMORY, EXIT_NO_TIME
from poly_engine.extract.document import Extracted
from poly_engine.extract.limits import Limits, out_of_memory, out_of_time
from poly_engine.extract.wire import LENGTH, MAX_FRAME_BYTES, Answer, Request, Senseless

_log = logging.getLogger(__name__)
_PIECE_BYTES = 1 << 16
_KEPT_VARIABLES = ("PATH", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


class Extractor:
    """Reads many documents, one after the other, with a child process that has its libraries loaded. It starts with
    the first document, and again after one that killed it. Calls from several tasks wait for each other.

        async with Extractor() as extractor:
            extracted = await extractor.extract(Path("report.pdf"))
    """

    def __init__(self, limits: Limits | None = None, *, warm: bool = True) -> None:
        self._limits = limits or Limits()
        self._warm = warm
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._is_closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the child process. A document that is being read, or waits for that, raises EngineClosed; one that is
        read later starts another process.
        """
        self._is_closing = True
        try:
            if self._child is not None:
                _kill(self._child)
            async with self._turn:  # who reads from the process has to notice first
                await self._end()
        finally:
            self._is_closing = False

    async def extract(
        self, content: Content | Path, *, name: str = "", media_type: str | None = None, password: str | None = None
    ) -> Extracted:
        """Read a document. Its type is `media_type` or else what its name or its first bytes say; `name` is also what
        errors call it. Raises UnreadableDocument; InvalidRequest where there is no such file; EngineClosed.
        """
        request = self._request(content, name, media_type, password)
        async with self._turn:
            try:
                async with asyncio.timeout(self._limits.wall_s):
                    return await self._ask(request, content)
            except TimeoutError:
                await self._end()
                raise _named(out_of_time(self._limits), request.name) from None
            except asyncio.CancelledError:
                await self._end()
                raise

    def _request(self, content: Content | Path, name: str, media_type: str | None, password: str | None) -> Request:
        path = content.absolute() if isinstance(content, Path) else None
        name = name or (path.name if path else "")
        size = _file_size(content) if isinstance(content, Path) else len(content)
        if size > self._limits.file_bytes:
            most = self._limits.file_bytes >> 20
            raise UnreadableDocument("too_large", f"it has {size >> 20} MB, and {most} may be read: split it", name)
        if not size:
            raise UnreadableDocument("no_text", "it is empty", name)
        return Request(str(path) if path else None, 0 if path else size, name, media_type, password, self._limits)

    async def _ask(self, request: Request, content: Content | Path) -> Extracted:
        self._check_open()
        child = self._child = self._child or await _start(warm=self._warm)
        self._check_open()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            await _send(child.stdin, request, b"" if isinstance(content, Path) else content)
            return await _receive(child.stdout, request)
        except (asyncio.IncompleteReadError, ConnectionError):
            exit_code = await self._end()
            self._check_open()
            raise _died(exit_code, request) from None
        except Senseless as error:
            await self._end()
            raise UnreadableDocument("damaged", "it confuses the library that reads it", request.name) from error

    def _check_open(self) -> None:
        if self._is_closing:
            raise EngineClosed("the engine was shut down")

    async def _end(self) -> int | None:
        """Let go of the child and all that it started, and return its exit code."""
        child, self._child = self._child, None
        if child is None:
            return None
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()
        _kill(child)
        while await child.stdout.read(_PIECE_BYTES):
            pass  # the pipe is closed when its end was read
        return await child.wait()


async def extract(
    content: Content | Path,
    *,
    name: str = "",
    media_type: str | None = None,
    password: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - it is frozen
) -> Extracted:
    """Read one document with a child process of its own; see `Extractor.extract`."""
    async with Extractor(limits, warm=False) as extractor:
        return await extractor.extract(content, name=name, media_type=media_type, password=password)


def _file_size(path: Path) -> int:
    try:
        status = path.stat()
    except OSError as error:
        raise InvalidRequest(f"no document can be read at {path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise InvalidRequest(f"no document can be read at {path}: it is not a file")
    return status.st_size


async def _start(*, warm: bool) -> asyncio.subprocess.Process:
    """Start a child that imports what we import, and knows of our environment only what it needs: keys of services
    are none of the business of a process that reads what strangers wrote.
    """
    variables = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "poly_engine.extract.child", *(["--warm"] if warm else [])),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # libraries complain there; errors of ours come as answers
        env=variables | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )


def _kill(child: asyncio.subprocess.Process) -> None:
    assert child.stdout is not None
    if child.returncode is None and not child.stdout.at_eof():
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # it leads a group of its own, and its readers are in it


async def _send(stream: asyncio.StreamWriter, request: Request, content: Content) -> None:
    stream.write(request.encode())
    pieces = pieces_of(content)
    while (piece := await _next(pieces, is_on_disk=isinstance(content, FileContent))) is not None:
        stream.write(piece)
        await stream.drain()  # else all of it would be copied to a buffer at once
    await stream.drain()


async def _next(pieces: Iterator[bytes | memoryview], *, is_on_disk: bool) -> bytes | memoryview | None:
    return await asyncio.to_thread(next, pieces, None) if is_on_disk else next(pieces, None)


async def _receive(stream: asyncio.StreamReader, request: Request) -> Extracted:
    (length,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    if length > MAX_FRAME_BYTES:
        raise Senseless
    answer = Answer.decode(await stream.readexactly(length), request.name)
    if answer.size > request.limits.text_chars * 4:
        raise Senseless
    try:
        text = await _receive_text(stream, answer.size)
    except UnicodeDecodeError as error:
        raise Senseless from error
    return answer.extracted(text)


async def _receive_text(stream: asyncio.StreamReader, size: int) -> str:
    """Read the text piece by piece: its bytes and its characters are never in memory both. Python appends to a string
    that nobody else holds in place.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    text = ""
    while size:
        piece = await stream.readexactly(min(size, _PIECE_BYTES))
        size -= len(piece)
        text += decoder.decode(piece, final=not size)
    return text


def _died(exit_code: int | None, request: Request) -> UnreadableDocument:
    _log.info("the process that read %s ended with %s", request.name or "a document", exit_code)
    if exit_code == EXIT_NO_TIME:
        error = out_of_time(request.limits)
    elif exit_code == EXIT_NO_MEMORY:
        error = out_of_memory(request.limits)
    else:
        error = UnreadableDocument("damaged", "the library that reads it crashes at it: save it anew")
    return _named(error, request.name)


def _named(error: UnreadableDocument, name: str) -> UnreadableDocument:
    return UnreadableDocument(error.cause, error.reason, name)
