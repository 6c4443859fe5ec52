"""Tools by the client of OpenAI: with a model of random weights, whose calls fit all the same, and a scripted one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from poly_engine.bias.verify import fault
from poly_engine.config import Config
from poly_engine.errors import EngineFailed
from poly_engine.interface import Engine
from poly_engine.local import LocalEngine
from poly_engine.types import Bias, ToolCall
from tests import tool_templates
from tests.fake_engine import FakeEngine, Reply
from tests.gguf_models import make
from tests.serve.conftest import Serve
from tests.serve.openai.conftest import CONFIG, TASKS, Connect
from tests.serve.openai.test_wire import lines

HELLO: Any = [{"role": "user", "content": "hello"}]  # Any here and below: what the client has types for, as JSON
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 12},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
    },
    "required": ["city", "unit", "days"],
    "additionalProperties": False,
}
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather.", "parameters": PARAMETERS, "strict": True},
}
STOP: Any = {"type": "function", "function": {"name": "stop"}}
BOTH: Any = [WEATHER, STOP]
NAMED: Any = {"type": "function", "function": {"name": "get_weather"}}


def local(folder: Path, **task: Any) -> Engine:
    model = {"model_path": str(make("qwen2", folder / "m.gguf", context_length=4096)), "context_size": 4096}
    free = {"model": "m", "temperature": 1.0, "top_k": 0, "top_p": 1.0, "max_tokens": 200}
    tasks = {"talk": {**free, "template": tool_templates.QWEN, **task}, "plain": free}
    return LocalEngine(Config.model_validate({"models": {"m": model}, "tasks": tasks}))


@pytest.fixture
async def random(serve: Serve, connect: Connect, tmp_path: Path) -> openai.AsyncOpenAI:
    """A client of an engine over a model with random weights."""
    return connect(await serve(local(tmp_path), CONFIG))


async def ask(client: openai.AsyncOpenAI, messages: Any = HELLO, **settings: Any) -> ChatCompletion:
    answer = await client.chat.completions.create(model="talk", messages=messages, **settings)
    assert isinstance(answer, ChatCompletion)
    return answer


def called(answer: ChatCompletion, choice: int = 0) -> Iterator[tuple[str, Any]]:
    """The calls of an answer, which fit their tools."""
    for call in answer.choices[choice].message.tool_calls or ():
        assert call.type == "function"
        if call.function.name == "get_weather":
            assert fault(Bias.of_schema(PARAMETERS), call.function.arguments) == ""
        yield call.function.name, json.loads(call.function.arguments)


async def test_a_tool_that_has_to_be_called_is_called_every_time(random: openai.AsyncOpenAI) -> None:
    for seed in range(8):
        answer = await ask(random, tools=BOTH, tool_choice="required", seed=seed)
        choice = answer.choices[0]
        assert {name for name, _ in called(answer)} <= {"get_weather", "stop"}
        assert choice.message.content is None
        assert choice.finish_reason in ("tool_calls", "length")
        assert len({call.id for call in choice.message.tool_calls or ()}) == len(choice.message.tool_calls or ()) > 0


async def test_the_named_function_is_called_once_if_calls_may_not_be_parallel(random: openai.AsyncOpenAI) -> None:
    for seed in range(4):
        answer = await ask(random, tools=BOTH, tool_choice=NAMED, parallel_tool_calls=False, seed=seed)
        ((name, arguments),) = called(answer)
        assert (name, set(arguments)) == ("get_weather", {"city", "unit", "days"})
        assert answer.choices[0].finish_reason == "tool_calls"


async def test_results_go_back_turn_by_turn(random: openai.AsyncOpenAI) -> None:
    messages: Any = [{"role": "system", "content": "Be brief."}, *HELLO]
    n_read = 0
    for seed in range(4):
        answer = await ask(random, messages, tools=BOTH, tool_choice="required", seed=seed)
        message = answer.choices[0].message
        messages.append(message.model_dump())
        for call in message.tool_calls or ():
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "<|im_end|> sunny"})
        assert answer.usage
        assert answer.usage.prompt_tokens > n_read
        n_read = answer.usage.prompt_tokens
    answer = await ask(random, messages, tools=BOTH, max_tokens=5)
    assert answer.choices[0].message.content


async def test_a_stream_of_calls_adds_up_to_the_same(random: openai.AsyncOpenAI) -> None:
    settings: Any = {"tools": BOTH, "tool_choice": "required", "seed": 3, "n": 2}
    whole = await ask(random, **settings)
    stream = await random.chat.completions.create(
        model="talk", messages=HELLO, stream=True, stream_options={"include_usage": True}, **settings
    )
    chunks = [chunk async for chunk in stream]
    for number in range(2):
        own = [choice for chunk in chunks for choice in chunk.choices if choice.index == number]
        assert list(added_up(own)) == list(called(whole, number))
        assert own[-1].finish_reason == whole.choices[number].finish_reason
        assert not any(choice.delta.content for choice in own)
    assert whole.usage
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def added_up(choices: list[Any]) -> Iterator[tuple[str, Any]]:
    pieces = [piece for choice in choices for piece in choice.delta.tool_calls or ()]
    for index in range(1 + max(piece.index for piece in pieces)):
        first, *others = [piece for piece in pieces if piece.index == index]
        assert first.id
        assert (first.type, first.function.arguments) == ("function", "")
        assert all(piece.id is None and piece.function.name is None for piece in others)
        yield first.function.name, json.loads("".join(piece.function.arguments for piece in others))


async def test_the_helper_of_the_client_that_collects_a_stream_understands_it(random: openai.AsyncOpenAI) -> None:
    settings: Any = {"tools": BOTH, "tool_choice": NAMED, "parallel_tool_calls": False, "seed": 5}
    async with random.chat.completions.stream(model="talk", messages=HELLO, **settings) as stream:
        answer = await stream.get_final_completion()
    calls = answer.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["get_weather"]
    assert fault(Bias.of_schema(PARAMETERS), calls[0].function.arguments) == ""


async def test_without_a_choice_the_model_may_just_talk(random: openai.AsyncOpenAI) -> None:
    for choice in ("auto", "none"):
        answer = await ask(random, tools=BOTH, tool_choice=choice, max_tokens=5, seed=1)
        assert answer.choices[0].message.content
        assert answer.choices[0].message.tool_calls is None
    with_tools = await ask(random, tools=BOTH, max_tokens=5)
    without = await ask(random, tools=BOTH, tool_choice="none", max_tokens=5)
    assert with_tools.usage
    assert without.usage
    assert with_tools.usage.prompt_tokens > without.usage.prompt_tokens


async def test_a_task_without_tools_in_its_template_says_what_can_be_done(random: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="bind the answer to a schema instead"):
        await random.chat.completions.create(model="plain", messages=HELLO, tools=BOTH)


async def test_a_task_with_a_biaser_says_that_it_cannot_call(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    client = connect(await serve(local(tmp_path, biaser={"json_schema": {"type": "boolean"}}), CONFIG))
    with pytest.raises(openai.BadRequestError, match="by a biaser"):
        await ask(client, tools=BOTH)


# Scripted


CALLS = (ToolCall("call_1", "get_weather", '{"city": "Rome"}'), ToolCall("call_2", "stop", "{}"))


async def test_a_stream_has_text_then_the_name_of_each_call_then_its_arguments(
    serve: Serve, http: httpx.AsyncClient
) -> None:
    url = await serve(FakeEngine(lambda _: Reply(("So",), calls=CALLS), tasks=TASKS), CONFIG)
    body = {"model": "talk", "messages": HELLO, "tools": BOTH, "stream": True}
    chunks = lines(await http.post(f"{url}/v1/chat/completions", json=body))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    head = {"id": "call_1", "type": "function"}
    assert deltas[:3] == [
        {"role": "assistant", "content": ""},
        {"content": "So"},
        {"tool_calls": [{"index": 0, **head, "function": {"name": "get_weather", "arguments": ""}}]},
    ]
    assert deltas[3] == {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}
    assert chunks[-1]["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"}]


async def test_text_and_calls_are_both_told(serve: Serve, connect: Connect) -> None:
    engine = FakeEngine(lambda _: Reply(("So",), calls=CALLS), tasks=TASKS)
    answer = await ask(connect(await serve(engine, CONFIG)), tools=BOTH)
    message = answer.choices[0].message
    assert message.content == "So"
    assert [call.id for call in message.tool_calls or ()] == ["call_1", "call_2"]
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_tools_reach_the_engine_as_they_are_said(serve: Serve, connect: Connect) -> None:
    engine = FakeEngine(lambda _: Reply(("So",)), tasks=TASKS)
    client = connect(await serve(engine, CONFIG))
    await ask(client, tools=BOTH, parallel_tool_calls=False)
    await ask(client, tools=BOTH, tool_choice="none")
    first, second = engine.tools
    assert second is None
    assert first is not None
    assert [(tool.name, tool.description) for tool in first.tools] == [("get_weather", "The weather."), ("stop", "")]
    assert json.loads(first.tools[0].parameters) == PARAMETERS
    assert (first.choice, first.only, first.is_parallel) == ("auto", None, False)


async def test_a_failure_in_the_middle_of_a_call_is_told(serve: Serve, connect: Connect) -> None:
    engine = FakeEngine(lambda _: Reply(calls=CALLS, failure=EngineFailed("the engine failed")), tasks=TASKS)
    client = connect(await serve(engine, CONFIG))
    stream = await client.chat.completions.create(model="talk", messages=HELLO, tools=BOTH, stream=True)
    heard = list[ChatCompletionChunk]()
    with pytest.raises(openai.APIError, match="the engine failed"):
        async for chunk in stream:
            heard = [chunk]
    assert heard[-1].choices[0].delta.tool_calls


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tools": "get_weather"}, "tools"),
    ({"tools": [{"type": "custom", "custom": {"name": "a"}}]}, "tools[0].type"),
    ({"tools": [WEATHER, {"type": "function"}]}, "tools[1].function"),
    ({"tools": [{"type": "function", "function": {"name": "no name"}}]}, "tools[0].function.name"),
    ({"tools": [{"type": "function", "function": {"name": "a" * 65}}]}, "tools[0].function.name"),
    ({"tools": [STOP, STOP]}, "tools"),
    ({"tools": [STOP] * 129}, "tools"),
    ({"tools": BOTH, "tool_choice": "any"}, "tool_choice"),
    ({"tools": BOTH, "tool_choice": {"type": "function"}}, "tool_choice"),
    ({"tools": BOTH, "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
    ({"tools": BOTH, "tool_choice": {"type": "function", "function": {"name": "go"}}}, "tool_choice.function.name"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": [], "tool_choice": NAMED}, "tool_choice"),
    ({"tools": BOTH, "parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"tools": BOTH, "response_format": {"type": "json_object"}}, "tools"),
    ({"tools": BOTH, "json_schema": {}}, "tools"),
    ({"tools": BOTH, "tool_choice": "required", "stop": "a"}, "stop"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"function_call": "auto"}, "function_call"),
]
SCHEMAS: list[Any] = [
    {"type": "array"},
    {"type": "object", "properties": {"a": {"uniqueItems": True}}},
    {"type": "object", "properties": {"a": {"maxlength": 5}}},
    {"type": "object", "properties": {"a": {"minLength": 10**9}}},
    {"type": "object", "properties": {f"p{number}": {} for number in range(2001)}},
]


@pytest.mark.parametrize(("more", "param"), WRONG)
async def test_what_is_wrong_is_refused_by_its_name(
    serve: Serve, http: httpx.AsyncClient, more: dict[str, Any], param: str
) -> None:
    url = await serve(FakeEngine(tasks=TASKS), CONFIG)
    response = await http.post(f"{url}/v1/chat/completions", json={"model": "talk", "messages": HELLO, **more})
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"] == param
    assert error["message"].startswith(f"{param}: ")


@pytest.mark.parametrize("parameters", SCHEMAS)
@pytest.mark.parametrize("choice", ["auto", "none"])
async def test_parameters_that_cannot_be_enforced_are_refused_by_their_name(
    serve: Serve, http: httpx.AsyncClient, parameters: Any, choice: str
) -> None:
    url = await serve(FakeEngine(tasks=TASKS), CONFIG)
    tools = [STOP, {"type": "function", "function": {"name": "f", "parameters": parameters}}]
    body = {"model": "talk", "messages": HELLO, "tools": tools, "tool_choice": choice}
    response = await http.post(f"{url}/v1/chat/completions", json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["param"], error["code"]) == ("tools[1].function.parameters", "invalid_schema")
