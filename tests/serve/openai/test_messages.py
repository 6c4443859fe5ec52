"""Which conversation messages are, and what cannot be one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from poly_engine.types import Turn
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


@pytest.mark.parametrize("role", ["tool", "function", "", None, 5])
def test_there_are_no_other_roles(role: object) -> None:
    with pytest.raises(ValidationError, match="'assistant'"):
        MESSAGES.validate_python([{"role": role, "content": "a"}])
