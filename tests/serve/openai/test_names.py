"""Which models there are for whom, and who may use them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import httpx
import jwt
import openai
import pytest

from tests.fake_engine import FakeEngine
from tests.serve.conftest import Serve
from tests.serve.openai.conftest import CONFIG, SECRET, TASKS, Connect

MESSAGES: list[Any] = [{"role": "user", "content": "hello"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": MESSAGES},
    "/v1/completions": {"prompt": "hello"},
    "/v1/embeddings": {"input": "hello"},
    "/v1/rerank": {"query": "hello", "documents": ["hello"]},
    "/tokenize": {"content": "hello"},
}
OF_TASKS = ("/v1/chat/completions", "/v1/completions")


def token(**claims: Sequence[str]) -> str:
    return jwt.encode({"exp": time.time() + 60, "sub": "ada", **claims}, SECRET, "HS256")


@pytest.fixture
async def fake_url(serve: Serve) -> str:
    return await serve(FakeEngine(tasks=TASKS), CONFIG)


async def test_tasks_are_models_and_so_are_the_models_below_them(client: openai.AsyncOpenAI) -> None:
    models = [model async for model in client.models.list()]
    assert {model.id for model in models} == {"talk", "both", "m", "model:both"}
    assert {(model.object, model.owned_by) for model in models} == {("model", "poly")}
    assert [(model.model_extra or {})["kind"] for model in models] == ["task", "task", "model", "model"]


async def test_each_of_them_can_be_asked_for(client: openai.AsyncOpenAI) -> None:
    for name in ("talk", "both", "m", "model:both"):
        assert (await client.models.retrieve(name)).id == name
    assert (await client.models.retrieve("model:m")).id == "m"
    for name in ("nobody", "model:talk"):
        with pytest.raises(openai.NotFoundError) as error:
            await client.models.retrieve(name)
        assert error.value.code == "model_not_found"


async def test_a_token_lists_what_it_is_for(fake_url: str, connect: Connect) -> None:
    client = connect(fake_url, token(tasks=["talk"], models=["both"]))
    assert {model.id async for model in client.models.list()} == {"talk", "model:both"}
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("m")


async def test_errors_are_of_the_clients_own_classes(fake_url: str, connect: Connect) -> None:
    ask: Any = {"model": "talk", "messages": MESSAGES}
    with pytest.raises(openai.AuthenticationError) as unknown:
        await connect(fake_url, "who knows").chat.completions.create(**ask)
    with pytest.raises(openai.PermissionDeniedError) as forbidden:
        await connect(fake_url, token(tasks=["both"])).chat.completions.create(**ask)
    with pytest.raises(openai.NotFoundError) as missing:
        await connect(fake_url).chat.completions.create(model="tolk", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError) as wrong:
        await connect(fake_url).chat.completions.create(**ask, temperature=-1)
    assert unknown.value.response.headers["WWW-Authenticate"] == "Bearer"
    told = [(error.value.type, error.value.code, error.value.param) for error in (unknown, forbidden, missing, wrong)]
    assert told == [
        ("authentication_error", "unauthorized", None),
        ("permission_error", "forbidden", "model"),
        ("not_found_error", "model_not_found", "model"),
        ("invalid_request_error", "invalid_request", "temperature"),
    ]
    assert "did you mean talk?" in missing.value.message


@pytest.mark.parametrize("path", BODIES)
async def test_a_name_in_a_body_needs_its_claim(fake_url: str, http: httpx.AsyncClient, path: str) -> None:
    kind, name = ("tasks", "talk") if path in OF_TASKS else ("models", "m")
    other = "models" if kind == "tasks" else "tasks"

    async def status(key: str, name: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return (await http.post(fake_url + path, json={**BODIES[path], "model": name}, headers=headers)).status_code

    cases: list[tuple[dict[str, list[str]], int]] = [
        ({}, 200),
        ({kind: [name]}, 200),
        ({kind: [name], other: []}, 200),
        ({kind: []}, 403),
        ({kind: ["both"]}, 403),
        ({kind: ["both"], other: [name]}, 403),
    ]
    for claims, expected in cases:
        assert await status(token(**claims), name) == expected, claims
    assert await status(token(**{kind: [name]}), "nobody") == 403  # it does not even learn that there is none
    assert await status(token(), "nobody") == 404
    assert await status("wrong", name) == 401


async def test_the_prefix_of_a_model_does_not_get_around_a_claim(fake_url: str, http: httpx.AsyncClient) -> None:
    for claims, name, expected in [
        (["m"], "model:m", 200),
        (["model:m"], "model:m", 403),
        (["m"], "model:both", 403),
        (["m"], "model:model:m", 403),
    ]:
        headers = {"Authorization": f"Bearer {token(models=claims)}"}
        body = {"model": name, "input": "hello"}
        response = await http.post(f"{fake_url}/v1/embeddings", json=body, headers=headers)
        assert response.status_code == expected, (claims, name)


async def test_a_chat_needs_a_task_and_no_model(client: openai.AsyncOpenAI) -> None:
    for name in ("m", "model:both"):
        with pytest.raises(openai.NotFoundError, match=f"task not found: {name}"):
            await client.chat.completions.create(model=name, messages=MESSAGES)


async def test_nobody_reads_a_body_of_somebody_unknown(fake_url: str, http: httpx.AsyncClient) -> None:
    headers = {"Authorization": "Bearer wrong", "Content-Type": "application/json"}
    response = await http.post(f"{fake_url}/v1/chat/completions", content="{", headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "authentication_error"
