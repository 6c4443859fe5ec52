"""Turns in which tools are called, from every engine."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from poly_engine.errors import InvalidRequest, InvalidSchema
from poly_engine.interface import Engine, Session
from poly_engine.types import Calling, Done, Event, Overrides, Token, Tool, ToolCall, ToolResult, Tools, Turn
from tests.contract.script import ANSWER_TEXT, SHORT
from tests.engine.conversation import hear

CITY = {
    "type": "object",
    "properties": {"city": {"const": "Paris"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = Tool.of("get_weather", CITY, "What the weather is like.")
STOP = Tool.of("stop")
ONE = Tools((STOP, WEATHER), only="get_weather", is_parallel=False)


async def call(session: Session, prompt: str, tools: Tools, results: Sequence[ToolResult] = ()) -> list[Event]:
    async with session.send(prompt, tools=tools, results=results) as events:
        return [event async for event in events]


def calls(events: Sequence[Event]) -> list[ToolCall]:
    return [event for event in events if isinstance(event, ToolCall)]


async def test_a_tool_that_has_to_be_called_is_called_and_nothing_is_said(engine: Engine) -> None:
    async with engine.session("call") as session:
        events = await call(session, SHORT, ONE)
        (called,) = calls(events)
        assert session.turns == (Turn(SHORT, "", (called,)),)
    assert (called.name, json.loads(called.arguments)) == ("get_weather", {"city": "Paris"})
    assert not any(isinstance(event, Token) for event in events)
    assert isinstance(events[-1], Done)
    assert events[-1].finish_reason == "stop"
    assert events[-2] == called


async def test_a_call_comes_in_pieces_of_which_the_first_has_no_arguments(engine: Engine) -> None:
    async with engine.session("call") as session:
        events = await call(session, SHORT, ONE)
    (called,) = calls(events)
    pieces = [event for event in events if isinstance(event, Calling)]
    assert pieces[0] == Calling(0, called.id, called.name, "")
    assert "".join(piece.arguments for piece in pieces) == called.arguments
    assert all(piece.arguments for piece in pieces[1:])


async def test_what_a_tool_returned_is_answered_without_a_word_of_the_user(engine: Engine) -> None:
    async with engine.session("call") as session:
        (called,) = calls(await call(session, SHORT, ONE))
        result = ToolResult(called.id, "sunny")
        events = await call(session, "", Tools((WEATHER,)), [result])
        text = "".join(event.text for event in events if isinstance(event, Token))
        assert session.turns == (Turn(SHORT, "", (called,)), Turn("", text, (), (result,)))
        assert text == ANSWER_TEXT


async def test_a_model_that_may_call_need_not(engine: Engine) -> None:
    async with engine.session("call") as session:
        events = await call(session, SHORT, Tools((WEATHER,)))
        assert session.turns == (Turn(SHORT, ANSWER_TEXT),)
    assert calls(events) == []
    assert "".join(event.text for event in events if isinstance(event, Token)) == ANSWER_TEXT


async def test_a_history_may_have_calls_and_results(engine: Engine) -> None:
    called = ToolCall("1", "get_weather", '{"city": "Paris"}')
    history = [Turn("Is it warm?", "I look.", (called,)), Turn("", "Yes.", (), (ToolResult("1", "sunny"),))]
    async with engine.session("call", history=history) as session:
        heard = await hear(session, SHORT)
        assert session.turns == (*history, Turn(SHORT, heard.text))
    async with engine.session("call", history=history[:1]) as session:
        assert calls(await call(session, "", ONE, [ToolResult("1", "sunny")]))


async def test_a_result_of_no_call_is_refused_and_not_remembered(engine: Engine) -> None:
    async with engine.session("call") as session:
        with pytest.raises(InvalidRequest, match="which the last answer had not"):
            await call(session, "", ONE, [ToolResult("1", "sunny")])
        assert session.turns == ()
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_parameters_that_cannot_be_enforced_are_refused(engine: Engine) -> None:
    async with engine.session("call") as session:
        for parameters, words in (({"uniqueItems": True}, "uniqueItems: not supported"), ({"type": "array"}, "object")):
            with pytest.raises(InvalidSchema, match=words):
                await call(session, SHORT, Tools((Tool.of("f", parameters),)))
        assert session.turns == ()


async def test_a_schema_and_tools_cannot_both_bind_an_answer(engine: Engine) -> None:
    async with engine.session("call") as session:
        with pytest.raises(InvalidRequest, match="leave out either"):
            async with session.send(SHORT, schema={"type": "object"}, tools=ONE):
                pass
        assert session.turns == ()


async def test_who_leaves_before_anything_was_called_may_go_on(engine: Engine) -> None:
    async with engine.session("call") as session:
        async with session.send(SHORT, Overrides(seed=1), tools=ONE) as events:
            await anext(events)
        assert all(turn.answer == "" for turn in session.turns)
        assert (await hear(session, SHORT)).text == ANSWER_TEXT
