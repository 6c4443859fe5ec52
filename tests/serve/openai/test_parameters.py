"""Parameters: what is refused and by which name, what asks for nothing, and what is ignored."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from poly_serve.openai.settings import Settings
from poly_serve.openai.unsupported import CHAT, COMPLETION, EMBEDDING, TOKENIZE, Values
from tests.fake_engine import FakeEngine
from tests.serve.conftest import Serve
from tests.serve.openai.conftest import CONFIG, TASKS

CHAT_BODY: dict[str, Any] = {"model": "talk", "messages": [{"role": "user", "content": "hello"}]}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT_BODY,
    "/v1/completions": {"model": "talk", "prompt": "hello"},
    "/v1/embeddings": {"model": "m", "input": "hello"},
    "/tokenize": {"model": "m", "content": "hello"},
    "/detokenize": {"model": "m", "tokens": [1, 2]},
}
TABLES = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETION,
    "/v1/embeddings": EMBEDDING,
    "/tokenize": TOKENIZE,
}


class Server:
    """A server over a scripted engine, to which bodies are sent."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url = url
        self._http = http

    async def post(self, path: str, text: str | bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return await self._http.post(self._url + path, content=text, headers=headers)

    async def takes(self, path: str, **more: Any) -> bool:
        """Whether the usual body with something more is fine."""
        return (await self.post(path, json.dumps({**BODIES[path], **more}))).status_code == 200

    async def refusal(self, path: str, **more: Any) -> dict[str, Any]:
        """What is said of the usual body with something more, which is refused."""
        text = json.dumps({**BODIES[path], **more}).replace("Infinity", "1e999")  # which is JSON
        response = await self.post(path, text)
        assert response.status_code == 400, (more, response.text)
        error: dict[str, Any] = response.json()["error"]
        assert error["type"] == "invalid_request_error"
        return error


@pytest.fixture
async def server(serve: Serve, http: httpx.AsyncClient) -> Server:
    return Server(await serve(FakeEngine(tasks=TASKS), CONFIG), http)


@pytest.mark.parametrize(("path", "table"), TABLES.items())
async def test_what_is_not_supported_is_refused_by_its_name(server: Server, path: str, table: Values) -> None:
    for name, neutral in table.items():
        for value in ("something", [{"type": "function"}], {"7": 50}, 3, True):
            if value not in neutral:
                error = await server.refusal(path, **{name: value})
                assert (error["param"], error["code"]) == (name, "unsupported_parameter")
                assert name in error["message"]


@pytest.mark.parametrize(("path", "table"), TABLES.items())
async def test_what_asks_for_nothing_is_fine(server: Server, path: str, table: Values) -> None:
    for name, neutral in table.items():
        for value in (*neutral, None):
            assert await server.takes(path, **{name: value}), (name, value)


ASKS_FOR_NOTHING: list[dict[str, Any]] = [
    {"logit_bias": {}},
    {"logit_bias": []},
    {"n_predict": -1, "max_tokens": 3},
    {"n_predict": 3, "max_tokens": 3},
    {"n_probs": 0},
    {"top_logprobs": 0},
    {"logprobs": False, "top_logprobs": 0, "n_probs": 0},
    {"ignore_eos": False, "frequency_penalty": 0, "presence_penalty": 0, "repetition_penalty": 1},
    {"logprobs": True, "top_logprobs": 2, "n_probs": 0},
]


@pytest.mark.parametrize("more", ASKS_FOR_NOTHING)
async def test_what_asks_for_nothing_contradicts_nothing(server: Server, more: dict[str, Any]) -> None:
    assert await server.takes("/v1/chat/completions", **more)


@pytest.mark.parametrize("path", BODIES)
async def test_what_is_unknown_is_ignored(server: Server, path: str) -> None:
    assert await server.takes(path, user="ada", no_such_key={"a": 1})


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/chat/completions", {"temperature": -0.1}, "temperature"),
    ("/v1/chat/completions", {"temperature": 1e308}, "temperature"),
    ("/v1/chat/completions", {"temperature": 1e999}, "temperature"),
    ("/v1/chat/completions", {"temperature": "hot"}, "temperature"),
    ("/v1/chat/completions", {"temperature": True}, "temperature"),
    ("/v1/chat/completions", {"top_p": 0}, "top_p"),
    ("/v1/chat/completions", {"top_p": 1.1}, "top_p"),
    ("/v1/chat/completions", {"min_p": -1}, "min_p"),
    ("/v1/chat/completions", {"top_k": 2**31}, "top_k"),
    ("/v1/chat/completions", {"repeat_penalty": 0}, "repeat_penalty"),
    ("/v1/chat/completions", {"repeat_last_n": -1}, "repeat_last_n"),
    ("/v1/chat/completions", {"max_tokens": 0}, "max_tokens"),
    ("/v1/chat/completions", {"max_tokens": 2.5}, "max_tokens"),
    ("/v1/chat/completions", {"max_completion_tokens": 2**63}, "max_completion_tokens"),
    ("/v1/chat/completions", {"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens"),
    ("/v1/chat/completions", {"n_predict": 0}, "n_predict"),
    ("/v1/chat/completions", {"n_predict": -2}, "n_predict"),
    ("/v1/chat/completions", {"max_completion_tokens": 1, "n_predict": 2}, "max_completion_tokens"),
    ("/v1/chat/completions", {"ignore_eos": 1}, "ignore_eos"),
    ("/v1/chat/completions", {"frequency_penalty": 2.1}, "frequency_penalty"),
    ("/v1/chat/completions", {"presence_penalty": -2.1}, "presence_penalty"),
    ("/v1/chat/completions", {"repeat_penalty": 1.1, "repetition_penalty": 1.2}, "repeat_penalty"),
    ("/v1/chat/completions", {"repetition_penalty": 0}, "repetition_penalty"),
    ("/v1/chat/completions", {"logit_bias": 5}, "logit_bias"),
    ("/v1/chat/completions", {"logit_bias": {"hello": 5}}, "logit_bias"),
    ("/v1/chat/completions", {"logit_bias": {"-1": 5}}, "logit_bias"),
    ("/v1/chat/completions", {"logit_bias": {"9" * 5000: 5}}, "logit_bias"),
    ("/v1/chat/completions", {"logit_bias": {"5": 101}}, "logit_bias[0][1]"),
    ("/v1/chat/completions", {"logit_bias": {"5": True}}, "logit_bias[0][1]"),
    ("/v1/chat/completions", {"logit_bias": {"5": 1e999}}, "logit_bias[0][1]"),
    ("/v1/chat/completions", {"logit_bias": [5]}, "logit_bias"),
    ("/v1/chat/completions", {"logit_bias": [["hello", 5]]}, "logit_bias"),
    ("/v1/chat/completions", {"logit_bias": [[True, 5]]}, "logit_bias"),
    ("/v1/chat/completions", {"logit_bias": {str(token): 1 for token in range(5000)}}, "logit_bias"),
    ("/v1/chat/completions", {"logprobs": 1}, "logprobs"),
    ("/v1/chat/completions", {"top_logprobs": 2}, "top_logprobs"),
    ("/v1/chat/completions", {"top_logprobs": 2, "logprobs": False}, "top_logprobs"),
    ("/v1/chat/completions", {"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
    ("/v1/chat/completions", {"top_logprobs": 2, "logprobs": True, "n_probs": 3}, "top_logprobs"),
    ("/v1/chat/completions", {"n_probs": 21}, "n_probs"),
    ("/v1/completions", {"logprobs": 21}, "logprobs"),
    ("/v1/completions", {"logprobs": True}, "logprobs"),
    ("/v1/completions", {"logprobs": 1, "n_probs": 2}, "logprobs"),
    ("/v1/completions", {"logprobs": 1, "echo": True}, "echo"),
    ("/v1/chat/completions", {"n": 0}, "n"),
    ("/v1/chat/completions", {"n": 65}, "n"),
    ("/v1/chat/completions", {"seed": 2**63}, "seed"),
    ("/v1/chat/completions", {"seed": "7"}, "seed"),
    ("/v1/chat/completions", {"stop": ""}, "stop[0]"),
    ("/v1/chat/completions", {"stop": ["a", 5]}, "stop[1]"),
    ("/v1/chat/completions", {"stop": ["a"] * 17}, "stop"),
    ("/v1/chat/completions", {"stream": "yes"}, "stream"),
    ("/v1/chat/completions", {"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ("/v1/chat/completions", {"messages": []}, "messages"),
    ("/v1/chat/completions", {"messages": "hello"}, "messages"),
    ("/v1/chat/completions", {"messages": [CHAT_BODY["messages"][0]] * 10_000}, "messages"),
    ("/v1/chat/completions", {"messages": [{"role": "user"}]}, "messages[0].content"),
    ("/v1/chat/completions", {"messages": [{"role": "tool", "content": "a"}]}, "messages[0].tool_call_id"),
    ("/v1/chat/completions", {"response_format": {"type": "xml"}}, "response_format.type"),
    ("/v1/chat/completions", {"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ("/v1/chat/completions", {"response_format": {"type": "json_schema", "schema": 5}}, "response_format.schema"),
    ("/v1/chat/completions", {"grammar": 5}, "grammar"),
    ("/v1/chat/completions", {"json_schema": [1]}, "json_schema"),
    ("/v1/chat/completions", {"response_format": {"type": "json_object"}, "grammar": 'root ::= "a"'}, "grammar"),
    ("/v1/chat/completions", {"json_schema": {}, "stop": "a"}, "stop"),
    ("/v1/chat/completions", {"model": None}, "model"),
    ("/v1/chat/completions", {"model": 5}, "model"),
    ("/v1/completions", {"prompt": [1, 2, 3]}, "prompt"),
    ("/v1/completions", {"prompt": [[1, 2], [3]]}, "prompt"),
    ("/v1/completions", {"prompt": []}, "prompt"),
    ("/v1/completions", {"prompt": ["a"] * 33, "n": 2}, "prompt"),
    ("/v1/completions", {"echo": 1}, "echo"),
    ("/v1/embeddings", {"input": [1, 2, 3]}, "input"),
    ("/v1/embeddings", {"input": [[1, 2], [3]]}, "input"),
    ("/v1/embeddings", {"input": None}, "input"),
    ("/v1/embeddings", {"input": ["a"] * 2049}, "input"),
    ("/v1/embeddings", {"encoding_format": "hex"}, "encoding_format"),
    ("/v1/embeddings", {"dimensions": 3}, "dimensions"),
    ("/tokenize", {"content": ["a"]}, "content"),
    ("/detokenize", {"tokens": "a"}, "tokens"),
    ("/detokenize", {"tokens": [1, 2.5]}, "tokens[1]"),
    ("/detokenize", {"tokens": [True]}, "tokens[0]"),
]


@pytest.mark.parametrize(("path", "more", "param"), WRONG)
async def test_what_is_wrong_is_refused_by_its_name(
    server: Server, path: str, more: dict[str, Any], param: str
) -> None:
    error = await server.refusal(path, **more)
    assert error["param"] == param
    assert error["message"].startswith(f"{param}: ")


@pytest.mark.parametrize("more", [{"logit_bias": {"99999": 1}}, {"logit_bias": [[-1, 1]]}])
async def test_a_bias_of_no_token_is_refused(server: Server, more: dict[str, Any]) -> None:
    assert (await server.refusal("/v1/completions", **more))["message"].startswith("logit_bias: there is no token")


@pytest.mark.parametrize(
    "schema", [{"type": "nothing"}, {"$ref": "#/nowhere"}, {"const": "\ud800"}, {"minimum": 1e400}]
)
async def test_a_schema_that_cannot_be_enforced_is_refused(server: Server, schema: dict[str, Any]) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    assert await server.refusal("/v1/chat/completions", response_format=form)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "null", '"model"', '{"model": NaN}', '{"model": "\\ud800"}', "[" * 100_000]
)
async def test_what_is_no_json_object_is_refused(server: Server, text: str) -> None:
    response = await server.post("/v1/chat/completions", text)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("half", [b"\\ud800", b"\\uDFFF \\uD800", b"\xed\xa0\x80"])
async def test_half_a_character_is_refused_wherever_it_is(server: Server, half: bytes) -> None:
    for body in ({**CHAT_BODY, "user": "HALF"}, {**CHAT_BODY, "messages": [{"role": "user", "content": "HALF"}]}):
        response = await server.post("/v1/chat/completions", json.dumps(body).encode().replace(b"HALF", half))
        assert response.status_code == 400
        assert "the body is no JSON: " in response.json()["error"]["message"]


async def test_a_character_in_two_halves_is_one(server: Server) -> None:
    assert await server.takes("/v1/chat/completions", user="\U0001f600")


@pytest.mark.parametrize("n_bytes", [9 << 20, 17 << 20])
async def test_a_body_that_is_too_large_is_refused(server: Server, n_bytes: int) -> None:
    path = "/v1/chat/completions"
    response = await server.post(path, json.dumps({**BODIES[path], "user": "a" * n_bytes}))
    assert response.status_code == 413
    assert "larger than 8 MiB" in response.json()["error"]["message"]


def test_no_stop_sequences_are_those_of_the_task() -> None:
    assert Settings.model_validate({"model": "talk", "stop": []}).overrides.stop_sequences is None
