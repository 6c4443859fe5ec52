"""Finding stop sequences in text that arrives in pieces."""

from collections.abc import Iterable


class StopMatcher:
    """Passes text on up to the first stop sequence to be completed, and never lets a part of one through.

    What comes out does not depend on how the text was cut into pieces. Of two sequences that are completed by the
    same character, the one that began first counts.
    """

    def __init__(self, stops: Iterable[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self._n_passed = 0
        self.stopped_at: int | None = None
        """Where the stop sequence began, in characters from the start of the text; None before one was found."""

    @property
    def n_passed(self) -> int:
        """How many characters came out so far."""
        return self._n_passed

    def feed(self, text: str) -> str:
        """Take the next piece and return what is now safe to show. After a stop, nothing is."""
        if self.stopped_at is not None:
            return ""
        self._held += text
        begin = self._find()
        if begin is not None:
            self.stopped_at = self._n_passed + begin
            return self._pass(begin, keep=False)
        return self._pass(len(self._held) - longest_overlap(self._held, self._stops))

    def flush(self) -> str:
        """The text ends here: return what was held back because it might have become a stop sequence."""
        return self._pass(len(self._held))

    def _find(self) -> int | None:
        found = [(at + len(stop), at) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        return min(found)[1] if found else None

    def _pass(self, n: int, *, keep: bool = True) -> str:
        passed, self._held = self._held[:n], self._held[n:] if keep else ""
        self._n_passed += n
        return passed


def longest_overlap(text: str, patterns: Iterable[str]) -> int:
    """Return the length of the longest end of `text` that is a proper beginning of a pattern."""
    longest = 0
    for pattern in patterns:
        for n in range(min(len(pattern) - 1, len(text)), longest, -1):
            if text.endswith(pattern[:n]):
                longest = n
                break
    return longest
