"""What crosses the pipes between the host and the process of a model: frames of pickled values.

The parent trusts its child no more than the model file that the child has read: of what comes from there, nothing is
unpickled but plain values and the dataclasses and errors of a few modules. What else comes raises Senseless.
"""

import io
import os
import pickle
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, TypeAlias

from poly_engine.batch.messages import Command, Embedded, Report
from poly_engine.batch.opened import ModelSpec
from poly_engine.errors import PolyError

__all__ = [
    "Answer",
    "Ask",
    "Facts",
    "Frames",
    "FromChild",
    "Hello",
    "Loading",
    "Ping",
    "Pong",
    "Refusal",
    "Senseless",
    "ToChild",
    "Vectors",
    "checked",
    "decoded",
    "encoded",
    "plain",
    "put",
    "restored",
    "taken",
]

_LENGTH = struct.Struct("<I")
_LONGEST_FRAME = 1 << 28
_READ_BYTES = 1 << 16
_KNOWN_MODULES = frozenset(
    {
        "poly_engine.batch.messages",
        "poly_engine.batch.process.wire",
        "poly_engine.errors",
        "poly_engine.logprobs",
    }
)


class Senseless(Exception):
    """What came is not what a child sends."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first thing that a child is told: what to open, who its parent is, and how much it is to log."""

    spec: ModelSpec
    parent_id: int
    log_level: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the vocabulary or the biases of the model: the name of a method, and what it is called with."""

    id: int
    method: str
    arguments: tuple[Any, ...]  # what the methods take, which the child trusts its parent to know


@dataclass(frozen=True, slots=True)
class Ping:
    """Whether the child is there."""


ToChild: TypeAlias = Hello | Command | Ask | Ping


@dataclass(frozen=True, slots=True)
class Loading:
    """The share of the model that is loaded."""

    share: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What the parent has to know of a model once it is open; see `OpenedModel` and `Vocabulary`."""

    n_tokens: int
    ends: frozenset[int]
    first: tuple[int, ...]
    last: tuple[int, ...]
    special_names: Mapping[str, str]
    markups: frozenset[int]
    chat_template: str | None
    context_size: int
    embedding_size: int
    max_embed_tokens: int
    can_write: bool
    device: str
    n_gpu_layers: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model cannot be opened."""

    error: PolyError


@dataclass(frozen=True, slots=True)
class Answer:
    """What an `Ask` came to: a plain value, or an error."""

    id: int
    value: object


@dataclass(frozen=True, slots=True)
class Pong:
    """The child is there, and its worker has been in the same step for `stuck_s`."""

    stuck_s: float


@dataclass(frozen=True, slots=True)
class Vectors:
    """An `Embedded` on its way, in plain values."""

    id: int
    n_texts: int
    content: bytes


FromChild: TypeAlias = Loading | Facts | Refusal | Answer | Pong | list[Report | Vectors]


def encoded(value: ToChild | FromChild) -> bytes:
    """A frame with a value in it."""
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


def decoded(content: bytes) -> Any:
    """What a parent has put into a frame."""
    return pickle.loads(content)  # noqa: S301 - it comes from the parent alone, over a pipe that nobody else has


def checked(content: bytes) -> Any:
    """What a child has put into a frame; what it is has to be looked at. Raises Senseless."""
    try:
        return _Unpickler(io.BytesIO(content)).load()
    except Exception as error:
        raise Senseless(str(error)) from error


def plain(reports: list[Report]) -> "list[Report | Vectors]":
    """Reports in plain values, as they are put into a frame."""
    return [_without_array(report) if isinstance(report, Embedded) else report for report in reports]


def restored(reports: list[Any], size: int) -> list[Report]:
    """Reports as they were before `plain`; `size` is the length of a vector. Raises Senseless."""
    return [_with_array(report, size) if isinstance(report, Vectors) else report for report in reports]


class Frames:
    """Frames out of what is read of a pipe, piece by piece."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The frames that are whole with one more piece. Raises Senseless for one that is too long."""
        self._buffer += piece
        begin = 0
        try:
            while len(self._buffer) - begin >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._buffer, begin)
                if length > _LONGEST_FRAME:
                    raise Senseless(f"a frame of {length} bytes")
                end = begin + _LENGTH.size + length
                if end > len(self._buffer):
                    break
                yield bytes(self._buffer[begin + _LENGTH.size : end])
                begin = end
        finally:
            del self._buffer[:begin]


def taken(descriptor: int) -> Iterator[bytes]:
    """The frames that come over a pipe until its other end is closed."""
    frames = Frames()
    while piece := os.read(descriptor, _READ_BYTES):
        yield from frames.feed(piece)


def put(descriptor: int, frame: bytes) -> None:
    """Write all of a frame. Raises OSError if nobody is there to read it."""
    view = memoryview(frame)
    while view:
        view = view[os.write(descriptor, view) :]


class _Unpickler(pickle.Unpickler):
    """Makes nothing of a pickle but plain values and what is declared for it."""

    def find_class(self, module: str, name: str) -> type:
        found = getattr(sys.modules[module], name, None) if module in _KNOWN_MODULES else None
        if not isinstance(found, type) or not (is_dataclass(found) or issubclass(found, PolyError)):
            raise Senseless(f"{module}.{name}")
        return found


def _without_array(report: Embedded) -> Vectors:
    return Vectors(report.id, len(report.vectors), report.vectors.tobytes())


def _with_array(packed: Vectors, size: int) -> Embedded:
    import numpy as np  # 130 ms, which who never embeds need not pay

    vectors = np.frombuffer(packed.content, np.float32)
    if len(vectors) != packed.n_texts * size:
        raise Senseless(f"{len(vectors)} numbers for {packed.n_texts} vectors of {size}")
    return Embedded(packed.id, vectors.reshape(packed.n_texts, size))
