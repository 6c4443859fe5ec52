"""The routes that tell how the server is."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from poly_serve.access import Kind
from poly_serve.admission import ADMISSION
from poly_serve.engine import ENGINE
from poly_serve.lifecycle import LIFECYCLE
from poly_serve.metrics import METRICS
from poly_serve.replies import in_plain_text, json_reply
from poly_serve.routing import PRINCIPAL, Anyone, Known, Route, Unlimited
from poly_serve.sessions import SESSIONS
from poly_serve.stats import STATS

__all__ = ["ROUTES"]


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
    """What each task has done since the server started."""
    principal = request[PRINCIPAL]
    report = request.app[STATS].report()
    return json_reply({"tasks": {name: one for name, one in report.items() if principal.may_use(Kind.TASK, name)}})


ROUTES = (
    Route("GET", "/status", status, Anyone(), in_plain_text),
    Route("GET", "/healthz", status, Anyone(), in_plain_text),
    Route("GET", "/readyz", ready, Anyone(), in_plain_text),
    Route("GET", "/metrics", metrics, Unlimited(), in_plain_text),
    Route("GET", "/v1/stats", stats, Known(), in_plain_text),
)
