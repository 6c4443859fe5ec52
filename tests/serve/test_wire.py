"""What crosses the wire comes out as it went in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from poly_engine import errors
from poly_engine.errors import EngineFailed, PolyError
from poly_engine.text.lines import lines_of
from poly_engine.types import (
    Calling,
    Done,
    Dropped,
    Event,
    Hit,
    Progress,
    Recalled,
    Thinking,
    Timings,
    Token,
    ToolCall,
    Truncated,
    Usage,
)
from poly_serve.wire import encoded, error_from, error_record, event_from, event_record

HIT = Hit(text="a\nb", source="ä.txt", score=0.5, place=1, start=2, end=5, headings=("One", "Two"), vector_rank=3)
EVENTS: Sequence[Event] = (
    Recalled((HIT,), (Dropped(HIT, "no_room"),)),
    Truncated(7, 2),
    Progress(3, 9),
    Thinking("hm", 4),
    Token(" w\u2028\U0001f600", 5, is_forced=True, bias_state="closing"),
    Calling(1, "call_2", "look_up", '{"a": "\u2028'),
    ToolCall("call_2", "look_up", '{"a": "\u2028"}'),
    Done("length", Usage(1, 2, 3, 4, 5, 6, 7), Timings(0.5, 0.25, 1.5)),
)

MADE: dict[str, tuple[object, ...]] = {
    "ConfigError": (["tasks.a: is wrong", "tasks.b: is, too"],),
    "InvalidSchema": ("is not supported", ("items", 0)),
    "LimitTooLow": (9, 3),
    "ContextExceeded": (900, 512),
    "UnreadableDocument": ("no_text", "it holds no text", "a.pdf"),
    "NotFound": ("tlak", ["talk"]),
    "TaskNotFound": ("tlak", ["talk"]),
    "ModelNotFound": ("othr", ["other"]),
    "MemoryNotFound": ("nots", ["notes"]),
    "MemoryMismatch": ("/a/path", "one", "another"),
    "Overloaded": ("too much", 7),
}
"""What the constructors of errors take that want more than a message."""


def classes(root: type[PolyError] = PolyError) -> Iterator[type[PolyError]]:
    """Every class of errors that the engine has."""
    if root.__module__ == errors.__name__:
        yield root
        for kind in root.__subclasses__():
            yield from classes(kind)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_come_out_as_they_went_in(event: Event) -> None:
    assert event_from(json.loads(encoded(event_record(event)))) == event


def test_no_event_is_forgotten_here() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("kind", list(classes()), ids=lambda kind: kind.__name__)
def test_errors_come_out_as_they_went_in(kind: type[PolyError]) -> None:
    error = kind(*MADE.get(kind.__name__, ("it went wrong",)))
    record = json.loads(encoded({"type": "error", **error_record(error)}))
    out = error_from(record)
    assert type(out) is kind
    assert str(out) == str(error)
    assert vars(out) == vars(error)
    assert out.code == error.code


def test_no_two_errors_have_the_same_code() -> None:
    codes = [kind.code for kind in classes()]
    assert len(codes) == len(set(codes))


def test_an_error_of_a_newer_server_keeps_its_message() -> None:
    error = error_from({"code": "something_new", "message": "it is new", "more": 1})
    assert type(error) is EngineFailed
    assert str(error) == "it is new"


def test_what_is_told_is_one_line_of_ascii() -> None:
    text = encoded({"a": "\u2028\u0085\n", "b": HIT})
    assert text.isascii()
    assert len(text.splitlines()) == 1


def test_what_a_newer_server_adds_to_an_event_is_left_out() -> None:
    assert event_from({"type": "progress", "done": 1, "total": 2, "eta_s": 5}) == Progress(1, 2)


@given(st.lists(st.text("ab\n").map(str.encode)))
def test_lines_are_the_same_however_they_are_cut(pieces: list[bytes]) -> None:
    async def lines() -> list[bytes]:
        async def each() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        return [line async for line in lines_of(each())]

    whole = b"".join(pieces)
    assert asyncio.run(lines()) == re.findall(rb"[^\n]*\n|[^\n]+", whole)
