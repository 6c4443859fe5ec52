"""Taking private texts out of text that arrives in pieces."""

from collections.abc import Iterable

from poly_engine.text.stops import longest_overlap


class Redactor:
    """Passes text on without any of the private texts in it, holding back what may become one."""

    def __init__(self, private: Iterable[str]) -> None:
        self._private = sorted(private, key=len, reverse=True)
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece and return what is now safe to show."""
        if not self._private:
            return text
        self._held += text
        while any(private in self._held for private in self._private):  # again: a removal may join another one
            for private in self._private:
                self._held = self._held.replace(private, "")
        n = len(self._held) - longest_overlap(self._held, self._private)
        passed, self._held = self._held[:n], self._held[n:]
        return passed

    def flush(self) -> str:
        """The text ends here: return what was held back."""
        passed, self._held = self._held, ""
        return passed
