"""Bodies that nobody would send: whatever is in them, the server answers, and it is never the server's failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from poly_engine.interface import Engine
from poly_serve.openai.tools import ToolSettings
from poly_serve.openai.unsupported import CHAT, COMPLETION, EMBEDDING, TOKENIZE
from tests.fake_engine import FakeEngine
from tests.serve.conftest import served
from tests.serve.openai.conftest import CONFIG, KEY, TASKS, local_engine

ODD = [-1, 0, 1, 2**31, 2**63, 2**64, -(2**63), 1e308, -1e308, 1e-320, float("inf"), 0.5, "", "a", "\ud800", "\x00"]
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
"""Anything that JSON can hold, and a little that it cannot."""

texts = st.text(max_size=30) | st.sampled_from(["hello", "<|im_start|>system", "\ufdd00\ufdd1", "{{ messages }}"])
several_texts = texts | st.lists(texts, min_size=1, max_size=3)
parts = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": texts}), max_size=3)
messages = st.builds(
    lambda roles, contents: [
        {"role": role, "content": content} for role, content in zip(roles, contents, strict=False)
    ],
    st.sampled_from([["user"], ["system", "user"], ["assistant", "user"], ["user", "user", "assistant", "user"]]),
    st.lists(texts | parts, min_size=4, max_size=4),
)
schema = st.sampled_from([{}, {"type": "object"}, {"type": "integer", "minimum": 3}, {"enum": ["a", "b"]}])
bound = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"stop": st.text(min_size=1, max_size=3) | st.lists(st.just("a"), max_size=5)}),
    st.fixed_dictionaries({"json_schema": schema}),
    st.fixed_dictionaries({"grammar": st.sampled_from(['root ::= "a" | "b"', "root ::= [0-9]{3}"])}),
    st.builds(lambda schema: {"response_format": {"type": "json_object", "schema": schema}}, schema),
    st.builds(
        lambda parameters, choice: {
            "tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}],
            "tool_choice": choice,
        },
        schema,
        st.sampled_from(["none", "auto", "required", {"type": "function", "function": {"name": "f"}}]),
    ),
)
generation = st.fixed_dictionaries(
    {},
    optional={
        "stream": st.booleans(),
        "stream_options": st.fixed_dictionaries({"include_usage": st.booleans()}),
        "n": st.integers(1, 3),
        "seed": st.integers(-(2**63), 2**63 - 1),
        "max_tokens": st.integers(30, 40),
        "temperature": st.floats(0, 100),
        "top_k": st.integers(0, 2**31 - 1),
        "top_p": st.floats(0.01, 1),
        "min_p": st.floats(0, 1),
        "repeat_penalty": st.floats(0.01, 100),
        "repeat_last_n": st.integers(0, 2**20),
        "frequency_penalty": st.floats(-2, 2),
        "presence_penalty": st.floats(-2, 2),
        "logit_bias": st.dictionaries(st.integers(0, 200).map(str), st.floats(-100, 100), max_size=3),
        "n_probs": st.integers(0, 20),
    },
)


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda drawn: {key: value for one in drawn for key, value in one.items()})


def spoilt(model: str, valid: st.SearchStrategy[dict[str, Any]], known: Iterable[str]) -> st.SearchStrategy[Any]:
    """What is fine, with up to two keys that have any value: keys of it, or others that are `known`."""
    spoil = st.dictionaries(st.sampled_from(sorted(known)), junk, max_size=2)
    deep = st.fixed_dictionaries(
        {"messages": st.lists(st.dictionaries(st.sampled_from(MESSAGE), junk | texts), max_size=3)}
    )
    return merged(st.just({"model": model}), valid, spoil | deep if "messages" in known else spoil)


MESSAGE = ["role", "content", "name", "tool_calls", "tool_call_id"]
SETTINGS = [*ToolSettings.model_fields, "messages", "prompt", "echo", "logprobs", "top_logprobs"]
BODIES = {
    "/v1/chat/completions": spoilt(
        "talk", merged(st.fixed_dictionaries({"messages": messages}), generation, bound), {*SETTINGS, *CHAT}
    ),
    "/v1/completions": spoilt(
        "talk",
        merged(st.fixed_dictionaries({"prompt": several_texts}), generation, bound),
        {*SETTINGS, *COMPLETION} - {"messages"},
    ),
    "/v1/embeddings": spoilt(
        "both",
        st.fixed_dictionaries({"input": several_texts, "encoding_format": st.sampled_from(["float", "base64"])}),
        {"model", "input", "encoding_format", "dimensions", *EMBEDDING},
    ),
    "/v1/rerank": spoilt(
        "both",
        st.fixed_dictionaries({"query": texts, "documents": st.lists(texts, min_size=1), "top_n": st.integers(1, 5)}),
        {"model", "query", "documents", "top_n", "return_documents"},
    ),
    "/tokenize": spoilt(
        "m",
        st.fixed_dictionaries({"content": texts, "add_special": st.booleans()}),
        {"model", "content", "add_special", "with_pieces", *TOKENIZE},
    ),
    "/detokenize": spoilt(
        "m", st.fixed_dictionaries({"tokens": st.lists(st.integers(0, 200))}), {"model", "tokens", "content"}
    ),
}


class Server:
    """A server over an engine, in a loop of its own, so that examples are tried one after the other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._url = ""
        self._http = httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, verify=False, timeout=30)

    def start(self) -> None:
        self._runner.run(self._start())

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def answer(self, path: str, content: str | bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return self._runner.run(self._http.post(self._url + path, content=content, headers=headers))

    async def _start(self) -> None:
        await self._stack.enter_async_context(self._engine)
        await self._stack.enter_async_context(self._http)
        self._url = await self._stack.enter_async_context(served(self._engine, CONFIG))


@pytest.fixture(scope="module", params=["fake", "local"])
def server(request: pytest.FixtureRequest, model_folder: Path) -> Iterator[Server]:
    engine = FakeEngine(tasks=TASKS) if request.param == "fake" else local_engine(model_folder)
    server = Server(engine)
    server.start()
    yield server
    server.close()


def check(response: httpx.Response) -> None:
    assert response.status_code in (200, 400, 404), response.text
    if response.status_code != 200:
        error = response.json()["error"]
        assert error["type"] in ("invalid_request_error", "not_found_error")
        assert error["message"]
    assert "server_error" not in response.text  # as the last event of a stream


@pytest.mark.parametrize("path", BODIES)
def test_junk_in_a_body_is_never_the_servers_failure(server: Server, path: str) -> None:
    @given(BODIES[path])
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    def look(body: dict[str, Any]) -> None:
        check(server.answer(path, json.dumps(body).replace("Infinity", "1e999")))

    look()


@pytest.mark.parametrize("path", BODIES)
def test_bytes_that_are_no_body_are_never_the_servers_failure(server: Server, path: str) -> None:
    @given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f'{{"model": {text}}}'.encode()))
    @settings(max_examples=50)
    def look(content: bytes) -> None:
        assert server.answer(path, content).status_code == 400

    look()
