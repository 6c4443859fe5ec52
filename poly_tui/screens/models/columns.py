"""The table of models as rows of text: as many columns as fit, those that matter most first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content

from poly_tui.commands.listing import Bytes, Count
from poly_tui.screens.models.facts import ModelFacts
from poly_tui.transcript.clean import clean

__all__ = ["Table", "laid_out", "state_of"]

GAP = 2
SHORTEST_NAME, LONGEST_NAME = 8, 28
LONGEST_USERS = 40


@dataclass(frozen=True, slots=True)
class Table:
    """A header, and one row for each model."""

    header: Content
    rows: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    """What stands in it. Those of a higher `rank` go first where there is no room."""

    title: str
    rank: int
    cell: Callable[[ModelFacts], Content]
    is_right: bool = False
    most: int = 40


def state_of(facts: ModelFacts) -> Content:
    """The state of a model, as a glyph and a word."""
    share = facts.seen.loaded_share
    if facts.is_loading:
        return Content.styled(
            "◌ loading" if share is None else f"◌ loading {share:.0%}".replace("%", " %"), "$text-accent"
        )
    if facts.is_loaded:
        return Content.styled("● answers" if facts.info.is_remote else "● loaded", "$text-success")
    if facts.info.state == "failed" or facts.problem:
        return Content.styled("✗ failed", "$text-error")
    if facts.info.is_remote:
        return Content.styled("○ not asked", "dim")
    return Content.styled("○ on disk" if facts.info.size_bytes is not None else "○ not here", "dim")


def laid_out(models: Sequence[ModelFacts], width: int) -> Table:
    """The table in `width` cells."""
    columns = list(COLUMNS)
    while _width(columns, models) > width and len(columns) > 2:
        columns.remove(max(columns, key=lambda column: column.rank))
    widths = [_column_width(column, models) for column in columns]
    widths[0] = max(SHORTEST_NAME, min(widths[0], width - sum(widths[1:]) - GAP * (len(columns) - 1)))
    header = _row([Content.styled(column.title, "dim") for column in columns], columns, widths)
    return Table(header, tuple(_row([column.cell(one) for column in columns], columns, widths) for one in models))


def _width(columns: Sequence[_Column], models: Sequence[ModelFacts]) -> int:
    least_name = max(SHORTEST_NAME, min(_column_width(columns[0], models), SHORTEST_NAME + 8))
    return least_name + sum(_column_width(column, models) + GAP for column in columns[1:])


def _column_width(column: _Column, models: Sequence[ModelFacts]) -> int:
    cells = [column.cell(one).cell_length for one in models]
    return min(max([len(column.title), *cells]), column.most)


def _row(cells: Sequence[Content], columns: Sequence[_Column], widths: Sequence[int]) -> Content:
    parts = [_padded(*one) for one in zip(cells, columns, widths, strict=True)]
    return Content(" " * GAP).join(parts)


def _padded(cell: Content, column: _Column, width: int) -> Content:
    cut = cell.truncate(width, ellipsis=True)
    room = Content(" " * (width - cut.cell_length))
    return room + cut if column.is_right else cut + room


def _text(text: str | None) -> Content:
    return Content(" ".join(clean(text).split())) if text else Content.styled("—", "dim")


def _speed(facts: ModelFacts) -> Content:
    speed = facts.tokens_per_s
    return _text(None if speed is None else f"{speed:.1f}" if speed < 1000 else f"{speed:.0f}")


def _number(value: int | None) -> Content:
    return _text(None if value is None else str(Count(value)))


COLUMNS = (
    _Column("Name", 0, lambda facts: Content.styled(" ".join(clean(facts.name).split()), "bold"), most=LONGEST_NAME),
    _Column("Arch", 6, lambda facts: _text(facts.info.architecture), most=12),
    _Column("Params", 7, lambda facts: _number(facts.info.n_params), is_right=True),
    _Column("Quant", 4, lambda facts: _text(facts.info.quantization)),
    _Column(
        "Size",
        2,
        lambda facts: _text(None if facts.info.size_bytes is None else str(Bytes(facts.info.size_bytes))),
        is_right=True,
    ),
    _Column("Device", 8, lambda facts: _text(facts.info.device)),
    _Column("State", 1, state_of),
    _Column(
        "Context",
        5,
        lambda facts: _text(None if facts.info.context_size is None else str(facts.info.context_size)),
        is_right=True,
    ),
    _Column("tok/s", 3, _speed, is_right=True),
    _Column("Used by", 9, lambda facts: _text(facts.users), most=LONGEST_USERS),
)
