"""What every engine under contract is made to say."""

from __future__ import annotations

from tests.fake_engine import Reply

CONTEXT = 2048
PRIVATE = "<secret>"
ANSWER = ("Once", " upon", " a", " time", ",", " it", " ended", ".")
ANSWER_TEXT = "".join(ANSWER)
LONG_ANSWER = "and so on, " * 60
SHORT, LONG = "tell me>", "go on#"
"""Prompts that get the one and the other."""


def reply(prompt: str) -> Reply:
    """The answers as a scripted engine gives them."""
    return Reply(tuple(LONG_ANSWER)) if prompt.endswith("#") else Reply(ANSWER)
