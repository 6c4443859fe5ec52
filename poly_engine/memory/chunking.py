"""Cutting a document into chunks that an embedding model can take, where a reader would cut it.

A chunk is as long as it may be, and ends at the strongest boundary in the last seven tenths of what is in reach.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Protocol

from poly_engine.errors import InvalidRequest
from poly_engine.memory.atoms import Atoms, TokenCounter, measure
from poly_engine.memory.boundaries import Ending, Rank, edge_after, edge_before, gap_rank, separator_ends

__all__ = ["Chunk", "ChunkSettings", "HeadingLike", "TokenCounter", "chunk"]


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """How long chunks are. Raises InvalidRequest for what cannot be.

    `max_tokens` is the most that the counter may find in a chunk. `separators`, the strongest first, say where to cut;
    by default the text does. `overlap_tokens`, at most half of a chunk, are repeated from the end of the chunk before.
    """

    max_tokens: int
    separators: tuple[str, ...] = (" ",)
    overlap_tokens: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InvalidRequest(f"a chunk of at most {self.max_tokens} tokens holds nothing: allow at least 1")
        if not 0 <= self.overlap_tokens <= self.max_tokens // 2:
            raise InvalidRequest(
                f"chunks of {self.max_tokens} tokens cannot overlap by {self.overlap_tokens}: "
                f"choose 0 to {self.max_tokens // 2}"
            )
        if "" in self.separators:
            raise InvalidRequest("a separator of chunks is empty: leave it out")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a text: text[start:end], of `n_tokens`. `headings` are the titles of what it stands under, outermost
    first, with a heading that it begins with. Pages count from 1 and are None for a text without pages.
    """

    start: int
    end: int
    n_tokens: int
    headings: tuple[str, ...]
    first_page: int | None
    last_page: int | None


class HeadingLike(Protocol):
    """A heading that begins at `start`; `level` 1 is the highest."""

    @property
    def start(self) -> int:
        """Where its line or its title begins in the text."""

    @property
    def level(self) -> int:
        """1 for the title of a document or a chapter, more for what lies within."""

    @property
    def title(self) -> str:
        """Its text."""


def chunk(
    text: str,
    settings: ChunkSettings,
    counter: TokenCounter,
    *,
    headings: Sequence[HeadingLike] = (),
    page_starts: Sequence[int] = (),
) -> list[Chunk]:
    """Cut a text into chunks, in order. Only white space lies between them, and none is nothing but white space.

    What is counted is the text of a chunk; a counter that filters first counts what will be embedded. `headings` are
    in order, page n begins at `page_starts[n - 1]`. Raises InvalidRequest when a single character has more tokens than
    a chunk may have.
    """
    is_default = settings.separators == (" ",)
    cuts = {} if is_default else separator_ends(text, settings.separators)
    longest_part = min(max(settings.max_tokens // 16, 1), _LONGEST_PART)
    atoms = measure(text, counter, longest_part=longest_part, cuts=cuts)
    _weaken_page_breaks(atoms, text, page_starts)
    outline = _Outline(text, headings)
    outline.mark(atoms, text)
    return [
        Chunk(start, end, n_tokens, outline.path(start), *_pages(page_starts, start, end))
        for start, end, n_tokens in _Cutter(text, settings, counter, atoms).cut()
    ]


_LONGEST_PART = 16
_LEAST_FILL = 0.3
_MOST_TRIES = 8

_Span = tuple[int, int, int]
"""Start, end, tokens."""


class _Cutter:
    """Chooses where chunks end by what their atoms are estimated to take, and counts each that it gives."""

    def __init__(self, text: str, settings: ChunkSettings, counter: TokenCounter, atoms: Atoms) -> None:
        self._text = text
        self._budget = settings.max_tokens
        self._overlap = settings.overlap_tokens
        self._counter = counter
        self._atoms = atoms

    def cut(self) -> Iterator[_Span]:
        """Yield the chunks."""
        first = fresh = 0  # the atoms that the next chunk begins with, and that no chunk holds yet
        while fresh < len(self._atoms):
            fitting = self._fit(first, fresh + 1)
            if fitting is not None:
                last, n_tokens = fitting
                yield self._atoms.starts[first], self._atoms.ends[last - 1], n_tokens
                first, fresh = self._repeated(first, last), last
            elif first < fresh:  # with what is repeated, there is no room for anything new
                first = fresh
            else:
                yield from self._parts(first)
                first = fresh = first + 1

    def _fit(self, first: int, least: int) -> tuple[int, int] | None:
        """Where a chunk from atom `first` to before another one, not before `least`, ends best, and its tokens."""
        sums = self._atoms.sums
        target, shrink = self._budget, 1.0
        while True:
            last = self._best_end(first, least, target)
            n_tokens = self._count(self._atoms.starts[first], self._atoms.ends[last - 1])
            if n_tokens <= self._budget:
                return last, n_tokens
            if last == least:
                return None
            # The estimate was too low: aim lower by as much, and by more each time, so that few counts suffice.
            estimate = sums[last] - sums[first]
            target = min(estimate - 1, int(estimate * self._budget / n_tokens * shrink))
            shrink = max(0.5, shrink - 0.1)

    def _best_end(self, first: int, least: int, target: int) -> int:
        """The last of the strongest boundaries that are reached with 30 % to all of `target` tokens."""
        sums, ranks = self._atoms.sums, self._atoms.ranks
        reach = max(bisect_right(sums, sums[first] + target, first) - 1, least)
        if reach >= len(self._atoms):
            return len(self._atoms)
        strongest = max(ranks[least - 1 : reach])
        if strongest >= Rank.SEPARATOR:  # what is configured counts however short the chunk becomes
            return ranks.rfind(strongest, least - 1, reach) + 1
        enough = bisect_left(sums, sums[first] + _LEAST_FILL * target, first)
        begin = min(max(enough, least), reach) - 1
        return ranks.rfind(max(ranks[begin:reach]), begin, reach) + 1

    def _repeated(self, first: int, last: int) -> int:
        """The atom that the chunk after [first, last) begins with: a sentence or a word of it, or `last`."""
        if not self._overlap or last >= len(self._atoms):
            return last
        sums, ranks = self._atoms.sums, self._atoms.ranks
        begin = max(bisect_left(sums, sums[last] - self._overlap), first + 1)
        for rank in (Rank.SENTENCE, Rank.WORD):
            starts = (atom for atom in range(begin, last) if ranks[atom - 1] >= rank)
            for start in islice(starts, _MOST_TRIES):
                if self._count(self._atoms.starts[start], self._atoms.ends[last - 1]) <= self._overlap:
                    return start
        return last

    def _parts(self, atom: int) -> Iterator[_Span]:
        """Cut an atom that is no chunk itself, between its characters."""
        start, end = self._atoms.starts[atom], self._atoms.ends[atom]
        while start < end:
            part_end, n_tokens = self._part(start, end)
            yield start, part_end, n_tokens
            start = part_end

    def _part(self, start: int, end: int) -> tuple[int, int]:
        while (n_tokens := self._count(start, end)) > self._budget:
            if edge_after(self._text, start + 1) >= end:
                raise InvalidRequest(
                    f"{self._text[start:end]!r} is one character of {n_tokens} tokens, and a chunk may have "
                    f"{self._budget}: allow longer chunks"
                )
            middle = start + max(1, (end - start) * self._budget // n_tokens)
            end = min(edge_before(self._text, min(middle, end - 1), start), end - 1)
        return end, n_tokens

    def _count(self, start: int, end: int) -> int:
        (n_tokens,) = self._counter.count([self._text[start:end]])
        return n_tokens


class _Outline:
    """The headings of a text, each at the begin of its line."""

    def __init__(self, text: str, headings: Sequence[HeadingLike]) -> None:
        self._starts = [_line_start(text, heading.start) for heading in headings]
        self._paths = list(_paths(headings))

    def path(self, position: int) -> tuple[str, ...]:
        """The titles of the headings above a position."""
        n_above = bisect_right(self._starts, position)
        return self._paths[n_above - 1] if n_above else ()

    def mark(self, atoms: Atoms, text: str) -> None:
        """Cut best before a heading, and hardly behind it. Configured separators are stronger."""
        for start in self._starts:
            _mark(atoms, atoms.at(start), Rank.HEADING)
        for start, limit in pairwise([*self._starts, len(text)]):
            line_end = text.find("\n", start, limit)
            if line_end >= 0:
                _mark(atoms, atoms.at(line_end), Rank.WORD)


def _line_start(text: str, position: int) -> int:
    """Where the line begins that holds the title of a heading behind the marks of Markdown."""
    start = text.rfind("\n", max(0, position - 8), position) + 1
    is_marked = not text[start:position].strip("# ") and (start > 0 or position <= 8)
    return start if is_marked else position


def _paths(headings: Sequence[HeadingLike]) -> Iterator[tuple[str, ...]]:
    above: list[HeadingLike] = []
    for heading in headings:
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        yield tuple(one.title for one in above)


def _mark(atoms: Atoms, atom: int, rank: Rank) -> None:
    if 0 < atom < len(atoms) and atoms.ranks[atom - 1] < Rank.SEPARATOR:
        atoms.ranks[atom - 1] = rank


def _weaken_page_breaks(atoms: Atoms, text: str, page_starts: Sequence[int]) -> None:
    """A page ends wherever it is full: the empty line between two of them is no paragraph's end."""
    for page_start in page_starts:
        atom = atoms.at(page_start)
        if 0 < atom < len(atoms) and atoms.ends[atom - 1] <= page_start:
            before = text[atoms.starts[atom - 1] : atoms.ends[atom - 1]]
            is_lower = text[atoms.starts[atom]].islower()
            _mark(atoms, atom, gap_rank(" ", Ending.of(before), is_before_lower=is_lower))


def _pages(page_starts: Sequence[int], start: int, end: int) -> tuple[int | None, int | None]:
    if not page_starts:
        return None, None
    first, last = bisect_right(page_starts, start), bisect_right(page_starts, end - 1)
    return max(first, 1), max(last, 1)
