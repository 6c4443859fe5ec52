"""Bodies of requests, piece by piece: only so large, and only from those that send them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import HttpVersion11, StreamReader, web

from poly_engine import InvalidRequest
from poly_engine.content import PIECE_BYTES, Content, FileContent
from poly_serve.deadlines import DEADLINES

__all__ = ["TooLarge", "TooSlow", "expect_later", "pieces_of_body", "uploaded", "whole_body"]

_CONTINUE = "100-continue"


class TooLarge(InvalidRequest):
    """A body is larger than it may be."""


class TooSlow(InvalidRequest):
    """Too little of a body came in time."""


async def expect_later(request: web.Request) -> None:
    """Who asks whether to send a body (Expect: 100-continue) is told so when it is wanted, and else what is wrong."""
    if request.headers["Expect"].lower() != _CONTINUE:
        raise web.HTTPExpectationFailed(text=f"only {_CONTINUE} can be expected")


async def pieces_of_body(request: web.Request, most_bytes: int | None, what: str = "the body") -> AsyncIterator[bytes]:
    """The body of a request, as it comes. Raises TooLarge, if it can before anything is read, or TooSlow.

    Only the time in which it is waited for counts, not what whoever iterates does with it.
    """
    too_large = TooLarge(f"{what} is larger than {(most_bytes or 0) >> 20} MiB, which is the most: send it in parts")
    if most_bytes is not None and (request.content_length or 0) > most_bytes:
        raise too_large
    await _continue(request)
    n_bytes, waited_s, deadlines = 0, 0.0, request.app[DEADLINES]
    while not request.content.at_eof():
        begin = time.monotonic()
        most_s = min(deadlines.body_s, deadlines.body_s + n_bytes / deadlines.least_bytes_per_s - waited_s)
        piece = await _next(request.content, most_s, what)
        waited_s += time.monotonic() - begin
        n_bytes += len(piece)
        if most_bytes is not None and n_bytes > most_bytes:
            raise too_large
        yield piece


async def whole_body(request: web.Request, most_bytes: int) -> bytes:
    """The body of a request. Raises as `pieces_of_body`."""
    body = request.content
    if body.is_eof() and (request.content_length or 0) <= most_bytes and body.total_bytes <= most_bytes:
        return body.read_nowait()  # it came with the headers, as most do
    return b"".join([piece async for piece in pieces_of_body(request, most_bytes)])


@asynccontextmanager
async def uploaded(request: web.Request, most_bytes: int) -> AsyncIterator[Content]:
    """The document in the body of a request, as long as the block lasts. What is more than a little goes to a file, in
    the folder for temporary files. Raises as `pieces_of_body`, and MemoryUnwritable if the disk is full.
    """
    begun = bytearray()
    file: FileContent | None = None
    try:
        async for piece in pieces_of_body(request, most_bytes, "the document"):
            begun += piece
            if len(begun) >= PIECE_BYTES:
                if file is None:
                    file = FileContent()
                await asyncio.to_thread(file.add, begun)
                begun = bytearray()
        if file is None:
            yield bytes(begun)
        else:
            await asyncio.to_thread(file.add, begun)
            yield file
    finally:
        if file is not None:
            file.close()


async def _next(body: StreamReader, most_s: float, what: str) -> bytes:
    try:
        async with asyncio.timeout(most_s):
            return await body.readany()
    except TimeoutError as error:
        raise TooSlow(f"{what} does not come in time: send it faster, and without a pause") from error
    except web.RequestPayloadError as error:
        raise InvalidRequest(f"{what} cannot be read: {error}") from error


async def _continue(request: web.Request) -> None:
    if request.headers.get("Expect", "").lower() == _CONTINUE and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # it is no part of the answer, which has yet to begin
