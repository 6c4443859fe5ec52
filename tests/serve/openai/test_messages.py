"""Which conversation messages are, and what cannot be one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from poly_engine.types import ToolCall, ToolResult, Turn
from poly_serve.inputs import InvalidParameter
from poly_serve.openai.messages import Conversation, Message, conversation

MESSAGES = TypeAdapter(list[Message])


def of(*messages: tuple[str, object]) -> Conversation:
    return conversation(MESSAGES.validate_python([{"role": role, "content": content} for role, content in messages]))


def test_the_last_message_is_the_prompt() -> None:
    assert of(("user", "hello")) == Conversation(None, (), "hello")


def test_pairs_before_it_are_turns() -> None:
    said = of(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e"))
    assert said == Conversation(None, (Turn("a", "b"), Turn("c", "d")), "e")


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_first_message_may_be_the_systems(role: str) -> None:
    assert of((role, "Be brief."), ("user", "hello")) == Conversation("Be brief.", (), "hello")


def test_an_empty_system_message_is_one() -> None:
    assert of(("system", ""), ("user", "hello")).system == ""


def test_messages_of_one_role_are_one_message() -> None:
    said = of(("system", "1"), ("developer", "2"), ("user", "3"), ("user", "4"), ("assistant", "5"), ("user", "6"))
    assert said == Conversation("1\n\n2", (Turn("3\n\n4", "5"),), "6")


def test_the_assistant_may_speak_first() -> None:
    assert of(("assistant", "Welcome!"), ("user", "hello")) == Conversation(None, (Turn("", "Welcome!"),), "hello")


def test_parts_of_a_message_are_lines() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert of(("user", parts)).prompt == "one\ntwo"


def test_a_system_message_in_between_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="before all others") as error:
        of(("user", "a"), ("assistant", "b"), ("system", "c"), ("user", "d"))
    assert error.value.param == "messages[2].role"


CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
CALLED: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RETURNED: dict[str, Any] = {"role": "tool", "tool_call_id": "1", "content": "yes"}
ASKED: dict[str, Any] = {"role": "user", "content": "a"}


def of_messages(*messages: dict[str, Any]) -> Conversation:
    return conversation(MESSAGES.validate_python(list(messages)))


def test_calls_belong_to_an_answer_and_their_results_to_what_is_asked_next() -> None:
    call, result = ToolCall("1", "f", '{"a": 1}'), ToolResult("1", "yes")
    assert of_messages(ASKED, CALLED, RETURNED) == Conversation(None, (Turn("a", "", (call,)),), "", (result,))
    said = of_messages(ASKED, CALLED, RETURNED, {"role": "assistant", "content": "b"}, ASKED)
    assert said == Conversation(None, (Turn("a", "", (call,)), Turn("", "b", (), (result,))), "a")


def test_several_results_stand_behind_each_other_and_before_what_the_user_says() -> None:
    two = {**CALLED, "content": "I look.", "tool_calls": [CALL, {**CALL, "id": "2"}]}
    said = of_messages(ASKED, two, {**RETURNED, "tool_call_id": "2"}, RETURNED, {"role": "user", "content": "so?"})
    assert said.history[0].answer == "I look."
    assert (said.results, said.prompt) == ((ToolResult("2", "yes"), ToolResult("1", "yes")), "so?")


def test_a_result_may_name_its_tool() -> None:
    assert of_messages(ASKED, CALLED, {**RETURNED, "name": "f"}).results == (ToolResult("1", "yes"),)


def test_no_arguments_are_an_empty_object() -> None:
    call = {**CALL, "function": {"name": "f", "arguments": ""}}
    assert of_messages(ASKED, {**CALLED, "tool_calls": [call]}, RETURNED).history[0].calls[0].arguments == "{}"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ((ASKED, CALLED, {**RETURNED, "tool_call_id": "2"}), "messages[2].tool_call_id"),
        ((ASKED, CALLED, {"role": "tool", "content": "yes"}), "messages[2].tool_call_id"),
        ((ASKED, CALLED, ASKED, RETURNED), "messages[3].tool_call_id"),
        ((ASKED, CALLED, RETURNED, {"role": "assistant", "content": "b"}, RETURNED), "messages[4].tool_call_id"),
        ((RETURNED,), "messages[0].tool_call_id"),
        ((ASKED, CALLED, {**RETURNED, "name": "g"}), "messages[2].name"),
        ((ASKED, CALLED), "messages"),
        ((ASKED, {**CALLED, "tool_calls": [CALL, CALL]}, RETURNED), "messages[1].tool_calls[1].id"),
    ],
)
def test_a_result_has_to_follow_its_call(messages: tuple[dict[str, Any], ...], param: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        of_messages(*messages)
    assert error.value.param == param


@pytest.mark.parametrize("arguments", ["{", "[]", "5", '"a"', "null", "[" * 100_000])
def test_arguments_of_a_call_have_to_be_an_object(arguments: str) -> None:
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    with pytest.raises(InvalidParameter, match="JSON object") as error:
        of_messages(ASKED, {**CALLED, "tool_calls": [call]}, RETURNED)
    assert error.value.param == "messages[1].tool_calls[0].function.arguments"


@pytest.mark.parametrize("last", ["assistant", "system"])
def test_the_last_message_has_to_be_the_users(last: str) -> None:
    with pytest.raises(InvalidParameter, match="user's") as error:
        of((last, "a"))
    assert error.value.param == "messages"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"type": "image_url", "image_url": {"url": "data:…"}}], "part 1 is of the type image_url"),
        ([{"type": "text", "text": "a"}, {"type": "input_audio"}], "part 2 is of the type input_audio"),
        ([{"type": "text", "text": 5}], "part 1 has to be"),
        ([{"text": "a"}], "part 1 has to be"),
        (["a"], "part 1 has to be"),
        (None, "valid string"),
        (5, "valid string"),
        ({"type": "text", "text": "a"}, "valid string"),
    ],
)
def test_content_that_is_no_text_is_refused(content: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        of(("user", content))


@pytest.mark.parametrize("key", ["name", "tool_calls", "function_call", "audio", "refusal"])
@pytest.mark.parametrize("value", ["ada", {"id": 1}, [1], True])
def test_what_a_message_cannot_say_is_refused_by_its_name(key: str, value: object) -> None:
    message: dict[str, Any] = {"role": "user", "content": "a"}
    MESSAGES.validate_python([{**message, key: None}])
    with pytest.raises(ValidationError, match="not supported") as error:
        MESSAGES.validate_python([{**message, key: value}])
    assert error.value.errors()[0]["loc"] == (0, key)


@pytest.mark.parametrize("role", ["function", "", None, 5])
def test_there_are_no_other_roles(role: object) -> None:
    with pytest.raises(ValidationError, match="'assistant'"):
        MESSAGES.validate_python([{"role": role, "content": "a"}])
