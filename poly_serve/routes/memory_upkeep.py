"""The routes that look into memories, and those that look after them."""

from collections.abc import Callable
from contextlib import aclosing

from aiohttp import web

from poly_engine import Ingested, InvalidRequest, PolyError
from poly_serve.access import Kind
from poly_serve.admission import admitted_to_memory
from poly_serve.engine import ENGINE
from poly_serve.progress import with_progress
from poly_serve.replies import in_json, in_plain_text, json_reply
from poly_serve.routing import Named, Route
from poly_serve.wire import encoded, error_record
from poly_serve.writing import in_time

__all__ = ["ROUTES"]

_PIECE_BYTES = 1 << 16


async def documents(request: web.Request) -> web.Response:
    """The documents of a memory."""
    return json_reply({"documents": await request.app[ENGINE].documents(request.match_info["name"])})


async def chunks(request: web.Request) -> web.Response:
    """The chunks of the document `source`."""
    source = request.query.get("source")
    if source is None:
        raise InvalidRequest("source is missing: it is the document whose chunks are to be listed")
    return json_reply({"chunks": await request.app[ENGINE].chunks(request.match_info["name"], source)})


async def jobs(request: web.Request) -> web.Response:
    """The documents that wait to be taken in, and those that could not be."""
    return json_reply({"jobs": await request.app[ENGINE].jobs(request.match_info["name"])})


async def faults(request: web.Request) -> web.Response:
    """What is wrong with a memory, in sentences, after looking at all of it."""
    return json_reply({"faults": await request.app[ENGINE].faults(request.match_info["name"])})


async def settle(request: web.Request) -> web.StreamResponse:
    """Wait until all that was accepted is taken in or has failed; then there is the event `done`."""
    engine, name = request.app[ENGINE], request.match_info["name"]
    return await with_progress(request, lambda _: engine.settle(name))


async def reindex(request: web.Request) -> web.StreamResponse:
    """Cut and embed all of a memory anew: an event `progress` for each document, and in the end `done`."""
    engine, name = request.app[ENGINE], request.match_info["name"]

    async def cut_anew(tell: Callable[[Ingested], None]) -> None:
        async with admitted_to_memory(request, name):
            await engine.reindex(name, tell)

    return await with_progress(request, cut_anew)


async def export(request: web.Request) -> web.StreamResponse:
    """All of a memory, as lines of JSON.

    Where it cannot be read to its end, the last line is an error, and the connection breaks off: half is not taken for
    the whole.
    """
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    try:
        async with aclosing(request.app[ENGINE].export(request.match_info["name"])) as lines:
            async for line in lines:
                await _write(request, response, line)
    except PolyError as error:
        if not response.prepared:
            raise
        await _write(request, response, encoded({"type": "error", **error_record(error)}).encode() + b"\n")
        if request.transport is not None:
            request.transport.close()
    return response


async def _write(request: web.Request, response: web.StreamResponse, line: bytes) -> None:
    if not response.prepared:
        await response.prepare(request)
    for start in range(0, len(line), _PIECE_BYTES):
        async with in_time(request):
            await response.write(line[start : start + _PIECE_BYTES])


_MEMORY = Named(Kind.MEMORY)
_ERRORS = (in_plain_text, in_json)
ROUTES = (
    Route("GET", "/v1/memory/{name}/documents", documents, _MEMORY, *_ERRORS),
    Route("GET", "/v1/memory/{name}/chunks", chunks, _MEMORY, *_ERRORS, query=("source",)),
    Route("GET", "/v1/memory/{name}/jobs", jobs, _MEMORY, *_ERRORS),
    Route("GET", "/v1/memory/{name}/faults", faults, _MEMORY, *_ERRORS),
    Route("POST", "/v1/memory/{name}/settle", settle, _MEMORY, *_ERRORS),
    Route("POST", "/v1/memory/{name}/reindex", reindex, _MEMORY, *_ERRORS),
    Route("GET", "/v1/memory/{name}/export", export, _MEMORY, *_ERRORS),
)
