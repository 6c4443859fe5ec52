"""What crosses the pipes between an engine and the process of a model, and what must not."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from poly_engine.batch.messages import Embedded, Failed, Finished, Generated, Prefilled, Report
from poly_engine.batch.process.wire import (
    Answer,
    Frames,
    Pong,
    Refusal,
    Senseless,
    Vectors,
    checked,
    encoded,
    plain,
    restored,
)
from poly_engine.errors import EngineFailed, InvalidSchema, ModelLoadFailed
from poly_engine.logprobs import Alternative, Logprobs

LENGTH_BYTES = 4


def sent(value: Any) -> Any:
    """A value after it came from a child."""
    (content,) = Frames().feed(encoded(value))
    return checked(content)


def test_reports_arrive_as_they_were_sent() -> None:
    scored = Logprobs((97,), -0.5, (Alternative(7, "a", (97,), -0.5),))
    reports: list[Report] = [
        Prefilled(1, 2, 3, 0),
        Generated(1, 7, "a", is_forced=True, bias_state="open", logprobs=scored),
        Finished(1, "stop", 1, (7,), "", 0),
        Failed(2, "no"),
    ]
    assert restored(sent(plain(reports)), 4) == reports


def test_vectors_arrive_as_they_were_sent() -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    (arrived,) = restored(sent(plain([Embedded(5, vectors)])), 3)
    assert isinstance(arrived, Embedded)
    assert arrived.id == 5
    assert np.array_equal(arrived.vectors, vectors)


def test_vectors_of_another_shape_make_no_sense() -> None:
    with pytest.raises(Senseless, match="6 numbers for 2 vectors of 4"):
        restored(sent([Vectors(5, 2, bytes(24))]), 4)


def test_errors_arrive_with_what_they_know() -> None:
    error = sent(Refusal(InvalidSchema("no number is below itself", ("properties", "a")))).error
    assert isinstance(error, InvalidSchema)
    assert (error.reason, error.where) == ("no number is below itself", ("properties", "a"))
    assert str(error) == str(InvalidSchema("no number is below itself", ("properties", "a")))
    assert str(sent(Answer(1, EngineFailed("out of luck"))).value) == "out of luck"
    assert isinstance(sent(Refusal(ModelLoadFailed("no"))).error, ModelLoadFailed)


class Order:
    """What a child would send that means harm: unpickled, it calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self._call


@pytest.mark.parametrize(
    "order",
    [Order(os.system, "false"), Order(eval, "1"), Order(getattr, "a", "upper"), Order(print), os.path.join, Any],
)
def test_nothing_that_a_child_sends_calls_a_function(order: object) -> None:
    with pytest.raises(Senseless):
        checked(pickle.dumps([Pong(0.0), order]))


@pytest.mark.parametrize("name", [b"pickle.loads", b"io.BytesIO", b"sys", b"_Unpickler", b"os.system", b"encoded"])
def test_what_a_known_module_has_imported_cannot_be_reached(name: bytes) -> None:
    module = b"poly_engine.batch.process.wire"
    order = b"\x80\x04\x8c%c%b\x8c%c%b\x93)R." % (len(module), module, len(name), name)
    with pytest.raises(Senseless):
        checked(order)


@given(st.binary(max_size=200))
def test_noise_makes_no_sense_or_is_a_plain_value(noise: bytes) -> None:
    with suppress(Senseless):
        checked(noise)


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 20))
def test_frames_come_out_whole_however_they_are_cut(contents: list[bytes], size: int) -> None:
    stream = b"".join(len(content).to_bytes(LENGTH_BYTES, "little") + content for content in contents)
    frames = Frames()
    assert [frame for at in range(0, len(stream), size) for frame in frames.feed(stream[at : at + size])] == contents


def test_a_frame_without_end_makes_no_sense() -> None:
    with pytest.raises(Senseless, match="a frame of 4294967295 bytes"):
        list(Frames().feed(b"\xff" * 8))
