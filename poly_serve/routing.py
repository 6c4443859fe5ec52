"""Routes as data: what each is, and who may call it. What has no rule cannot be added."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from aiohttp import web
from pydantic import BaseModel

from poly_engine.errors import Forbidden, NotFound, PolyError, Unauthorized
from poly_serve.access import ANYBODY, Access, Kind, Principal
from poly_serve.bodies import expect_later
from poly_serve.engine import ENGINE
from poly_serve.inputs import InvalidParameter, json_of
from poly_serve.lifecycle import LIFECYCLE
from poly_serve.replies import asks_for_json

__all__ = [
    "ACCESS",
    "MODEL_PREFIX",
    "NAME",
    "PRINCIPAL",
    "REQUEST_ID",
    "ROUTE",
    "Anyone",
    "Handler",
    "Known",
    "Named",
    "NamedInBody",
    "NamedModelOrUser",
    "Operator",
    "Route",
    "Rule",
    "Unlimited",
    "add_routes",
    "without_names",
]

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

ACCESS = web.AppKey("access", Access)
PRINCIPAL = web.RequestKey("principal", Principal)
"""Who asks; set before a handler is called, unless anyone may."""
REQUEST_ID = web.RequestKey("request_id", str)
"""What the log calls it; set before all else."""
NAME = web.RequestKey("name", str)
"""The task or model that a body names; set where the rule is NamedInBody."""
MODEL_PREFIX = "model:"
"""What may stand before the name of a model in a body, and has to where a task has the same name."""


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


class NamedModelOrUser(Rule):
    """Whoever may use the model {name}, or a task or a memory that uses it."""

    async def check(self, request: web.Request, principal: Principal) -> None:
        engine, name = request.app[ENGINE], request.match_info["name"]
        tasks = [task.name for task in await engine.tasks() if task.model == name]
        memories = [memory.name for memory in await engine.memories() if memory.embedding_model == name]
        may_use_task = any(principal.may_use(Kind.TASK, task) for task in tasks)
        if not (may_use_task or any(principal.may_use(Kind.MEMORY, memory) for memory in memories)):
            principal.check(Kind.MODEL, name)


class Unlimited(Rule):
    """Whoever may use everything: their key or token has no limits."""

    async def check(self, request: web.Request, principal: Principal) -> None:
        del request
        if principal.claims:
            raise Forbidden("the token is for some things only, and this tells of all")


class Operator(Unlimited):
    """Whoever may use everything, and has shown a key for it where the server is for everybody."""

    async def check(self, request: web.Request, principal: Principal) -> None:
        await super().check(request, principal)
        if principal is ANYBODY and request.app[ACCESS].is_public:
            raise Forbidden("the server is public, and this is for who runs it: a key of allowed_keys is needed")


class NamedInBody(Rule):
    """Whoever may use the task or the model that the body calls "model", as OpenAI has it.

    It becomes NAME of the request. Raises InvalidRequest if there is none.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    async def check(self, request: web.Request, principal: Principal) -> None:
        name = (await json_of(request)).get("model")
        if not isinstance(name, str):
            raise InvalidParameter("model", f"has to be the name of a {self.kind.name.lower()}")
        if self.kind is Kind.MODEL:
            name = name.removeprefix(MODEL_PREFIX)
        principal.check(self.kind, name)
        request[NAME] = name


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
    reply_in_json: Callable[[PolyError], web.Response] | None = None
    """How it tells of errors to who asks for JSON, if that is another way."""
    body: type[BaseModel] | None = None
    """What comes in as JSON, if anything."""
    query: tuple[str, ...] = ()
    """What may be said in the query."""
    is_chat: bool = False
    """Whether it lasts while nobody asks anything: then each turn is work, and not all of it."""
    is_work: bool = True
    """Whether it is waited for when the server stops, and no longer taken then."""
    is_polled: bool = False
    """Whether it is asked over and over, so that the log tells of it only at DEBUG."""


ROUTE = web.RequestKey("route", Route)


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Add routes, each behind its rule."""
    for route in routes:
        app.router.add_route(route.method, route.path, _guarded(route), expect_handler=expect_later)


def _guarded(route: Route) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        try:
            if not route.rule.is_open:
                principal = request.app[ACCESS].principal(_credential(request))
                request[PRINCIPAL] = principal
                await route.rule.check(request, principal)
            if route.rule.is_open or route.is_chat or not route.is_work:
                return await route.handler(request)
            with request.app[LIFECYCLE].work():
                return await route.handler(request)
        except PolyError as error:
            told = without_names(error, request.get(PRINCIPAL))
            if route.reply_in_json is not None and asks_for_json(request):
                return route.reply_in_json(told)
            return route.reply(told)

    guarded.__doc__ = route.handler.__doc__
    return guarded


def without_names(error: PolyError, principal: Principal | None) -> PolyError:
    """The error, without a suggestion of what somebody may not know of."""
    if principal is None or not isinstance(error, NotFound):
        return error
    is_limited = any(kind.name.lower() == error.kind for kind in principal.claims)
    return type(error)(error.name) if is_limited else error


def _credential(request: web.Request) -> str | None:
    """The key or token of a request. A header counts before the query, where browsers have to put it."""
    header = request.headers.get("Authorization")
    if header is None:
        return request.headers.get("X-Api-Key") or request.query.get("api_key")
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthorized("invalid bearer token")
    return credential.strip()
