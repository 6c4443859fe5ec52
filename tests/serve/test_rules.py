"""Every route has its rule, and keeps it: each one, with whoever may ask."""

from __future__ import annotations

import time
from typing import Any

import httpx
import jwt
import pytest
from aiohttp import web

from poly_engine.config import Config
from poly_engine.types import TaskInfo
from poly_serve.access import Kind
from poly_serve.app import ROUTES, create_app
from poly_serve.routing import Anyone, Known, Named, NamedInBody, NamedModelOrUser, Operator, Route, Unlimited
from tests.fake_engine import FakeEngine, Reply
from tests.serve.conftest import Serve

SECRET = "s" * 40
CONFIG = {"allowed_keys": ["key"], "jwt_private_key": {"symmetric": SECRET}}
NOTHING: dict[str, Any] = {"tasks": [], "models": [], "memories": []}
REFUSED = {401, 403}
RULES = {Anyone, Known, Named, NamedInBody, NamedModelOrUser, Operator, Unlimited}


def engine() -> FakeEngine:
    return FakeEngine(lambda _: Reply(("yes",)), tasks=[TaskInfo("talk", "m")], memories=["notes"])


def token(**claims: object) -> str:
    return jwt.encode({"exp": time.time() + 60, "sub": "ada", **claims}, SECRET, "HS256")


def named(route: Route) -> str:
    """The path of a route, of something that there is."""
    kind = route.path.split("/")[2] if route.path.count("/") > 2 else ""
    path = route.path.replace("{number}", "1")
    return path.replace("{name}", {"task": "talk", "model": "m", "memory": "notes"}.get(kind, "talk"))


def test_every_route_of_the_application_was_declared_with_a_rule() -> None:
    app = create_app(engine(), Config())
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and not (route.method == "HEAD" or isinstance(route, web.StaticDef))
    }
    declared = {(route.method, route.path) for route in ROUTES}
    assert served == declared
    assert len(declared) == len(ROUTES)
    assert {type(route.rule) for route in ROUTES} <= RULES


async def status(client: httpx.AsyncClient, route: Route, credential: str | None) -> int:
    headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
    body = {"model": "talk" if "chat" in route.path or "completions" in route.path else "m", "prompt": "a"}
    has_body = route.method in ("POST", "PUT")
    request = client.stream(route.method, named(route), json=body if has_body else None, headers=headers)
    async with request as answer:
        return answer.status_code


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_a_route_keeps_its_rule(route: Route, serve: Serve) -> None:
    async with engine() as served, httpx.AsyncClient() as client:
        client.base_url = httpx.URL(await serve(served, Config.model_validate(CONFIG)))
        is_open = isinstance(route.rule, Anyone)
        is_for_all = isinstance(route.rule, Anyone | Known) or route.path in LISTS
        for nobody in (None, "wrong", token(exp=time.time() - 600)):
            assert (await status(client, route, nobody) == 401) is not is_open
        assert (await status(client, route, token(**NOTHING)) in REFUSED) is not is_for_all
        for kind in Kind:  # the wrong task, the wrong model, the wrong memory
            answered = await status(client, route, token(**{kind.value: ["another"]}))
            assert (answered in REFUSED) is is_limited(route, kind), (kind, answered)
        for somebody in ("key", token()):
            assert await status(client, route, somebody) not in REFUSED


def is_limited(route: Route, kind: Kind) -> bool:
    """Whether a token for another thing of that kind, and for all of the others, must not do."""
    match route.rule:
        case Named(kind=named) | NamedInBody(kind=named):
            return named is kind
        case Unlimited():
            return True
    return False  # a model may also be used by who may use a task over it


LISTS = {"/v1/models", "/v1/models/{name}"}
"""What a token does not allow is not listed, and not there."""
