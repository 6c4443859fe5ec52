"""Calls in a text that is bound to be calls, while it is written."""

import re
import uuid
from collections.abc import Iterator

from poly_engine.tools.form import ID_LETTERS, CallForm
from poly_engine.tools.types import Calling, ToolCall

__all__ = ["CallReader"]

_NAME_ENDS = re.compile(r"[^a-zA-Z0-9_.-]")
_ID = f"[a-zA-Z0-9]{{{ID_LETTERS}}}"


class CallReader:
    """Reads what a model writes in a form, piece by piece, as it comes: the form is kept to, or it is a bug of ours."""

    def __init__(self, form: CallForm) -> None:
        self.calls: list[ToolCall] = []
        """Those that are complete."""
        self.n_read = 0
        """How many characters were read."""
        self._form = form
        self._text = ""
        self._steps = self._read()
        next(self._steps)

    def feed(self, text: str) -> list[Calling | ToolCall]:
        """Take the next piece, and return what it tells."""
        self._text += text
        self.n_read += len(text)
        events: list[Calling | ToolCall] = []
        while (event := next(self._steps)) is not None:
            events.append(event)
        return events

    def _read(self) -> Iterator[Calling | ToolCall | None]:
        """What the text tells, and None where more of it has to come."""
        joint = self._form.joint
        behind = None if joint is None else re.compile(_ID.join(map(re.escape, self._form.parts_of(joint))))
        n_behind = self._form.length_of(joint or "")
        yield None
        yield from self._until(len(self._form.start))
        self._take(len(self._form.start))
        while True:
            yield from self._call()
            yield from self._until(n_behind)
            while behind is None or not behind.match(self._text):  # that was the last one
                yield None
            self._take(n_behind)

    def _call(self) -> Iterator[Calling | ToolCall | None]:
        while (end := _NAME_ENDS.search(self._text)) is None:
            yield None
        number, call_id, name = len(self.calls), f"call_{uuid.uuid4().hex[:24]}", self._take(end.start())
        yield Calling(number, call_id, name, "")
        n_between = self._form.length_of(self._form.middle)
        yield from self._until(n_between)
        self._take(n_between)
        arguments, scanner = "", ObjectScanner()
        while not scanner.is_over:
            yield from self._until(1)
            piece = self._take(scanner.scan(self._text))
            arguments += piece
            yield Calling(number, call_id, name, piece)
        self.calls.append(ToolCall(call_id, name, arguments))
        yield self.calls[-1]

    def _until(self, n: int) -> Iterator[None]:
        while len(self._text) < n:
            yield None

    def _take(self, n: int) -> str:
        taken, self._text = self._text[:n], self._text[n:]
        return taken


class ObjectScanner:
    """Finds the end of a JSON object in a text that comes in pieces."""

    def __init__(self) -> None:
        self.is_over = False
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False

    def scan(self, text: str) -> int:
        """How many characters of the next piece belong to the object."""
        for place, letter in enumerate(text):
            if self._is_in_string:
                self._is_in_string = self._is_escaped or letter != '"'
                self._is_escaped = letter == "\\" and not self._is_escaped
            elif letter == '"':
                self._is_in_string = True
            else:
                self._depth += (letter in "{[") - (letter in "}]")
                if not self._depth:
                    self.is_over = True
                    return place + 1
        return len(text)
