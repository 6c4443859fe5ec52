"""The text of one answer, as its tokens arrive."""

import codecs
from collections.abc import Iterable

from poly_engine.text.private import Redactor
from poly_engine.text.stops import StopMatcher


class TextStream:
    """Turns the bytes of tokens into text that may be shown: whole characters, nothing private, no part of a stop
    sequence. Bytes that are not UTF-8 become U+FFFD.
    """

    def __init__(self, stops: Iterable[str] = (), private: Iterable[str] = (), openings: Iterable[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = StopMatcher(stops, openings)
        self._redactor = Redactor(private)
        self._text = ""
        self._ends: list[int] = []
        self._is_finished = False

    @property
    def is_stopped(self) -> bool:
        """Whether a stop sequence was found."""
        return self._stops.stopped_at is not None

    @property
    def stop(self) -> str | None:
        """The stop sequence that was found."""
        return self._stops.found

    def push(self, piece: bytes) -> str:
        """Take the bytes of the next token and return the text that may be shown now."""
        text = self._decoder.decode(piece)
        self._text += text
        has_open_character = bool(self._decoder.getstate()[0])
        self._ends.append(-1 if has_open_character else len(self._text))
        return self._redactor.feed(self._stops.feed(text))

    def finish(self) -> str:
        """The answer ends here: return what was held back until now."""
        self._is_finished = True
        rest = "" if self.is_stopped else self._stops.feed(self._decoder.decode(b"", final=True))
        return self._redactor.feed(rest + ("" if self.is_stopped else self._stops.flush())) + self._redactor.flush()

    def kept(self) -> tuple[int, str]:
        """Return how many tokens lie wholly within what was shown, and the text between them and its end.

        Without a stop that is all of them and nothing. A token may straddle the border: the part of it that was
        shown is returned as text, so that a session can remember exactly what its user saw. What was held back when
        an answer was cut short was not seen.
        """
        if self._is_finished and not self.is_stopped:
            return len(self._ends), ""
        n_shown = self._stops.n_passed
        inside = [i for i, end in enumerate(self._ends) if 0 <= end <= n_shown]
        if not inside:
            return 0, self._text[:n_shown]
        return inside[-1] + 1, self._text[self._ends[inside[-1]] : n_shown]
