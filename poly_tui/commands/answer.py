"""An answer, as it goes to stdout: as text while it is written, as JSON when it is there, or as JSON event by event."""

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

import click

from poly_engine import Bias, Done, Event, Overrides, PolyError, Recalled, Session, Thinking, Token, Truncated
from poly_tui.commands.listing import compact_json, print_json

__all__ = ["Answer", "EventsAnswer", "JsonAnswer", "Request", "TextAnswer", "answer_prompt", "without_controls"]

NO_OVERRIDES = Overrides()
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Request:
    """One turn as it was asked for."""

    prompt: str
    overrides: Overrides = NO_OVERRIDES
    schema: Bias | None = None


class Answer(Protocol):
    """Where the events of one turn go."""

    def hear(self, event: Event) -> None:
        """Take the next event."""

    def end(self) -> None:
        """The turn is over, or was broken off."""


class TextAnswer:
    """Writes the text at once as it comes, and a newline at its end if it has none.

    A terminal gets it without the characters that it would obey.
    """

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._is_in_line = False

    def hear(self, event: Event) -> None:
        if isinstance(event, Token) and event.text:
            self._write(without_controls(event.text) if self._is_terminal else event.text)

    def end(self) -> None:
        if self._is_in_line:
            self._write("\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
        self._is_in_line = not text.endswith("\n")


class JsonAnswer:
    """Prints one object when the answer is there. `facts` go before what the events tell."""

    def __init__(self, facts: Mapping[str, object]) -> None:
        self._facts = facts
        self._tokens: list[Token] = []
        self._thoughts: list[str] = []
        self._recalled: Recalled | None = None
        self._truncated: Truncated | None = None
        self._done: Done | None = None

    def hear(self, event: Event) -> None:
        match event:
            case Token():
                self._tokens.append(event)
            case Thinking(text=text):
                self._thoughts.append(text)
            case Recalled():
                self._recalled = event
            case Truncated():
                self._truncated = event
            case Done():
                self._done = event

    def end(self) -> None:
        if self._done is not None:
            truncated = asdict(self._truncated) if self._truncated else None
            said: dict[str, object] = {"text": "".join(token.text for token in self._tokens)}
            if any(token.logprobs for token in self._tokens):
                said["tokens"] = [asdict(token) for token in self._tokens]
            if self._thoughts:
                said["thinking"] = "".join(self._thoughts)
            if self._recalled is not None:
                said["recalled"] = asdict(self._recalled)
            print_json({**self._facts, **said, **_outcome(self._done), "truncated": truncated})


class EventsAnswer:
    """Prints one object a line: first `facts`, as the event "start", then each event when it comes."""

    def __init__(self, facts: Mapping[str, object]) -> None:
        self._write("start", facts)

    def hear(self, event: Event) -> None:
        fields = _outcome(event) if isinstance(event, Done) else asdict(event)
        self._write(type(event).__name__.lower(), fields)

    def end(self) -> None:
        pass

    def _write(self, name: str, fields: Mapping[str, object]) -> None:
        sys.stdout.write(compact_json({"event": name, **fields}) + "\n")
        sys.stdout.flush()


def without_controls(text: str) -> str:
    """Text without the characters that a terminal would obey."""
    return _UNSAFE.sub("", text)


async def answer_prompt(session: Session, request: Request, answer: Answer, *, is_quiet: bool = False) -> None:
    """Say a prompt, and let `answer` hear what comes back. What its reader has to know goes to stderr."""
    remarks = []
    is_biased = False
    try:
        async with session.send(request.prompt, request.overrides, schema=request.schema) as events:
            async for event in events:
                answer.hear(event)
                is_biased |= isinstance(event, Token) and event.bias_state is not None
                remarks.append(_remark(event, is_biased=is_biased))
    except PolyError:
        answer.end()
        raise
    answer.end()
    for remark in filter(None, remarks if not is_quiet else []):
        click.echo(f"poly: {remark}", err=True)


def _remark(event: Event, *, is_biased: bool) -> str:
    match event:
        case Recalled(hits=hits, n_without_room=n) if n:
            return f"of {len(hits) + n} chunks that were recalled, the last {n} had no place in the context"
        case Done(finish_reason="length") if is_biased:
            return "the answer was brought to its shortest end at the limit of tokens; it fits its schema"
        case Truncated(n_tokens=n_tokens, n_turns=n_turns):
            return f"the context is full: the {n_tokens} tokens of the oldest turns ({n_turns}) are forgotten"
        case Done(finish_reason="length", usage=usage) if not usage.context_size:  # a server that does not tell it
            n_tokens = usage.completion_tokens
            return f"the answer was cut off after {n_tokens} tokens: at max_tokens, or at the end of the context"
        case Done(finish_reason="length", usage=usage) if usage.context_tokens >= usage.context_size:
            return f"the answer was cut off: the context of {usage.context_size} tokens is full"
        case Done(finish_reason="length", usage=usage):
            return f"the answer was cut off: it reached its limit, max_tokens = {usage.completion_tokens}"
        case Done(usage=usage) if not usage.completion_tokens:
            return "the model had nothing to say"
        case _:
            return ""


def _outcome(done: Done) -> dict[str, object]:
    timings = done.timings
    n_after_first = done.usage.completion_tokens - 1  # the time of the first token is that of reading the prompt
    seconds = timings.first_token_s + timings.decode_s
    return {
        "finish_reason": done.finish_reason,
        "usage": asdict(done.usage),
        "timings": {
            **{key: round(value, 6) for key, value in asdict(timings).items()},
            "first_token_s": round(timings.first_token_s, 6),
            "seconds": round(seconds, 6),
            "tokens_per_second": round(n_after_first / timings.decode_s, 2)
            if n_after_first > 0 and timings.decode_s > 0
            else None,
        },
    }
