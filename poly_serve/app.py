"""The server as an aiohttp application: an engine, behind routes that each have their rule."""

from aiohttp import web

from poly_engine import Engine
from poly_engine.config import Config
from poly_serve.access import Access
from poly_serve.admission import ADMISSION, Admission
from poly_serve.engine import ENGINE
from poly_serve.lifecycle import LIFECYCLE, Lifecycle
from poly_serve.middleware import log_requests, refuse_strangers
from poly_serve.routes import memories, models, status, tasks
from poly_serve.routing import ACCESS, add_routes
from poly_serve.stats import STATS, Stats

__all__ = ["ROUTES", "create_app"]

_MOST_WAITING = 64
_MOST_BODY_BYTES = 16 << 20

ROUTES = (*status.ROUTES, *tasks.ROUTES, *models.ROUTES, *memories.ROUTES)


def create_app(engine: Engine, config: Config) -> web.Application:
    """The application that serves an engine, which stays the caller's. Raises ConfigError for a key that is none."""
    access = Access(config)
    host = config.bind_address.rpartition(":")[0].strip("[]")
    hosts = {"*"} if host in ("0.0.0.0", "::") else {host}  # noqa: S104 - who binds to all says that any name is fine
    app = web.Application(
        middlewares=[log_requests, refuse_strangers(hosts, config.allowed_origins)], client_max_size=_MOST_BODY_BYTES
    )
    app[ENGINE] = engine
    app[ACCESS] = access
    app[LIFECYCLE] = lifecycle = Lifecycle()
    app[ADMISSION] = Admission(config.max_concurrent, _MOST_WAITING, lifecycle)
    app[STATS] = Stats()
    add_routes(app, ROUTES)
    return app
