"""What goes over the wire, byte by byte where clients look at bytes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from poly_engine.errors import EngineFailed, IllegalToken
from poly_engine.types import Truncated
from tests.contract.script import ANSWER, ANSWER_TEXT
from tests.fake_engine import FakeEngine, Reply
from tests.serve.conftest import Serve
from tests.serve.openai.conftest import CONFIG, TASKS

CHAT = {"model": "talk", "messages": [{"role": "user", "content": "hello"}]}
PROMPT = {"model": "talk", "prompt": "hello"}


def lines(response: httpx.Response) -> list[Any]:
    """The events of a stream, each as its JSON."""
    assert response.headers["Content-Type"].startswith("text/event-stream")
    events = response.text.removesuffix("\n\n").split("\n\n")
    assert all(event.startswith("data: {") for event in events[:-1])
    return [json.loads(event.removeprefix("data: ")) for event in events if event != "data: [DONE]"]


async def scripted(serve: Serve, reply: Reply) -> str:
    return await serve(FakeEngine(lambda _: reply, tasks=TASKS), CONFIG)


async def test_a_stream_is_role_then_texts_then_end_then_usage_then_done(url: str, http: httpx.AsyncClient) -> None:
    options = {"include_usage": True}
    response = await http.post(f"{url}/v1/chat/completions", json={**CHAT, "stream": True, "stream_options": options})
    chunks = lines(response)
    assert response.text.endswith("data: [DONE]\n\n")
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert [choice for chunk in chunks for choice in chunk["choices"]] == [
        delta({"role": "assistant", "content": ""}),
        *(delta({"content": text}) for text in ANSWER),
        delta({}, "stop"),
    ]
    assert [chunk["usage"] is None for chunk in chunks] == [*[True] * (len(ANSWER) + 2), False]
    assert chunks[-1]["choices"] == []


def delta(what: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": what, "logprobs": None, "finish_reason": finish_reason}


async def test_without_include_usage_no_chunk_tells_it(url: str, http: httpx.AsyncClient) -> None:
    response = await http.post(f"{url}/v1/chat/completions", json={**CHAT, "stream": True})
    assert all("usage" not in chunk and chunk["choices"] for chunk in lines(response))


async def test_a_completion_streams_texts_alone(url: str, http: httpx.AsyncClient) -> None:
    chunks = lines(await http.post(f"{url}/v1/completions", json={**PROMPT, "stream": True}))
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    told = [(choice["text"], choice["finish_reason"]) for chunk in chunks for choice in chunk["choices"]]
    assert told == [*((text, None) for text in ANSWER), ("", "stop")]


async def test_a_failure_in_the_middle_is_the_last_event(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await scripted(serve, Reply(ANSWER, failure=EngineFailed("the engine failed")))
    response = await http.post(f"{url}/v1/chat/completions", json={**CHAT, "stream": True})
    *chunks, last = lines(response)
    assert response.status_code == 200
    assert len(chunks) == 1 + len(ANSWER)
    assert last == {
        "error": {"message": "the engine failed", "type": "server_error", "param": None, "code": "engine_failed"}
    }
    assert "[DONE]" not in response.text


async def test_a_failure_is_a_status_where_nothing_is_streamed(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await scripted(serve, Reply(failure=EngineFailed("the engine failed")))
    assert (await http.post(f"{url}/v1/chat/completions", json=CHAT)).status_code == 500


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_refused_is_refused_with_a_status(serve: Serve, http: httpx.AsyncClient, stream: bool) -> None:  # noqa: FBT001 - a parameter
    url = await scripted(serve, Reply(refusal=IllegalToken("no such token")))
    response = await http.post(f"{url}/v1/chat/completions", json={**CHAT, "stream": stream})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "illegal_token"


async def test_thoughts_are_told_apart_from_the_answer(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await scripted(serve, Reply(ANSWER, thoughts=("Let me", " see.")))
    whole = (await http.post(f"{url}/v1/chat/completions", json=CHAT)).json()
    chunks = lines(await http.post(f"{url}/v1/chat/completions", json={**CHAT, "stream": True}))
    message = whole["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Let me see.", ANSWER_TEXT)
    assert whole["usage"]["completion_tokens_details"] == {"reasoning_tokens": 2}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[1:3] == [{"reasoning_content": "Let me"}, {"reasoning_content": " see."}]
    assert deltas[3] == {"content": ANSWER[0]}


async def test_a_completion_leaves_thoughts_out(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await scripted(serve, Reply(ANSWER, thoughts=("Let me", " see.")))
    whole = (await http.post(f"{url}/v1/completions", json=PROMPT)).json()
    chunks = lines(await http.post(f"{url}/v1/completions", json={**PROMPT, "stream": True}))
    assert whole["choices"][0]["text"] == "".join(chunk["choices"][0]["text"] for chunk in chunks) == ANSWER_TEXT


async def test_the_end_of_a_stream_tells_what_was_left_out(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await scripted(serve, Reply(ANSWER, truncated=Truncated(30, 2)))
    *chunks, last = lines(await http.post(f"{url}/v1/chat/completions", json={**CHAT, "stream": True}))
    assert last["truncated"] == {"n_tokens": 30, "n_turns": 2}
    assert last["timings"]["predicted_n"] == len(ANSWER)
    assert not any("truncated" in chunk for chunk in chunks)
