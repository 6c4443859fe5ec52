"""The routes that tell how the server is."""

from aiohttp import web

from poly_serve.lifecycle import LIFECYCLE
from poly_serve.replies import in_plain_text, json_reply
from poly_serve.routing import Anyone, Known, Route
from poly_serve.stats import STATS

__all__ = ["ROUTES"]


async def status(_: web.Request) -> web.Response:
    """Whether the server runs."""
    return json_reply({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """Whether the server takes work: not while it is being shut down."""
    if request.app[LIFECYCLE].is_draining:
        return json_reply({"status": "draining"}, status=503)
    return json_reply({"status": "ready"})


async def stats(request: web.Request) -> web.Response:
    """What each task has done since the server started."""
    return json_reply({"tasks": request.app[STATS].report()})


ROUTES = (
    Route("GET", "/status", status, Anyone(), in_plain_text),
    Route("GET", "/healthz", status, Anyone(), in_plain_text),
    Route("GET", "/readyz", ready, Anyone(), in_plain_text),
    Route("GET", "/v1/stats", stats, Known(), in_plain_text),
)
