"""What a rendered text is made of, before anybody knows how wide it will be."""

from dataclasses import dataclass, field
from typing import TypeAlias

from poly_tui.transcript.ink import Inked

__all__ = ["Cells", "Grid", "Lead", "Lines", "Piece", "Rule", "Table"]


@dataclass(frozen=True, slots=True)
class Lead:
    """What stands before the first row of something, and before its other rows: signs of quotes, markers of items."""

    first: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that begins a row of its own, after an empty one if `has_gap`."""

    lead: Lead
    has_gap: bool


@dataclass(frozen=True, slots=True)
class Lines(Piece):
    """Lines to be wrapped. Those of code are filled up with their background.

    If there is a `joint`, the first of them goes on in the last row of the piece before, behind that joint.
    """

    lines: tuple[Inked, ...]
    is_code: bool = False
    joint: str | None = None


@dataclass(frozen=True, slots=True)
class Rule(Piece):
    """A rule across the page."""


Cells: TypeAlias = tuple[Inked, ...]
"""One row of a table."""


@dataclass(slots=True, eq=False)
class Table:
    """The rows of a table, the header first. More rows may be added."""

    aligns: tuple[str, ...]
    rows: list[Cells] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Grid(Piece):
    """A table, or if it `goes_on` rows that follow those of the piece before, as wide as they are."""

    table: Table
    goes_on: bool = False
