"""Log-probabilities in chats and completions, whole and in streams; and what else decides which tokens come."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionTokenLogprob

from poly_engine.logprobs import Alternative, Logprobs
from poly_engine.types import Token
from tests.contract.script import ANSWER, ANSWER_TEXT
from tests.fake_engine import FakeEngine, Reply
from tests.serve.conftest import Serve
from tests.serve.openai.conftest import CONFIG, TASKS
from tests.serve.openai.test_wire import CHAT, PROMPT, lines

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


async def test_a_chat_tells_how_likely_each_token_was(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="talk", messages=HELLO, logprobs=True, top_logprobs=3)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    check(logprobs.content, n_likeliest=3)


def check(content: list[ChatCompletionTokenLogprob] | None, n_likeliest: int) -> None:
    assert content is not None
    assert [one.token for one in content] == list(ANSWER)
    for one in content:
        assert bytes(one.bytes or ()).decode() == one.token
        assert -1 < one.logprob <= 0
        assert len(one.top_logprobs) == n_likeliest
        if n_likeliest:
            best = one.top_logprobs[0]
            assert (best.token, best.bytes, best.logprob) == (one.token, one.bytes, one.logprob)


async def test_a_chat_tells_of_the_tokens_alone_unless_others_are_wanted(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="talk", messages=HELLO, logprobs=True)
    assert answer.choices[0].logprobs is not None
    check(answer.choices[0].logprobs.content, n_likeliest=0)


async def test_a_stream_of_a_chat_tells_the_same_token_by_token(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="talk", messages=HELLO, logprobs=True, top_logprobs=2, stream=True
    )
    told: list[ChatCompletionTokenLogprob] = []
    async for chunk in stream:
        logprobs = chunk.choices[0].logprobs
        assert (logprobs is not None) is bool(chunk.choices[0].delta.content)
        told += (logprobs and logprobs.content) or []
    check(told, n_likeliest=2)


async def test_a_completion_tells_it_in_lists(client: openai.AsyncOpenAI) -> None:
    answer = await client.completions.create(model="talk", prompt="hello", logprobs=2)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.tokens == list(ANSWER)
    assert logprobs.text_offset == [len("".join(ANSWER[:n])) for n in range(len(ANSWER))]
    assert logprobs.token_logprobs is not None
    assert logprobs.top_logprobs is not None
    for text, logprob, likeliest in zip(ANSWER, logprobs.token_logprobs, logprobs.top_logprobs, strict=True):
        assert next(iter(likeliest.items())) == (text, logprob)
        assert list(likeliest.values()) == sorted(likeliest.values(), reverse=True)
        assert len(likeliest) == 2


async def test_a_stream_of_a_completion_tells_the_same(client: openai.AsyncOpenAI) -> None:
    whole = (await client.completions.create(model="talk", prompt="hello", logprobs=0)).choices[0].logprobs
    stream = await client.completions.create(model="talk", prompt="hello", logprobs=0, stream=True)
    parts = [chunk.choices[0].logprobs async for chunk in stream]
    assert whole is not None
    assert [offset for part in parts if part for offset in part.text_offset or ()] == whole.text_offset
    assert [likeliest for part in parts if part for likeliest in part.top_logprobs or ()] == whole.top_logprobs
    assert [len(likeliest) for likeliest in whole.top_logprobs or ()] == [1] * len(ANSWER)  # the token itself


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        ("/v1/chat/completions", CHAT, {"logprobs": True, "top_logprobs": 4}),
        ("/v1/completions", PROMPT, {"logprobs": 4}),
    ],
)
async def test_the_name_of_llama_cpp_is_understood(
    url: str, http: httpx.AsyncClient, path: str, body: dict[str, Any], asked: dict[str, Any]
) -> None:
    usual = (await http.post(url + path, json={**body, **asked})).json()
    other = (await http.post(url + path, json={**body, "n_probs": 4})).json()
    both = (await http.post(url + path, json={**body, **asked, "n_probs": 4})).json()
    assert usual["choices"] == other["choices"] == both["choices"]


@pytest.mark.parametrize("more", [{}, {"logprobs": None}, {"n_probs": 0}])
async def test_nothing_is_told_unless_it_is_asked_for(url: str, http: httpx.AsyncClient, more: dict[str, Any]) -> None:
    for path, body in (("/v1/chat/completions", CHAT), ("/v1/completions", PROMPT)):
        assert (await http.post(url + path, json={**body, **more})).json()["choices"][0]["logprobs"] is None


def token(text: str, piece: bytes, logprob: float | None = -0.5) -> Token:
    one = Alternative(7, piece.decode("utf-8", "replace"), tuple(piece), -0.5)
    likeliest = () if logprob is None else (one, Alternative(8, "x", (120,), -2.0))
    return Token(text, 7, logprobs=Logprobs(tuple(piece), logprob, likeliest))


async def asked(serve: Serve, http: httpx.AsyncClient, *tokens: Token, stream: bool = False, **more: Any) -> Any:
    """What a chat and a completion tell of an answer in tokens."""
    url = await serve(FakeEngine(lambda _: Reply(tokens), tasks=TASKS), CONFIG)
    chat = await http.post(f"{url}/v1/chat/completions", json={**CHAT, "n_probs": 2, "stream": stream, **more})
    completion = await http.post(f"{url}/v1/completions", json={**PROMPT, "n_probs": 2, "stream": stream, **more})
    return (lines(chat), lines(completion)) if stream else (chat.json()["choices"][0], completion.json()["choices"][0])


HELD = (token("", b"a\xe2\x82"), token("", b"\xac"), token("a€b<", b"b<"), token("/", b"/"))


async def test_what_was_held_back_is_told_with_its_bytes(serve: Serve, http: httpx.AsyncClient) -> None:
    chat, completion = await asked(serve, http, *HELD)
    assert [one["bytes"] for one in chat["logprobs"]["content"]] == [[97, 226, 130], [172], [98, 60], [47]]
    assert [one["token"] for one in chat["logprobs"]["content"]] == ["a\ufffd", "\ufffd", "b<", "/"]
    assert completion["logprobs"]["tokens"] == [r"bytes:\x61\xe2\x82", r"bytes:\xac", "b<", "/"]
    assert completion["logprobs"]["text_offset"] == [0, 1, 2, 4]
    assert completion["logprobs"]["top_logprobs"][1] == {r"bytes:\xac": -0.5, "x": -2.0}


async def test_in_a_stream_it_goes_with_the_text_that_it_is_a_part_of(serve: Serve, http: httpx.AsyncClient) -> None:
    chat, completion = await asked(serve, http, *HELD, stream=True)
    parts = [chunk["choices"][0] for chunk in chat]
    assert [(one["delta"].get("content"), len((one["logprobs"] or {"content": ()})["content"])) for one in parts] == [
        ("", 0),
        ("a€b<", 3),
        ("/", 1),
        (None, 0),
    ]
    assert [chunk["choices"][0]["text"] for chunk in completion] == ["a€b<", "/", ""]
    assert completion[1]["choices"][0]["logprobs"]["text_offset"] == [4]


async def test_nothing_is_told_of_what_is_not_shown(serve: Serve, http: httpx.AsyncClient) -> None:
    stopped = (token("a", b"a"), token("", b"</"), token("", b"end>"))
    for stream in (False, True):
        chat, _ = await asked(serve, http, *stopped, stream=stream)
        parts = [chunk["choices"][0] for chunk in chat] if stream else [chat]
        told = [one["token"] for part in parts if part["logprobs"] for one in part["logprobs"]["content"]]
        assert told == ["a"]


async def test_what_is_forced_is_certain(serve: Serve, http: httpx.AsyncClient) -> None:
    chat, completion = await asked(serve, http, token('{"a":', b'{"a":', None), token("1", b"1"))
    assert [(one["logprob"], len(one["top_logprobs"])) for one in chat["logprobs"]["content"]] == [(0, 0), (-0.5, 2)]
    assert completion["logprobs"]["token_logprobs"] == [0, -0.5]
    assert completion["logprobs"]["top_logprobs"] == [{'{"a":': 0}, {"1": -0.5, "x": -2}]


@pytest.mark.parametrize("form", [dict, list])
async def test_a_biased_token_never_comes(serve: Serve, http: httpx.AsyncClient, form: type[Any]) -> None:
    url = await serve(FakeEngine(lambda _: Reply(ANSWER), tasks=TASKS), CONFIG)
    tokens = (await http.post(f"{url}/tokenize", json={"model": "m", "content": "Once a time"})).json()["tokens"]
    pairs = [(str(tokens[0]), False), (tokens[1], -100), (str(tokens[2]), 5)]
    answer = await http.post(f"{url}/v1/chat/completions", json={**CHAT, "logit_bias": form(pairs)})
    assert answer.json()["choices"][0]["message"]["content"] == " upon time, it ended."


async def test_an_answer_may_ignore_its_end(client: openai.AsyncOpenAI) -> None:
    more = {"ignore_eos": True, "n_predict": 20}
    answer = await client.chat.completions.create(model="talk", messages=HELLO, extra_body=more)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage
    assert answer.usage.completion_tokens == 20


async def test_penalties_are_taken(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="talk",
        messages=HELLO,
        frequency_penalty=0.5,
        presence_penalty=-0.5,
        extra_body={"repetition_penalty": 1, "repeat_penalty": 1.0, "n_predict": -1},
    )
    assert answer.choices[0].message.content == ANSWER_TEXT


async def test_tokens_become_text_again(url: str, http: httpx.AsyncClient) -> None:
    tokens = (await http.post(f"{url}/tokenize", json={"model": "m", "content": "a wörld"})).json()["tokens"]
    answer = await http.post(f"{url}/detokenize", json={"model": "m", "tokens": tokens})
    assert answer.json() == {"content": "a wörld"}
