"""The routes of memories: documents in, chunks out."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeAlias

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from poly_engine import Ingested, InvalidRequest, Recalled, RecallOptions
from poly_engine.content import sha256_of
from poly_engine.types import IngestProgress
from poly_serve.access import Kind
from poly_serve.admission import admitted, admitted_to_memory
from poly_serve.bodies import uploaded
from poly_serve.engine import ENGINE
from poly_serve.inputs import Prompt, body_of, json_of, truth_of, wants_detail
from poly_serve.metrics import METRICS
from poly_serve.progress import with_progress
from poly_serve.replies import in_json, in_plain_text, json_reply
from poly_serve.routing import PRINCIPAL, Known, Named, Route

__all__ = ["ROUTES"]

_MOST_BYTES = 512 << 20
_MOST_HITS = 1000
_UNKNOWN_TYPE = "application/octet-stream"


OnProgress: TypeAlias = Callable[[IngestProgress], None]


class Recall(BaseModel):
    """What is to be recalled, as `RecallOptions` says it."""

    model_config = ConfigDict(extra="forbid")

    prompt: str
    n: int = Field(1, ge=1, le=_MOST_HITS)
    max_tokens: int | None = Field(None, ge=1)
    sources: list[str] | None = None
    min_score: float | None = Field(None, ge=-1, le=1)
    mmr: float | None = Field(None, ge=0, le=1)
    neighbours: int | None = Field(None, ge=0, le=_MOST_HITS)


async def list_memories(request: web.Request) -> web.Response:
    """The memories, by their names; with detail=1 as objects, which say what is known of each."""
    principal = request[PRINCIPAL]
    memories = [one for one in await request.app[ENGINE].memories() if principal.may_use(Kind.MEMORY, one.name)]
    return json_reply({"memories": memories if wants_detail(request) else [one.name for one in memories]})


async def recall(request: web.Request) -> web.Response:
    """The chunks of a memory that answer a prompt best."""
    given: dict[str, object] = dict(request.query) if request.method == "GET" else await json_of(request)
    prompt = given.get("prompt")
    if not isinstance(prompt, str):
        raise InvalidRequest("prompt is missing: it is the text that chunks are to answer")
    recalled = await _recalled(request, prompt, RecallOptions(n=_count(given)))
    return json_reply({"chunks": [hit.text for hit in recalled.hits]})


async def recall_in_detail(request: web.Request) -> web.Response:
    """The chunks that answer a prompt best, where each is from and how it was found, and what was left out and why."""
    wanted = (await body_of(request, Recall)).model_dump()
    prompt = wanted.pop("prompt")
    return json_reply(await _recalled(request, prompt, RecallOptions(**wanted)))


async def ingest(request: web.Request) -> web.StreamResponse:
    """Take in the document in the body, of the type that the header says; with wait=false it is only accepted.

    `source` names it. With detail=1 its type may also be told by its name and its content, or be given as `type`, and
    the answer is the events `progress`, and `done` that says what became of it.
    """
    engine, memory = request.app[ENGINE], request.match_info["name"]
    is_waited_for, media_type = truth_of(request, "wait", default=True), _media_type(request)
    async with uploaded(request, _MOST_BYTES) as content:
        source = request.query.get("source") or f"upload {(await asyncio.to_thread(sha256_of, content))[:12]}"

        async def take_in(tell: OnProgress | None) -> Ingested:
            async with admitted_to_memory(request, memory):
                return await engine.ingest(memory, content, source=source, media_type=media_type, on_progress=tell)

        if not is_waited_for:
            await engine.submit(memory, content, source=source, media_type=media_type)
        elif wants_detail(request):
            return await with_progress(request, take_in)
        else:
            await take_in(None)
    return json_reply({})


async def forget(request: web.Request) -> web.Response:
    """Forget all that a memory holds, or the document of a source; with detail=1 the answer is how many that were."""
    n_gone = await request.app[ENGINE].forget(request.match_info["name"], request.query.get("source"))
    return json_reply({"forgotten": n_gone} if wants_detail(request) else {})


def _media_type(request: web.Request) -> str | None:
    if not wants_detail(request):
        return request.content_type
    return request.query.get("type") or (request.content_type if request.content_type != _UNKNOWN_TYPE else None)


async def _recalled(request: web.Request, prompt: str, options: RecallOptions) -> Recalled:
    memory = request.match_info["name"]
    async with admitted(request, Kind.MEMORY, memory, [prompt]):
        begin = time.monotonic()
        recalled = await request.app[ENGINE].recall(memory, prompt, options)
        request.app[METRICS].add_recall(memory, time.monotonic() - begin)
    return recalled


def _count(given: dict[str, object]) -> int:
    try:
        n = int(str(given.get("n", 1)))
    except ValueError as error:
        raise InvalidRequest(f"n has to be a whole number, not {given['n']!r}") from error
    if not 1 <= n <= _MOST_HITS:
        raise InvalidRequest(f"n has to be 1 to {_MOST_HITS}, not {n}")
    return n


_MEMORY = Named(Kind.MEMORY)
_ERRORS = (in_plain_text, in_json)
ROUTES = (
    Route("GET", "/v1/memory", list_memories, Known(), *_ERRORS),
    Route("GET", "/v1/memory/{name}", recall, _MEMORY, *_ERRORS, query=("prompt", "n")),
    Route("POST", "/v1/memory/{name}", recall, _MEMORY, *_ERRORS, body=Prompt),
    Route("PUT", "/v1/memory/{name}", ingest, _MEMORY, *_ERRORS, query=("source", "wait", "detail", "type")),
    Route("DELETE", "/v1/memory/{name}", forget, _MEMORY, *_ERRORS, query=("source", "detail")),
    Route("POST", "/v1/memory/{name}/recall", recall_in_detail, _MEMORY, *_ERRORS, body=Recall),
)
