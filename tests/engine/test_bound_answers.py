"""Answers that are bound to a schema, from the engine: events, limits, thinking first, and many at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from poly_engine.bias.verify import fault
from poly_engine.config import Config, TaskConfig
from poly_engine.errors import EngineClosed, InvalidSchema, LimitTooLow
from poly_engine.llama.model import LlamaModel
from poly_engine.local import LocalEngine
from poly_engine.models.gguf import read_header
from poly_engine.sampling import Penalties
from poly_engine.task import Task
from poly_engine.types import Bias, Done, Overrides, Progress, Thinking, Token, Turn
from tests.conftest import FamilyFile
from tests.engine.conversation import Heard, engine, hear, opened
from tests.gguf_models import make_chain, make_scripted
from tests.random_schemas import random_schema

PERSON: Mapping[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
FREE: Mapping[str, Any] = {"template": "none", "temperature": 1.0, "top_k": 0, "top_p": 1.0}
"""Sampling at random, as far as a model with random weights does."""


THINKER: Mapping[str, Any] = {
    "template": "none",
    "biaser": {"json_schema": {"type": "array", "items": {"type": "string"}, "minItems": 3}},
    "bias_prompt": "\nSo?",
}


def states(heard: Heard) -> list[str | None]:
    return [event.bias_state for event in heard.events if isinstance(event, Token)]


@pytest.fixture
def model(family_file: FamilyFile) -> Path:
    return family_file("qwen2")


async def test_an_answer_of_a_task_with_a_schema_fits_it(model: Path) -> None:
    async with opened(model, **FREE, biaser={"json_schema": PERSON}) as session:
        for seed in range(5):
            heard = await hear(session, "Who?", Overrides(seed=seed, max_tokens=80))
            assert fault(Bias.of_schema(PERSON), heard.text) == ""
            assert states(heard)[-1] == "complete"
            assert session.turns[-1].answer == heard.text


async def test_forced_tokens_are_marked_and_counted(model: Path) -> None:
    async with opened(model, **FREE, biaser={"json_schema": PERSON}) as session:
        heard = await hear(session, "Who?", Overrides(seed=1))
    tokens = [event for event in heard.events if isinstance(event, Token)]
    forced = "".join(token.text for token in tokens if token.is_forced)
    assert tokens[0].is_forced
    assert '","age":' in forced or '"age":' in forced
    assert heard.done.usage.forced_tokens == sum(token.is_forced for token in tokens)
    assert heard.done.usage.completion_tokens == len(tokens)


async def test_at_the_limit_an_answer_still_fits_and_says_that_it_was_cut(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "and so on " * 40)
    async with opened(path, template="none", biaser={"json_schema": {"type": "string"}}) as session:
        heard = await hear(session, ">", Overrides(max_tokens=12))
        assert json.loads(heard.text) in "and so on " * 40
        assert (heard.done.finish_reason, heard.done.usage.completion_tokens) == ("length", 12)
        assert states(heard)[-1] == "complete"


async def test_the_end_of_the_context_is_a_limit_too(model: Path) -> None:
    biaser = {"json_schema": {"type": "array", "items": {"type": "string", "minLength": 5}}}
    async with opened(model, {"context_size": 128}, **FREE, biaser=biaser) as session:
        for seed in range(4):
            heard = await hear(session, "a word " * 10, Overrides(seed=seed))
            assert heard.done.usage.context_tokens <= 128
            assert isinstance(json.loads(heard.text), list)


async def test_a_limit_below_the_shortest_answer_is_refused_with_what_it_takes(model: Path) -> None:
    async with opened(model, **FREE, biaser={"json_schema": PERSON}) as session:
        with pytest.raises(LimitTooLow) as refusal:
            await hear(session, "Who?", Overrides(max_tokens=3))
        assert session.turns == ()
        heard = await hear(session, "Who?", Overrides(max_tokens=refusal.value.n_least))
    assert fault(Bias.of_schema(PERSON), heard.text) == ""
    assert heard.done.usage.completion_tokens <= refusal.value.n_least


async def test_a_turn_may_bring_a_schema_of_its_own(model: Path) -> None:
    async with opened(model, **FREE, biaser={"json_schema": PERSON}) as session:
        async with session.send("Is it?", schema={"type": "boolean"}) as events:
            text = "".join([event.text async for event in events if isinstance(event, Token)])
        assert text in ("true", "false")
        async with session.send("Which?", schema=Bias("choice", '["red", "blue"]')) as events:
            text = "".join([event.text async for event in events if isinstance(event, Token)])
        assert text in ("red", "blue")
        assert json.loads((await hear(session, "Who?")).text).keys() == {"name", "age"}


async def test_a_schema_that_cannot_be_enforced_is_refused_and_the_session_goes_on(model: Path) -> None:
    async with opened(model, **FREE) as session:
        with pytest.raises(InvalidSchema, match=r"\$.properties.a: not: not supported"):
            async with session.send("Who?", schema={"properties": {"a": {"not": {}}}}):
                pass
        assert session.turns == ()
        assert (await hear(session, "Who?", Overrides(max_tokens=3))).done.finish_reason in ("length", "stop")


async def test_stop_sequences_do_not_cut_a_bound_answer(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ['"one', ", two", '"'])
    async with opened(
        path, template="none", stop_sequences=[","], biaser={"json_schema": {"type": "string"}}
    ) as session:
        assert (await hear(session, ">")).text == '"one, two"'


async def test_an_answer_with_one_form_needs_no_step(model: Path) -> None:
    async with opened(model, **FREE, biaser={"choice": ["only this"]}) as session:
        heard = await hear(session, "What?")
        assert (heard.text, heard.done.finish_reason) == ("only this", "stop")
        assert all(token.is_forced for token in heard.events if isinstance(token, Token))
        assert isinstance(heard.events[0], Progress)
        assert (await hear(session, "Again?")).text == "only this"


def test_a_bound_answer_may_repeat_its_quotes_unless_the_task_says_otherwise(model: Path) -> None:
    loaded = LlamaModel(read_header(model))
    for config, is_penalised in ((TaskConfig(model="m"), False), (TaskConfig(model="m", repeat_penalty=1.2), True)):
        task = Task("t", config)
        made = [
            task.request(1, [1], Overrides(), loaded.vocabulary, max_tokens=9, bias=bias)
            for bias in (Bias("regex", "a"), None)
        ]
        bound, free = (any(isinstance(step, Penalties) for step in request.sampler) for request in made)
        assert (bound, free) == (is_penalised, True)
    loaded.close()


# With a bias prompt


async def test_with_a_bias_prompt_the_model_thinks_first_and_only_the_answer_is_shown(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "let me think")
    task: dict[str, Any] = {"template": "none", "biaser": {"json_schema": {"type": "boolean"}}, "bias_prompt": "\nSo?"}
    async with opened(path, **task) as session:
        heard = await hear(session, ">")
        assert session.turns == (Turn(">", heard.text),)
    thoughts = "".join(event.text for event in heard.events if isinstance(event, Thinking))
    kinds = [type(event) for event in heard.events if not isinstance(event, Progress)]
    assert thoughts == "let me think"
    assert heard.text in ("true", "false")
    assert kinds == sorted(kinds, key=[Thinking, Token, Done].index)
    usage = heard.done.usage
    assert usage.thinking_tokens == len("let me think")
    assert usage.prompt_tokens == len(">") + len("\nSo?")
    assert usage.context_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_thinking_is_limited_by_max_tokens_and_the_answer_is_not(model: Path) -> None:
    async with opened(model, **FREE, biaser={"json_schema": PERSON}, bias_prompt=" So: ", max_tokens=5) as session:
        heard = await hear(session, "Who?", Overrides(seed=3))
    assert sum(isinstance(event, Thinking) for event in heard.events) <= 5
    assert fault(Bias.of_schema(PERSON), heard.text) == ""
    assert heard.done.usage.completion_tokens - heard.done.usage.thinking_tokens > 5


async def test_thinking_leaves_room_for_the_answer(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "on and " * 100)
    task: dict[str, Any] = {"template": "none", "biaser": {"json_schema": PERSON}, "bias_prompt": "\nSo?"}
    async with opened(path, {"context_size": 128}, **task) as session:
        heard = await hear(session, ">")
    assert heard.done.usage.thinking_tokens > 30
    assert heard.done.usage.context_tokens <= 128
    assert fault(Bias.of_schema(PERSON), heard.text) == ""


async def test_a_bias_prompt_that_does_not_fit_is_refused_with_the_room_that_there_is(model: Path) -> None:
    async with opened(
        model, {"context_size": 128}, **FREE, biaser={"choice": ["a"]}, bias_prompt="so " * 200
    ) as session:
        with pytest.raises(LimitTooLow) as refusal:
            await hear(session, "12345678")
    assert refusal.value.n_least > 128
    assert refusal.value.n_room == 128 - len("12345678")


async def test_what_was_thought_is_in_the_cache_when_the_answer_begins(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "let me think")
    task: dict[str, Any] = {"template": "none", "biaser": {"json_schema": {"type": "boolean"}}, "bias_prompt": "\nSo?"}
    async with opened(path, **task) as session:
        first = await hear(session, ">")
        second = await hear(session, "and now>")
    totals = [(event.done, event.total) for event in first.events if isinstance(event, Progress)]
    begin = next(done for done, total in totals if total > 1)
    assert begin >= len("> let me think") - 2
    assert second.done.usage.cached_tokens >= len(">let me think\nSo?")


async def test_who_leaves_while_the_model_thinks_keeps_an_empty_answer(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "on and " * 60)
    task: dict[str, Any] = {"template": "none", "biaser": {"json_schema": {"type": "boolean"}}, "bias_prompt": "\nSo?"}
    async with opened(path, **task) as session:
        async with session.send(">") as events:
            async for event in events:
                if isinstance(event, Thinking):
                    break
        assert session.turns == (Turn(">", ""),)
        assert (await hear(session, "so>")).text in ("true", "false")


async def test_who_leaves_in_the_middle_of_a_bound_answer_keeps_what_was_shown(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "one word after the other " * 10)
    async with opened(path, template="none", biaser={"json_schema": {"type": "string"}}) as session:
        shown = ""
        async with session.send(">") as events:
            async for event in events:
                shown += event.text if isinstance(event, Token) else ""
                if len(shown) > 10:
                    break
        assert session.turns[0].answer.startswith(shown)
        assert json.loads((await hear(session, "on>")).text)


async def test_who_leaves_an_answer_that_was_thought_about_keeps_it_in_the_conversation(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "let me think")
    async with opened(path, **THINKER) as session:
        shown = ""
        async with session.send(">") as events:
            async for event in events:
                shown += event.text if isinstance(event, Token) else ""
                if len(shown) > 20:
                    break
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert session.turns[0].answer.startswith(shown)
        assert (await hear(session, "on>")).done.usage.cached_tokens >= len(">let me think\nSo?" + shown) - 1


async def test_a_session_that_is_closed_when_the_thoughts_are_over_answers_no_more(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "let me think")
    async with engine(path, **THINKER) as home, home.session("t") as session, home.session("t") as other:
        heard = []
        async with session.send(">") as events:
            async for event in events:
                heard.append(event)
                if sum(isinstance(event, Thinking) for event in heard) == 1:
                    await hear(other, ">")  # whose thoughts are over after these
                    await session.close()
        assert Heard(tuple(heard)).done.finish_reason == "cancelled"
        assert not any(isinstance(event, Token) for event in heard)


async def test_a_turn_that_fails_after_the_thoughts_is_not_remembered(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "let me think")
    async with engine(path, **THINKER) as home, home.session("t") as session, home.session("t") as other:
        with pytest.raises(EngineClosed):
            async with session.send(">") as events:
                await anext(events)
                await hear(other, ">")
                await home.close()
                async for _ in events:
                    pass
        assert session.turns == ()


# Many at once


async def test_many_bound_and_free_answers_at_once_do_not_disturb_each_other(model: Path) -> None:
    schemas = [random_schema(Random(seed)) for seed in range(24)]
    async with engine(model, {"parallel": 8, "context_size": 512}, **FREE) as home:

        async def ask(number: int, schema: Mapping[str, Any] | None) -> str:
            async with home.session("t") as session:
                async with session.send(f"Number {number}", Overrides(seed=number), schema=schema) as events:
                    return "".join([event.text async for event in events if isinstance(event, Token)])

        asked: list[Mapping[str, Any] | None] = [*schemas, *[None] * 8]
        texts = await asyncio.gather(*(ask(number, schema) for number, schema in enumerate(asked)))
        alone = [await ask(number, schema) for number, schema in enumerate(asked[:4])]
    for schema, text in zip(schemas, texts, strict=False):
        assert fault(Bias.of_schema(schema), text) == ""
    assert len(alone) == 4


# The original's examples

ORIGINAL_CARS = {
    "type": "object",
    "required": ["car"],
    "properties": {
        "car": {
            "type": "object",
            "required": ["make", "fuel_type", "year", "colors"],
            "properties": {
                "make": {"type": "string"},
                "fuel_type": {"type": "string", "enum": ["benzine", "diesel", "electric", "lpg"]},
                "year": {"type": "number"},
                "colors": {"type": "array", "items": {"type": "string"}},
            },
        }
    },
}


async def test_the_examples_of_the_original_run_as_they_stand(model: Path, tmp_path: Path) -> None:
    (tmp_path / "cars.schema.json").write_text(json.dumps(ORIGINAL_CARS))
    prompts = {
        "prelude": "<|im_start|>system\nYou judge.<|im_end|>",
        "prefix": "<|im_start|>user\n",
        "postfix": "<|im_end|><|im_start|>assistant\n",
        "private_tokens": ["<|im_start|>", "<|im_end|>"],
    }
    tasks = {
        "true_or_false": {
            "model": "m",
            **prompts,
            "max_tokens": 20,
            "bias_prompt": "<|im_start|>system\nSay 'true' when it was true.<|im_start|>assistant\n",
            "biaser": {"json_schema": {"type": "boolean"}},
            "temperature": 1,
        },
        "cars": {"model": "m", "biaser": {"json_schema_file": "./cars.schema.json"}},
        "price": {"model": "m", "biaser": {"json_schema": {"type": "number", "min": 0, "max": 9, "max_decimals": 2}}},
    }
    models = {"m": {"model_path": str(model), "context_size": 512, "threads_per_session": 1}}
    config = Config.model_validate({"models": models, "tasks": tasks}, context=tmp_path)
    async with LocalEngine(config) as home:
        answers = {}
        for task in tasks:
            async with home.session(task) as session:
                answers[task] = json.loads((await hear(session, "The grass is green.")).text)
    assert answers["true_or_false"] in (True, False)
    assert answers["cars"]["car"].keys() >= {"make", "fuel_type", "year", "colors"}
    assert 0 <= answers["price"] <= 9
