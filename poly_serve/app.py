"""The server as an aiohttp application: an engine, behind routes that each have their rule."""

from weakref import WeakSet

from aiohttp import web

from poly_engine import Engine
from poly_engine.config import Config
from poly_serve.access import Access
from poly_serve.admission import ADMISSION, Admission
from poly_serve.deadlines import DEADLINES, Deadlines
from poly_serve.engine import ENGINE
from poly_serve.lifecycle import LIFECYCLE, Lifecycle
from poly_serve.metrics import METRICS, Metrics
from poly_serve.middleware import add_headers, log_requests, refuse_strangers, write_in_time
from poly_serve.openapi import description
from poly_serve.routes import (
    docs,
    memories,
    memory_upkeep,
    models,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_models,
    openai_rerank,
    openai_tokens,
    requests,
    restoring,
    status,
    tasks,
    web as page,
)
from poly_serve.routing import ACCESS, add_routes
from poly_serve.served import SERVED, ServedRequests
from poly_serve.sessions import SESSIONS, Sessions
from poly_serve.sockets import SOCKETS, close_sockets
from poly_serve.stats import STATS, Stats

__all__ = ["ROUTES", "create_app"]

_OPENAI_ROUTES = (
    *openai_models.ROUTES,
    *openai_chat.ROUTES,
    *openai_completions.ROUTES,
    *openai_embeddings.ROUTES,
    *openai_rerank.ROUTES,
    *openai_tokens.ROUTES,
)
ROUTES = (
    *page.ROUTES,
    *docs.ROUTES,
    *status.ROUTES,
    *tasks.ROUTES,
    *models.ROUTES,
    *memories.ROUTES,
    *memory_upkeep.ROUTES,
    *restoring.ROUTES,
    *requests.ROUTES,
    *_OPENAI_ROUTES,
)


def create_app(engine: Engine, config: Config, deadlines: Deadlines = Deadlines()) -> web.Application:  # noqa: B008 - frozen
    """The application that serves an engine, which stays the caller's. Raises ConfigError for a key that is none."""
    access = Access(config)
    host = config.bind_address.rpartition(":")[0].strip("[]")
    hosts = {"*"} if host in ("0.0.0.0", "::") else {host}  # noqa: S104 - who binds to all says that any name is fine
    app = web.Application(middlewares=[log_requests, write_in_time, refuse_strangers(hosts, config.allowed_origins)])
    app[ENGINE] = engine
    app[ACCESS] = access
    app[DEADLINES] = deadlines
    app[LIFECYCLE] = lifecycle = Lifecycle()
    app[ADMISSION] = Admission(config, lifecycle)
    app[METRICS] = metrics = Metrics()
    app[STATS] = Stats(metrics)
    app[docs.DESCRIPTION] = description(ROUTES)
    app[SERVED] = ServedRequests()
    app[SOCKETS] = WeakSet()
    app[SESSIONS] = sessions = Sessions()
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(close_sockets)
    app.on_shutdown.append(lambda _: sessions.close())
    add_routes(app, ROUTES)
    return app
