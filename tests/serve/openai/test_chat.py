"""Chats by the client of OpenAI, with either engine."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from tests.contract.script import ANSWER, ANSWER_TEXT

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
NAMES = {
    "type": "object",
    "properties": {"name": {"enum": ["Ann"]}},
    "required": ["name"],
    "additionalProperties": False,
}


async def streamed(client: openai.AsyncOpenAI, **settings: Any) -> list[ChatCompletionChunk]:
    stream = await client.chat.completions.create(model="talk", messages=HELLO, stream=True, **settings)
    return [chunk async for chunk in stream]


async def test_a_chat_is_answered(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="talk", messages=HELLO)
    choice, usage = answer.choices[0], answer.usage
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", ANSWER_TEXT, "stop")
    assert answer.id.startswith("chatcmpl-")
    assert (answer.object, answer.model) == ("chat.completion", "talk")
    assert usage is not None
    assert (usage.completion_tokens, usage.total_tokens) == (len(ANSWER), usage.prompt_tokens + len(ANSWER))


async def test_what_was_said_before_is_part_of_the_prompt(client: openai.AsyncOpenAI) -> None:
    before: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "What is it?"},
        {"role": "assistant", "content": "It is what it is."},
    ]
    alone = await client.chat.completions.create(model="talk", messages=HELLO)
    behind = await client.chat.completions.create(model="talk", messages=before[1:] + HELLO)
    behind_all = await client.chat.completions.create(model="talk", messages=before + HELLO)
    assert alone.usage
    assert behind.usage
    assert behind_all.usage
    assert alone.usage.prompt_tokens < behind.usage.prompt_tokens <= behind_all.usage.prompt_tokens


async def test_a_message_may_be_in_parts(client: openai.AsyncOpenAI) -> None:
    parts: Any = [{"type": "text", "text": "hello"}, {"type": "text", "text": "there"}]
    answer = await client.chat.completions.create(model="talk", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == ANSWER_TEXT


async def test_a_stream_says_the_same_token_by_token(client: openai.AsyncOpenAI) -> None:
    chunks = await streamed(client)
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert (deltas[0].role, deltas[0].content) == ("assistant", "")
    assert tuple(delta.content for delta in deltas[1:-1]) == ANSWER
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [*[None] * (len(ANSWER) + 1), "stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


async def test_a_stream_ends_with_the_usage_if_that_is_wanted(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="talk", messages=HELLO)
    *chunks, last = await streamed(client, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage
    assert whole.usage
    assert last.usage.completion_tokens == len(ANSWER)
    assert last.usage.prompt_tokens == whole.usage.prompt_tokens
    assert all(chunk.usage is None for chunk in chunks)


async def test_several_answers_are_numbered_and_the_prompt_counts_once(client: openai.AsyncOpenAI) -> None:
    one = await client.chat.completions.create(model="talk", messages=HELLO)
    two = await client.chat.completions.create(model="talk", messages=HELLO, n=2)
    assert [(choice.index, choice.message.content) for choice in two.choices] == [(0, ANSWER_TEXT), (1, ANSWER_TEXT)]
    assert one.usage
    assert two.usage
    assert (two.usage.prompt_tokens, two.usage.completion_tokens) == (one.usage.prompt_tokens, 2 * len(ANSWER))


async def test_several_answers_come_in_one_stream(client: openai.AsyncOpenAI) -> None:
    chunks = await streamed(client, n=3)
    for number in range(3):
        own = [chunk.choices[0] for chunk in chunks if chunk.choices[0].index == number]
        assert own[0].delta.role == "assistant"
        assert "".join(choice.delta.content or "" for choice in own) == ANSWER_TEXT
        assert own[-1].finish_reason == "stop"


@pytest.mark.parametrize("stop", ["me, i", ["nothing like it", "me, i"]])
async def test_a_stop_sequence_ends_an_answer(client: openai.AsyncOpenAI, stop: str | list[str]) -> None:
    answer = await client.chat.completions.create(model="talk", messages=HELLO, stop=stop)
    assert answer.choices[0].message.content == "Once upon a ti"
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_limit_of_tokens_ends_an_answer(client: openai.AsyncOpenAI, name: str) -> None:
    limit: Any = {name: 3}
    answer = await client.chat.completions.create(model="talk", messages=HELLO, **limit)
    assert answer.choices[0].message.content == "Once upon a"
    assert answer.choices[0].finish_reason == "length"


async def test_settings_of_a_sampler_are_taken(client: openai.AsyncOpenAI) -> None:
    extra = {"top_k": 5, "min_p": 0.1, "repeat_penalty": 1.0, "repeat_last_n": 32}
    answer = await client.chat.completions.create(
        model="talk", messages=HELLO, temperature=0.1, top_p=0.9, seed=7, extra_body=extra
    )
    assert answer.choices[0].message.content == ANSWER_TEXT


SCHEMA_FORMS: list[dict[str, Any]] = [
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": NAMES}}},
    {"response_format": {"type": "json_schema", "schema": NAMES}},
    {"response_format": {"type": "json_object", "schema": NAMES}},
    {"json_schema": NAMES},
    {"grammar": 'root ::= "{\\"name\\":\\"Ann\\"}"'},
]


@pytest.mark.parametrize("form", SCHEMA_FORMS)
async def test_an_answer_fits_a_schema_in_every_form(client: openai.AsyncOpenAI, form: dict[str, Any]) -> None:
    answer = await client.chat.completions.create(model="talk", messages=HELLO, extra_body=form)
    assert json.loads(answer.choices[0].message.content or "") == {"name": "Ann"}


async def test_a_json_object_may_be_any(client: openai.AsyncOpenAI) -> None:
    form: Any = {"type": "json_object"}
    answer = await client.chat.completions.create(model="talk", messages=HELLO, response_format=form, max_tokens=40)
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


async def test_plain_text_needs_no_schema(client: openai.AsyncOpenAI) -> None:
    form: Any = {"type": "text"}
    answer = await client.chat.completions.create(model="talk", messages=HELLO, response_format=form)
    assert answer.choices[0].message.content == ANSWER_TEXT


async def test_times_are_told_as_llama_server_tells_them(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="talk", messages=HELLO)
    timings = (answer.model_extra or {})["timings"]
    assert timings["predicted_n"] == len(ANSWER)
    assert answer.usage
    assert timings["cache_n"] + timings["prompt_n"] == answer.usage.prompt_tokens
    assert timings["predicted_per_second"] > 0


async def test_a_chat_longer_than_the_context_is_refused(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        await client.chat.completions.create(model="talk", messages=[{"role": "user", "content": "word " * 2000}])
    assert error.value.code == "context_length_exceeded"


async def test_turns_that_the_context_has_no_room_for_are_told(client: openai.AsyncOpenAI) -> None:
    turn: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "a word " * 20},
        {"role": "assistant", "content": "another word " * 20},
    ]
    answer = await client.chat.completions.create(model="talk", messages=turn * 20 + HELLO)
    truncated = (answer.model_extra or {})["truncated"]
    assert truncated["n_turns"] > 0
    assert truncated["n_tokens"] > 0
