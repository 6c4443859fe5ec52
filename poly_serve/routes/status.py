"""The routes that tell how the server is."""

import asyncio

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from poly_engine import __version__
from poly_serve.access import Kind
from poly_serve.admission import ADMISSION
from poly_serve.engine import ENGINE
from poly_serve.inputs import wants_detail
from poly_serve.lifecycle import LIFECYCLE
from poly_serve.metrics import METRICS
from poly_serve.replies import in_plain_text, json_reply
from poly_serve.reports import ServerReport
from poly_serve.routing import PRINCIPAL, Anyone, Known, Route, Unlimited
from poly_serve.served import SERVED
from poly_serve.sessions import SESSIONS
from poly_serve.stats import STATS, resident_bytes

__all__ = ["ROUTES"]

_POLLED = ("/v1/stats", "/v1/requests")
"""Who looks at the server asks these over and over, and wants to know of others."""


async def status(_: web.Request) -> web.Response:
    """Whether the server runs."""
    return json_reply({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """Whether the server takes work: not while it is being shut down, or once every model has died too often. While
    some have, it is degraded, and ready for requests to the others.
    """
    if request.app[LIFECYCLE].is_draining:
        return json_reply({"status": "draining"}, status=503)
    engine = request.app[ENGINE]
    n_failed = len(await engine.refusals())  # their names are told to who may use them, by /v1/model
    if not n_failed:
        return json_reply({"status": "ready"})
    is_useless = n_failed == len(await engine.models())
    words = "failed" if is_useless else "degraded"
    return json_reply({"status": words, "failed_models": n_failed}, status=503 if is_useless else 200)


async def metrics(request: web.Request) -> web.Response:
    """What is measured, in the format of Prometheus."""
    app = request.app
    app[METRICS].show_work(
        n_waiting=app[ADMISSION].n_waiting,
        n_under_way=app[LIFECYCLE].n_under_way - 1,  # but for this request
        n_parked=app[SESSIONS].n_parked,
    )
    for memory in await app[ENGINE].memories():
        if memory.n_documents is not None:  # else it is not open, and nothing is to be opened for this
            app[METRICS].show_backlog(memory.name, await app[ENGINE].jobs(memory.name))
    return web.Response(body=app[METRICS].text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def stats(request: web.Request) -> web.Response:
    """What each task has done since the server started.

    With detail=1 also how long its latest turns took to their first token; and, for who may use everything, how the
    server is, as `server`.
    """
    principal, found = request[PRINCIPAL], request.app[STATS]
    report = {name: one for name, one in found.report().items() if principal.may_use(Kind.TASK, name)}
    if not wants_detail(request):
        return json_reply({"tasks": report})
    latencies = found.latencies()
    answer: dict[str, object] = {"tasks": {name: {**one, **latencies[name]} for name, one in report.items()}}
    return json_reply(answer if principal.claims else {**answer, "server": await _server(request.app)})


async def _server(app: web.Application) -> ServerReport:
    n_requests, n_errors = app[METRICS].n_requests(but=_POLLED)
    return ServerReport(
        version=__version__,
        uptime_s=round(app[STATS].uptime_s, 3),
        is_draining=app[LIFECYCLE].is_draining,
        n_requests=n_requests,
        n_errors=n_errors,
        n_admitted=app[ADMISSION].n_admitted,
        n_waiting=app[ADMISSION].n_waiting,
        n_parked=app[SESSIONS].n_parked,
        n_tokens=app[SERVED].n_tokens,
        rss_bytes=await asyncio.to_thread(resident_bytes),  # which asks the system about each process
        **app[STATS].latency,
    )


ROUTES = (
    Route("GET", "/status", status, Anyone(), in_plain_text),
    Route("GET", "/healthz", status, Anyone(), in_plain_text),
    Route("GET", "/readyz", ready, Anyone(), in_plain_text),
    Route("GET", "/metrics", metrics, Unlimited(), in_plain_text),
    Route("GET", "/v1/stats", stats, Known(), in_plain_text, query=("detail",), is_work=False, is_polled=True),
)
