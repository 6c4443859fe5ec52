"""The description of the server, made of its routes."""

from __future__ import annotations

import httpx
from openapi_spec_validator import validate

from poly_serve.app import ROUTES
from poly_serve.openapi import description
from tests.fake_engine import FakeEngine, Reply
from tests.serve.conftest import Serve


def test_it_is_valid_and_tells_of_every_route() -> None:
    described = description(ROUTES)
    validate(described)
    paths = described["paths"]
    assert isinstance(paths, dict)
    told = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert told == {(route.method, route.path) for route in ROUTES}


def test_every_operation_has_words_and_a_name_of_its_own() -> None:
    paths = description(ROUTES)["paths"]
    assert isinstance(paths, dict)
    operations = [operation for path in paths.values() for operation in path.values()]
    assert all(operation["summary"] for operation in operations)
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)


async def test_it_is_served_for_programs_and_for_people(serve: Serve) -> None:
    url = await serve(FakeEngine(lambda _: Reply(("yes",))))
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/openapi.json")).json()["openapi"] == "3.1.0"
        assert "/v1/chat/completions" in (await client.get("/docs")).text
