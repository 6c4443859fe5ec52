"""The routes of the requests that the server works on: which they are, watching one, and ending one."""

from aiohttp import web

from poly_engine.errors import InvalidRequest
from poly_serve.replies import in_json, in_plain_text, json_reply
from poly_serve.routing import Operator, Route
from poly_serve.served import SERVED
from poly_serve.sse import EventStream
from poly_serve.wire import encoded

__all__ = ["ROUTES"]


async def list_requests(request: web.Request) -> web.Response:
    """The requests that are worked on, or wait, in the order in which they came.

    Of each it is told who asks what of which task, whether it waits, is read or is answered, and how far that is. A
    chat is there while a turn of it is under way; a request for several answers is there for each of them.
    """
    return json_reply({"requests": request.app[SERVED].reports()})


async def watch(request: web.Request) -> web.StreamResponse:
    """Watch a request, as server-sent events: `written` is what it is and what was written so far, then what comes.

    The names of these are the types of the events of `poly.events.v1`; what was recalled is left out. The last one is
    `done`, or `failed` with the error that its client is told. Who does not read in time hears nothing more.
    """
    with request.app[SERVED].watch(_number(request)) as (so_far, watcher):
        async with EventStream(request) as stream:
            await stream.send(encoded(so_far), event="written")
            last: object = None
            async for record in watcher:
                if record["type"] == "done":
                    last = record
                else:
                    await stream.send(encoded(record), event=str(record["type"]))
            await stream.send(encoded(last), event="done")
        return stream.response


async def cancel(request: web.Request) -> web.Response:
    """End a request. Its client is told that, as the error `request_cancelled`, and its place is free for others."""
    request.app[SERVED].cancel(_number(request))
    return json_reply({})


def _number(request: web.Request) -> int:
    text = request.match_info["number"]
    if not (text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS):
        raise InvalidRequest(f"{text[:_MOST_DIGITS]!r} is no number of a request: GET /v1/requests tells them")
    return int(text)


_MOST_DIGITS = 20
_ERRORS = (in_plain_text, in_json)
ROUTES = (
    Route("GET", "/v1/requests", list_requests, Operator(), *_ERRORS, is_work=False, is_polled=True),
    Route("GET", "/v1/requests/{number}/events", watch, Operator(), *_ERRORS, is_work=False),
    Route("DELETE", "/v1/requests/{number}", cancel, Operator(), *_ERRORS, is_work=False),
)
