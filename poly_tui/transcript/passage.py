"""Text that knows which stretches of it the model had no choice about."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeAlias

__all__ = ["Passage"]

_Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Passage:
    """Text, and the spans of it that were forced: in order, none of them empty, no two of them adjacent.

    It is added, stripped and sliced like a string.
    """

    text: str = ""
    forced: tuple[_Span, ...] = ()

    @classmethod
    def of(cls, text: str, *, is_forced: bool) -> "Passage":
        """Text of one kind."""
        return cls(text, ((0, len(text)),) if text and is_forced else ())

    @classmethod
    def join(cls, passages: Iterable["Passage"]) -> "Passage":
        """Passages one after the other."""
        texts: list[str] = []
        forced: list[_Span] = []
        offset = 0
        for passage in passages:
            texts.append(passage.text)
            for start, end in passage.forced:
                is_adjacent = bool(forced) and forced[-1][1] == offset + start
                forced.append((forced.pop()[0] if is_adjacent else offset + start, offset + end))
            offset += len(passage.text)
        return cls("".join(texts), tuple(forced))

    def __len__(self) -> int:
        return len(self.text)

    def __add__(self, more: "Passage") -> "Passage":
        return Passage.join((self, more))

    def __getitem__(self, part: slice) -> "Passage":
        start, end, _ = part.indices(len(self.text))
        if start >= end:
            return Passage()
        # The spans are searched, not walked through: cutting a long line into rows stays linear
        first = bisect_right(self.forced, start, key=itemgetter(1))
        last = bisect_left(self.forced, end, key=itemgetter(0))
        forced = tuple((max(begin, start) - start, min(stop, end) - start) for begin, stop in self.forced[first:last])
        return Passage(self.text[start:end], forced)

    def lstrip(self, characters: str) -> "Passage":
        """The passage without `characters` at its beginning."""
        return self[len(self.text) - len(self.text.lstrip(characters)) :]

    def rstrip(self) -> "Passage":
        """The passage without white space at its end."""
        return self[: len(self.text.rstrip())]

    def lines(self) -> Iterator["Passage"]:
        """What stands between the newlines; at least one line, which may be empty."""
        start = 0
        for line in self.text.split("\n"):
            yield self[start : start + len(line)]
            start += len(line) + 1

    def runs(self) -> Iterator[tuple[str, bool]]:
        """The stretches of text in order, and whether each of them was forced."""
        offset = 0
        for start, end in self.forced:
            if offset < start:
                yield self.text[offset:start], False
            yield self.text[start:end], True
            offset = end
        if offset < len(self.text):
            yield self.text[offset:], False

    def map(self, change: Callable[[str], str]) -> "Passage":
        """Every stretch changed, to text of any length. It must not matter to `change` where a text is cut."""
        return Passage.join(Passage.of(change(text), is_forced=is_forced) for text, is_forced in self.runs())
