"""Routes as data: what each is, and who may call it. What has no rule cannot be added."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from aiohttp import web

from poly_engine.errors import PolyError, Unauthorized
from poly_serve.access import Access, Kind, Principal
from poly_serve.lifecycle import LIFECYCLE

__all__ = ["ACCESS", "PRINCIPAL", "ROUTE", "Anyone", "Handler", "Known", "Named", "Route", "Rule", "add_routes"]

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

ACCESS = web.AppKey("access", Access)
PRINCIPAL = web.RequestKey("principal", Principal)
"""Who asks; set before a handler is called, unless anyone may."""


class Rule(ABC):
    """Says who may call a route."""

    is_open: ClassVar[bool] = False
    """Whether anyone may, without a key."""

    @abstractmethod
    async def check(self, request: web.Request, principal: Principal) -> None:
        """Raise Forbidden if they may not."""


class Anyone(Rule):
    """Whoever reaches the server."""

    is_open = True

    async def check(self, request: web.Request, principal: Principal) -> None:
        pass


class Known(Rule):
    """Whoever has a key or a token, whatever it is for."""

    async def check(self, request: web.Request, principal: Principal) -> None:
        pass


class Named(Rule):
    """Whoever may use the task, model or memory that the path names in {name}."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    async def check(self, request: web.Request, principal: Principal) -> None:
        principal.check(self.kind, request.match_info["name"])


@dataclass(frozen=True, slots=True)
class Route:
    """A route: how it is called, who may call it, and how it tells of errors. The docstring of the handler says what it
    does.
    """

    method: str
    path: str
    handler: Handler
    rule: Rule
    reply: Callable[[PolyError], web.Response]


ROUTE = web.RequestKey("route", Route)


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Add routes, each behind its rule."""
    for route in routes:
        app.router.add_route(route.method, route.path, _guarded(route), name=None)


def _guarded(route: Route) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        try:
            if not route.rule.is_open:
                principal = request.app[ACCESS].principal(_credential(request))
                request[PRINCIPAL] = principal
                await route.rule.check(request, principal)
            if route.rule.is_open or "Upgrade" in request.headers:  # of a chat, each turn is work
                return await route.handler(request)
            with request.app[LIFECYCLE].work():
                return await route.handler(request)
        except PolyError as error:
            return route.reply(error)

    guarded.__doc__ = route.handler.__doc__
    return guarded


def _credential(request: web.Request) -> str | None:
    """The key or token of a request. A header counts before the query, where browsers have to put it."""
    header = request.headers.get("Authorization")
    if header is None:
        return request.headers.get("X-Api-Key") or request.query.get("api_key")
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthorized("invalid bearer token")
    return credential.strip()
