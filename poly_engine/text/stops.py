"""Finding stop sequences in text that arrives in pieces."""

from collections.abc import Iterable


class StopMatcher:
    """Passes text on up to the first stop sequence to be completed, and never lets a part of one through.

    What comes out does not depend on how the text was cut into pieces. Of two sequences that are completed by the
    same character, the one that began first counts. `openings` are others that count only where nothing but spaces
    stands before them.
    """

    def __init__(self, stops: Iterable[str], openings: Iterable[str] = ()) -> None:
        self._stops = tuple(stops)
        self._openings = tuple(openings)
        self._held = ""
        self._n_passed = 0
        self.found: str | None = None
        """The stop sequence that was found."""
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
        if found := self._find():
            _, begin, self.found = found
            self.stopped_at = self._n_passed + begin
            return self._pass(begin, keep=False)
        if self._may_open():
            return ""
        return self._pass(len(self._held) - longest_overlap(self._held, self._stops))

    def flush(self) -> str:
        """The text ends here: return what was held back because it might have become a stop sequence."""
        return self._pass(len(self._held))

    def _find(self) -> tuple[int, int, str] | None:
        """Where the first stop sequence ends and begins, and which it is."""
        found = [(at + len(stop), at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if self._openings and not self._n_passed:
            n_spaces = len(self._held) - len(self._held.lstrip())
            begun = (opening for opening in self._openings if self._held.startswith(opening, n_spaces))
            found += [(n_spaces + len(opening), n_spaces, opening) for opening in begun]
        return min(found, default=None)

    def _may_open(self) -> bool:
        """Whether the text is as far as the beginning of an opening."""
        if self._n_passed or not self._openings:
            return False
        text = self._held.lstrip()
        return any(opening.startswith(text) for opening in self._openings)

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
