"""The pieces of an answer of a server, made to events of a turn."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poly_engine.errors import EngineFailed
from poly_engine.openai.server import Json
from poly_engine.text.stream import TextStream
from poly_engine.types import (
    Alternative,
    Done,
    Event,
    FinishReason,
    Logprobs,
    Progress,
    Thinking,
    Timings,
    Token,
    Usage,
)

__all__ = ["UNKNOWN", "Reading"]

UNKNOWN = -1
"""The id of a token that a server does not tell."""

_REASONS: Mapping[str, FinishReason] = {"stop": "stop", "length": "length", "eos": "stop", "abort": "cancelled"}


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one choice of a chunk holds."""

    text: str
    thought: str
    reason: str | None
    entries: tuple[Logprobs, ...]


class Reading:
    """Reads one answer. `stops` and `private` are looked for here as well: some servers take only four of the former,
    and none knows of the latter.
    """

    def __init__(self, stops: Sequence[str], private: Sequence[str], n_prompt: int, context_size: int | None) -> None:
        self.text = ""
        self.reason: FinishReason | None = None
        """Why the answer ended; None if it did not, or if nobody said why."""
        self.n_prompt: int | None = None
        """Tokens of the prompt, as the server counts them; None if it does not tell."""
        self._stream = TextStream(stops, private)
        self._has_private = bool(private)
        self._n_estimated = n_prompt
        self._context_size = context_size
        self._usage: Mapping[str, Any] = {}  # Any: as JSON
        self._n_pieces = 0
        self._n_thoughts = 0
        self._has_progress = False
        self._sent = time.perf_counter()
        self._begun: float | None = None
        self._first: float | None = None
        self._ended: float | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether nothing of the answer can follow, although the server goes on."""
        return self._stream.is_stopped

    def begin(self) -> None:
        """The server began to answer."""
        self._begun = time.perf_counter()

    def read(self, chunk: Json) -> Iterator[Event]:
        """The events of the next chunk. Raises EngineFailed for one that is none of OpenAI's protocol."""
        try:
            usage = chunk.get("usage")
            self._usage = usage if isinstance(usage, dict) else self._usage
            choices = chunk.get("choices") or []
            pieces = [_piece(choice) for choice in choices[:1]]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise EngineFailed(f"the server says what makes no sense in OpenAI's protocol: {error!r}") from error
        for piece in pieces:
            yield from self._events(piece)

    def finish(self) -> Iterator[Event]:
        """The answer is complete: what was held back of it."""
        self._ended = time.perf_counter()
        self.n_prompt = _count(self._usage, "prompt_tokens")
        if rest := self._stream.finish():
            yield self._token(rest, None)

    def done(self) -> Done:
        """The last event. What the server does not count is estimated: the prompt by its length, the answer by the
        pieces that it came in.
        """
        ended = self._ended or time.perf_counter()
        begun = self._begun or ended
        first = self._first or ended
        n_prompt = self.n_prompt if self.n_prompt is not None else self._n_estimated
        n_answer = _count(self._usage, "completion_tokens")
        n_answer = self._n_pieces + self._n_thoughts if n_answer is None else n_answer
        n_thoughts = _count(_table(self._usage, "completion_tokens_details"), "reasoning_tokens")
        usage = Usage(
            n_prompt,
            _count(_table(self._usage, "prompt_tokens_details"), "cached_tokens") or 0,
            n_answer,
            n_prompt + n_answer,
            self._context_size or 0,
            min(n_answer, self._n_thoughts if n_thoughts is None else n_thoughts),
        )
        timings = Timings(begun - self._sent, max(0.0, first - begun), max(0.0, ended - first))
        return Done(self.reason or "stop", usage, timings)

    def _events(self, piece: _Piece) -> Iterator[Event]:
        if not self._has_progress:
            self._has_progress = True
            yield Progress(self._n_estimated, self._n_estimated)
        if piece.thought:
            self._first = self._first or time.perf_counter()
            self._n_thoughts += 1
            yield Thinking(piece.thought, UNKNOWN)
        if piece.text or piece.entries:
            self._first = self._first or time.perf_counter()
            yield from self._tokens(piece)
        if piece.reason is not None:
            if piece.reason not in _REASONS:
                raise EngineFailed(f"the server ended the answer for a reason of its own: {piece.reason[:80]}")
            self.reason = _REASONS[piece.reason]

    def _tokens(self, piece: _Piece) -> Iterator[Token]:
        """The tokens of a piece: as many as are told apart by their log-probabilities, else one."""
        texts = [bytes(entry.piece) for entry in piece.entries]
        whole = piece.text.encode("utf-8", "replace")
        if b"".join(texts) != whole:
            texts = [whole, *(b"" for _ in piece.entries[1:])]
        for number, text in enumerate(texts):
            if self._stream.is_stopped:
                return
            self._n_pieces += 1
            shown = self._stream.push(text)
            if self._stream.is_stopped:
                self.reason = "stop"
            is_hidden = self._has_private and not shown
            yield self._token(shown, piece.entries[number] if piece.entries and not is_hidden else None)

    def _token(self, text: str, logprobs: Logprobs | None) -> Token:
        self.text += text
        return Token(text, UNKNOWN, logprobs=logprobs)


def _piece(choice: Mapping[str, Any]) -> _Piece:  # Any: as JSON
    delta = choice.get("delta") or {}
    text = choice.get("text") or delta.get("content") or ""
    thought = delta.get("reasoning_content") or delta.get("reasoning") or ""
    reason = choice.get("finish_reason")
    if not isinstance(text, str) or not isinstance(thought, str) or not isinstance(reason, str | None):
        raise TypeError("an answer is text")
    return _Piece(text, thought, reason, tuple(_entries(choice.get("logprobs"))))


def _entries(logprobs: Any) -> Iterator[Logprobs]:  # Any: as JSON
    """The log-probabilities of a chunk, as chats have them or as completions have."""
    if not logprobs:
        return
    if (content := logprobs.get("content")) is not None:
        for entry in content:
            others = tuple(_alternative(one) for one in entry.get("top_logprobs") or ())
            yield Logprobs(_bytes(entry), float(entry["logprob"]), others)
        return
    tops = logprobs.get("top_logprobs") or []
    for number, (token, logprob) in enumerate(zip(logprobs["tokens"], logprobs["token_logprobs"], strict=True)):
        top = (tops[number] if number < len(tops) else None) or {}
        best = sorted(top.items(), key=lambda one: -one[1])
        others = tuple(Alternative(UNKNOWN, text, tuple(text.encode()), float(value)) for text, value in best)
        yield Logprobs(tuple(token.encode()), None if logprob is None else float(logprob), others)


def _alternative(entry: Mapping[str, Any]) -> Alternative:  # Any: as JSON
    return Alternative(UNKNOWN, entry["token"], _bytes(entry), float(entry["logprob"]))


def _bytes(entry: Mapping[str, Any]) -> tuple[int, ...]:  # Any: as JSON
    given = entry.get("bytes")
    return tuple(bytes(given)) if given is not None else tuple(entry["token"].encode())


def _table(usage: Mapping[str, Any], key: str) -> Mapping[str, Any]:  # Any: as JSON
    table = usage.get(key)
    return table if isinstance(table, dict) else {}


def _count(usage: Mapping[str, Any], key: str) -> int | None:  # Any: as JSON
    count = usage.get(key)
    return count if isinstance(count, int) and count >= 0 else None
