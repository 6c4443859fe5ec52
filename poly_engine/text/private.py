"""Taking private texts out of text that arrives in pieces."""

from collections.abc import Iterable

from poly_engine.text.stops import longest_overlap


class Redactor:
    """Passes text on without any of the private texts in it, holding back what may become one.

    What comes out does not depend on how the text was cut into pieces. Where a private text was taken out, what stood
    around it could join to another one ("se<secret>cret"): what would complete that is taken out as well.
    """

    def __init__(self, private: Iterable[str]) -> None:
        self._private = sorted(private, key=len, reverse=True)
        self._held = ""
        self._shown = ""  # the end of it, as long as it may be a part of a private text

    def feed(self, text: str) -> str:
        """Take the next piece and return what is now safe to show."""
        return "".join(map(self._take, text)) if self._private else text

    def flush(self) -> str:
        """The text ends here: return what was held back."""
        held, self._held = self._held, ""
        return self._show(held)

    def _take(self, character: str) -> str:
        held = self._without_private_end(self._held + character)
        n = len(held) - longest_overlap(held, self._private)
        self._held = held[n:]
        return self._show(held[:n])

    def _show(self, text: str) -> str:
        shown = ""
        for character in text:
            if self._without_private_end(self._shown + character) == self._shown + character:
                shown += character
                self._shown = (self._shown + character)[-len(self._private[0]) :]
        return shown

    def _without_private_end(self, text: str) -> str:
        private = next((private for private in self._private if text.endswith(private)), "")
        return text.removesuffix(private)
