"""Documents that are about to be forgotten, and can be had back.

A document stays in its memory until its time is over, and is only shown as struck out. So nothing is lost when the
program is killed meanwhile, nobody was told that it is gone before it is, and having it back costs nothing: there is no
copy of it that could take the place of what another program put there since.
"""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["GRACE_S", "Bin", "Thrown"]

GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Thrown:
    """Documents of a memory that were deleted at once, to be forgotten from `due` on."""

    memory: str
    sources: tuple[str, ...]
    due: float


class Bin:
    """What was deleted lately. Times are in seconds, from wherever."""

    def __init__(self) -> None:
        self._thrown: list[Thrown] = []

    def throw(self, memory: str, sources: Iterable[str], now: float) -> Thrown | None:
        """Delete documents; None if they are all in here already."""
        new = tuple(source for source in sources if not self.holds(memory, source))
        if not new:
            return None
        self._thrown.append(Thrown(memory, new, now + GRACE_S))
        return self._thrown[-1]

    def take_back(self, memory: str) -> Thrown | None:
        """Have back what was deleted last of a memory; None if there is nothing left to be had back."""
        last = next((one for one in reversed(self._thrown) if one.memory == memory), None)
        if last is not None:
            self._thrown.remove(last)
        return last

    def spare(self, memory: str, source: str) -> None:
        """Have back one document, because it is wanted after all."""
        self._thrown = [
            Thrown(one.memory, tuple(s for s in one.sources if (one.memory, s) != (memory, source)), one.due)
            for one in self._thrown
        ]
        self._thrown = [one for one in self._thrown if one.sources]

    def empty(self, now: float | None = None) -> list[Thrown]:
        """Take out what is to be forgotten by now; all of it, if no time is given."""
        due = [one for one in self._thrown if now is None or one.due <= now]
        self._thrown = [one for one in self._thrown if one not in due]
        return due

    def holds(self, memory: str, source: str) -> bool:
        """Whether a document is about to be forgotten."""
        return any(one.memory == memory and source in one.sources for one in self._thrown)

    def sources(self, memory: str) -> frozenset[str]:
        """All documents of a memory that are about to be forgotten."""
        return frozenset(source for one in self._thrown if one.memory == memory for source in one.sources)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is about to be forgotten."""
        return not self._thrown
