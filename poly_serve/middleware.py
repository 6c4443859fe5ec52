"""What every request goes through, outermost first: it gets an id, a line in the log, and is refused if a page of a
stranger sent it.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from poly_serve.logs import FACTS
from poly_serve.metrics import METRICS
from poly_serve.routing import PRINCIPAL, REQUEST_ID, ROUTE
from poly_serve.writing import in_time

__all__ = ["REQUEST_ID", "add_headers", "log_requests", "refuse_strangers", "write_in_time"]

_log = logging.getLogger(__name__)

HAS_BEGUN = web.RequestKey("has_begun", bool)
ORIGIN = web.RequestKey("origin", str)
"""Of the page that asks, if it may."""

_CHAT = 101
_CLIENT_LEFT = 499  # as nginx has it
_TOO_SLOW = 408
_SMALL_BYTES = 1 << 14
"""What the buffer of a connection takes at once."""
_ID = re.compile(r"[\w.-]{1,64}")
_LOCAL = {"localhost", "127.0.0.1", "::1"}


@web.middleware
async def log_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give a request an id, and say in the log what became of it. The query is left out: it may hold a key."""
    given = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = given if _ID.fullmatch(given) else uuid.uuid4().hex[:16]
    begin = time.monotonic()
    status = 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    except asyncio.CancelledError:
        status = _CHAT if _is_chat(request) else _CLIENT_LEFT
        raise
    except ConnectionError:
        status = _CLIENT_LEFT
        if request.transport is not None:
            request.transport.abort()
        response = web.Response(status=_CLIENT_LEFT)  # which goes nowhere: aiohttp would take an error for a bug
    except Exception:  # the edge of a request: a bug of ours is logged, and the client told
        _log.exception("request %s failed", request[REQUEST_ID])
        if HAS_BEGUN in request:  # then there can be no other answer: aiohttp cuts the connection
            raise
        response = web.Response(text="the server failed; its log says why", status=500)
    finally:
        _tell(request, status, time.monotonic() - begin)
    return response


def _tell(request: web.Request, status: int, took_s: float) -> None:
    """Say in the log, and to who measures, what became of a request."""
    subject = request[PRINCIPAL].subject if PRINCIPAL in request else None
    facts = {
        "request_id": request[REQUEST_ID],
        "method": request.method,
        "path": request.rel_url.raw_path,  # as it came: a line break in it would begin a line of the log
        "status": status,
        "ms": round(1000 * took_s, 1),
        "subject": subject,
    }
    is_usual = ROUTE in request and request[ROUTE].is_polled and status == HTTPStatus.OK
    level = logging.DEBUG if is_usual else logging.INFO
    _log.log(level, "%(request_id)s %(method)s %(path)s %(status)s %(ms).0f ms", facts, extra={FACTS: facts})
    request.app[METRICS].add_request(request.method, _pattern(request), status, took_s, subject)


def _is_chat(request: web.Request) -> bool:
    """Whether it has become a chat, which ends when its client leaves."""
    return HAS_BEGUN in request and ROUTE in request and request[ROUTE].is_chat


@web.middleware
async def write_in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write the rest of a response, or all of it: the server itself would wait for ever for who does not read."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        await _write(request, error)
        raise
    if not isinstance(response, web.WebSocketResponse):
        await _write(request, response)
    return response


async def _write(request: web.Request, response: web.StreamResponse) -> None:
    n_bytes = response.content_length
    has_room = request.transport is not None and not request.transport.get_write_buffer_size()
    is_too_slow = response.status == _TOO_SLOW
    if n_bytes is not None and n_bytes <= _SMALL_BYTES and has_room and not is_too_slow:
        return  # aiohttp writes it, and has nobody to wait for
    async with in_time(request, n_bytes or 0):
        await response.prepare(request)
        await response.write_eof()
    if is_too_slow and request.transport is not None:
        request.transport.close()  # else the rest of what does not come would be waited for


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the id of a request, and that a page of another origin may read the answer. Called before the first byte."""
    request[HAS_BEGUN] = True
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    if ORIGIN in request:
        wanted = request.headers.get("Access-Control-Request-Headers", "content-type, authorization")
        response.headers.update(
            {
                "Access-Control-Allow-Origin": request[ORIGIN],
                "Access-Control-Allow-Methods": "GET, POST, OPTIONS, PUT, DELETE",
                "Access-Control-Allow-Headers": wanted,
                "Vary": "Origin",
            }
        )


def _pattern(request: web.Request) -> str:
    """The path of a request with names left out; of one that leads nowhere nothing, or anybody could make many."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"


def refuse_strangers(hosts: Collection[str], origins: Collection[str] | None) -> Middleware:
    """Refuse requests to a host that this server does not go by (`hosts`, beside those of this machine), as those of a
    page that was rebound to it; and from pages of other origins than its own and `origins`. "*" is any of them.
    """
    known_hosts = _LOCAL | set(hosts)
    known_origins = set(origins or ())

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = _hostname(request.host)
        if "*" not in known_hosts and host not in known_hosts:
            return web.Response(text=f"this server does not go by the name {host}", status=421)
        origin = request.headers.get("Origin")
        is_own = origin is None or urlsplit(origin).netloc == request.host
        if not is_own and "*" not in known_origins and origin not in known_origins:
            return web.Response(text=f"pages of {origin} may not use this server", status=403)
        if origin is not None:
            request[ORIGIN] = origin
            if request.method == "OPTIONS":  # a browser asks whether it may ask
                return web.Response(status=204)
        return await handler(request)

    return refuse


def _hostname(host: str) -> str:
    """The name in a Host header, without the port. A name that is written in a strange way is none of ours."""
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not name or not port.isdigit():
        name = host
    return name.removeprefix("[").removesuffix("]").lower()
