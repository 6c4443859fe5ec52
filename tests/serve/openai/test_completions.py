"""Completions by the client of OpenAI, with either engine."""

from __future__ import annotations

import openai
import pytest

from tests.contract.script import ANSWER, ANSWER_TEXT


async def test_a_prompt_is_answered(client: openai.AsyncOpenAI) -> None:
    answer = await client.completions.create(model="talk", prompt="hello")
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (ANSWER_TEXT, "stop")
    assert answer.id.startswith("cmpl-")
    assert answer.object == "text_completion"
    assert answer.usage
    assert answer.usage.completion_tokens == len(ANSWER)


async def test_each_of_several_prompts_has_several_answers(client: openai.AsyncOpenAI) -> None:
    one = await client.completions.create(model="talk", prompt="hello")
    several = await client.completions.create(model="talk", prompt=["hello", "hello"], n=2)
    assert [(choice.index, choice.text) for choice in several.choices] == [(i, ANSWER_TEXT) for i in range(4)]
    assert one.usage
    assert several.usage
    assert several.usage.prompt_tokens == 2 * one.usage.prompt_tokens
    assert several.usage.completion_tokens == 4 * len(ANSWER)


@pytest.mark.parametrize("n", [1, 2])
async def test_a_prompt_is_echoed_before_its_answer(client: openai.AsyncOpenAI, n: int) -> None:
    whole = await client.completions.create(model="talk", prompt=["one", "two"], n=n, echo=True, max_tokens=1)
    stream = await client.completions.create(
        model="talk", prompt=["one", "two"], n=n, echo=True, max_tokens=1, stream=True
    )
    heard = [""] * (2 * n)
    async for chunk in stream:
        heard[chunk.choices[0].index] += chunk.choices[0].text
    assert [choice.text for choice in whole.choices] == heard == ["oneOnce"] * n + ["twoOnce"] * n


async def test_a_stream_ends_with_the_usage_if_that_is_wanted(client: openai.AsyncOpenAI) -> None:
    stream = await client.completions.create(
        model="talk", prompt="hello", stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks) == ANSWER_TEXT
    assert last.choices == []
    assert last.usage
    assert last.usage.completion_tokens == len(ANSWER)
