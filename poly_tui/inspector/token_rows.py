"""Tokens in rows of at most so many cells, each with a mark behind it that is the higher the less likely it was."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import exp

from rich.cells import cell_len, set_cell_size

from poly_engine.types import Token
from poly_tui.inspector.bars import level
from poly_tui.transcript.clean import clean, drawable

__all__ = ["Likelihood", "TokenCell", "TokenRows", "likelihood", "probability", "rank", "spelling"]

LIKELY = 0.8
FAIR = 0.3
HELD = "·"
"""What stands for a token without a text: it was held back until it was clear what it belongs to."""


class Likelihood(Enum):
    """How likely a token was; the value is the name of the component class that styles it."""

    UNKNOWN = "tokens--unknown"
    FORCED = "tokens--forced"
    LIKELY = "tokens--likely"
    FAIR = "tokens--fair"
    UNLIKELY = "tokens--unlikely"


@dataclass(frozen=True, slots=True)
class TokenCell:
    """A token as it is painted: what it spells, and the mark behind it, one cell wide, where the next one begins."""

    text: str
    mark: str
    likelihood: Likelihood

    @classmethod
    def of(cls, token: Token) -> "TokenCell":
        """The cell of a token."""
        kind, p = likelihood(token), probability(token)
        mark = "=" if kind is Likelihood.FORCED else "│" if p is None else level(1 - p)
        return cls(spelling(token) or HELD, mark, kind)


def probability(token: Token) -> float | None:
    """How likely the model found a token, 0 to 1; None if it was not asked."""
    if token.logprobs is None or token.logprobs.logprob is None:
        return None
    return exp(token.logprobs.logprob)


def rank(token: Token) -> int | None:
    """The place of a token among the likeliest ones, from 1; None if it is not among those that are known."""
    others = token.logprobs.alternatives if token.logprobs else ()
    return next((place for place, other in enumerate(others, 1) if other.id == token.id), None)


def likelihood(token: Token) -> Likelihood:
    """How likely a token was, in words."""
    if token.is_forced:
        return Likelihood.FORCED
    p = probability(token)
    if p is None:
        return Likelihood.UNKNOWN
    return Likelihood.LIKELY if p >= LIKELY else Likelihood.FAIR if p >= FAIR else Likelihood.UNLIKELY


def spelling(token: Token) -> str:
    """What a token spells, in one line: its own bytes if they are known, else what of them was shown."""
    text = bytes(token.logprobs.piece).decode("utf-8", "replace") if token.logprobs else token.text
    return spelled(text)


def spelled(text: str) -> str:
    """Text in one line, its newlines seen."""
    return drawable(clean(text)).replace("\n", "⏎")


class TokenRows:
    """The rows. Appending a token never changes a row but the last one."""

    def __init__(self, width: int) -> None:
        self.cells: list[TokenCell] = []
        self._width = max(4, width)
        self._starts = [0]
        self._used = 0
        self._ends_line = False

    def __len__(self) -> int:
        return len(self._starts)

    def extend(self, tokens: Sequence[Token]) -> None:
        """Add tokens."""
        for token in tokens:
            self._add(TokenCell.of(token))

    def row(self, y: int) -> range:
        """The numbers of the tokens in a row."""
        end = self._starts[y + 1] if y + 1 < len(self._starts) else len(self.cells)
        return range(self._starts[y], end)

    def row_of(self, number: int) -> int:
        """The row that a token is in."""
        return bisect_right(self._starts, number) - 1

    def _add(self, cell: TokenCell) -> None:
        n_cells = cell_len(cell.text)
        if n_cells >= self._width:
            cell = TokenCell(set_cell_size(cell.text, self._width - 2) + "…", cell.mark, cell.likelihood)
            n_cells = self._width - 1
        is_full = self._used > 0 and self._used + n_cells + 1 > self._width
        if is_full or self._ends_line:
            self._starts.append(len(self.cells))
            self._used = 0
        self.cells.append(cell)
        self._used += n_cells + 1
        self._ends_line = cell.text.endswith("⏎")
