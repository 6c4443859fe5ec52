"""The routes of memories: documents in, chunks out."""

import hashlib

from aiohttp import web

from poly_engine import InvalidRequest, RecallOptions
from poly_serve.access import Kind
from poly_serve.engine import ENGINE
from poly_serve.inputs import json_of, truth_of
from poly_serve.replies import in_plain_text, json_reply
from poly_serve.routing import PRINCIPAL, Known, Named, Route

__all__ = ["ROUTES"]

_MOST_BYTES = 512 << 20


async def list_memories(request: web.Request) -> web.Response:
    """The memories, by their names."""
    principal = request[PRINCIPAL]
    memories = await request.app[ENGINE].memories()
    return json_reply({"memories": [one.name for one in memories if principal.may_use(Kind.MEMORY, one.name)]})


async def recall(request: web.Request) -> web.Response:
    """The chunks of a memory that answer a prompt best."""
    given: dict[str, object] = dict(request.query) if request.method == "GET" else await json_of(request)
    prompt = given.get("prompt")
    if not isinstance(prompt, str):
        raise InvalidRequest("prompt is missing: it is the text that chunks are to answer")
    recalled = await request.app[ENGINE].recall(request.match_info["name"], prompt, RecallOptions(n=_count(given)))
    return json_reply({"chunks": [hit.text for hit in recalled.hits]})


async def ingest(request: web.Request) -> web.Response:
    """Take in the document in the body, of the type that the header says; with wait=false it is only accepted."""
    engine, memory = request.app[ENGINE], request.match_info["name"]
    is_waited_for = truth_of(request, "wait", default=True)
    content = await _document(request)
    source = request.query.get("source") or f"upload {hashlib.sha256(content).hexdigest()[:12]}"
    take_in = engine.ingest if is_waited_for else engine.submit
    await take_in(memory, content, source=source, media_type=request.content_type)
    return json_reply({})


async def forget(request: web.Request) -> web.Response:
    """Forget all that a memory holds, or the document of a source."""
    await request.app[ENGINE].forget(request.match_info["name"], request.query.get("source"))
    return json_reply({})


async def _document(request: web.Request) -> bytes:
    pieces = []
    n_bytes = 0
    async for piece in request.content.iter_chunked(1 << 16):
        n_bytes += len(piece)
        if n_bytes > _MOST_BYTES:
            raise InvalidRequest(f"the document is larger than {_MOST_BYTES >> 20} MiB: split it")
        pieces.append(piece)
    return b"".join(pieces)


def _count(given: dict[str, object]) -> int:
    try:
        n = int(str(given.get("n", 1)))
    except ValueError as error:
        raise InvalidRequest(f"n has to be a whole number, not {given['n']!r}") from error
    if not 1 <= n <= 1000:
        raise InvalidRequest(f"n has to be 1 to 1000, not {n}")
    return n


_MEMORY = Named(Kind.MEMORY)
ROUTES = (
    Route("GET", "/v1/memory", list_memories, Known(), in_plain_text),
    Route("GET", "/v1/memory/{name}", recall, _MEMORY, in_plain_text),
    Route("POST", "/v1/memory/{name}", recall, _MEMORY, in_plain_text),
    Route("PUT", "/v1/memory/{name}", ingest, _MEMORY, in_plain_text),
    Route("DELETE", "/v1/memory/{name}", forget, _MEMORY, in_plain_text),
)
