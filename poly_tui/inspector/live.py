"""The page with the figures of an answer, which move while it is written."""

from collections.abc import Iterator
from typing import TypeAlias

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from poly_tui.inspector.bars import gauge, sparkline
from poly_tui.inspector.figures import Figures
from poly_tui.transcript.clean import clean

__all__ = ["LivePage", "figure_rows"]

UNKNOWN = "-"
NAME_CELLS = 11
GAUGE_CELLS = 8
BIAS_STATES = {
    "open": ("● valid so far", ""),
    "closing": ("▼ closing: the tokens run out", "$text-warning"),
    "complete": ("✓ complete", "$text-success"),
}

_Words: TypeAlias = tuple[str, str]


class LivePage(VerticalScroll):
    """Shows Figures."""

    def __init__(self) -> None:
        super().__init__(id="live")
        self._table = _Table()

    def compose(self) -> ComposeResult:
        """The figures."""
        yield self._table

    def show(self, figures: Figures) -> None:
        """Show other figures. The same ones are not painted again."""
        self._table.figures = figures


class _Table(Widget):
    """One row for each figure, whether it is known or not, so that nothing moves but the figures."""

    figures: reactive[Figures] = reactive(Figures())

    def render(self) -> Content:
        """The rows."""
        return Content("\n").join(figure_rows(self.figures, self.size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        """There are always as many rows."""
        return len(figure_rows(Figures(), width))


def figure_rows(figures: Figures, width: int) -> list[Content]:
    """The figures as rows of `width` cells."""
    return [_pace(figures, width), Content(""), *(_row(name, words, width) for name, words in _named(figures))]


def _pace(figures: Figures, width: int) -> Content:
    """The speed now, how it was since the beginning, and the highest."""
    speed = Content.assemble(
        (_number(figures.tokens_per_s, 1), "bold $text-accent" if figures.is_writing else "bold"), (" tok/s ", "dim")
    )
    # The slices of a short answer are few: where even the fastest is slower than the whole, it is no peak
    has_peak = figures.peak is not None and figures.peak >= (figures.tokens_per_s or 0.0)
    peak = Content.assemble((" peak ", "dim"), _number(figures.peak, 1)) if has_peak else Content("")
    line = sparkline(figures.speeds, width - speed.cell_length - peak.cell_length)
    return Content.assemble(speed, (line, "$text-accent"), peak)


def _named(figures: Figures) -> Iterator[tuple[str, list[_Words]]]:
    """Each figure in words, with the style of each of them."""
    yield "state", [(clean(figures.state) or UNKNOWN, "bold" if figures.is_writing else "")]
    yield "prompt", _counted(figures.n_prompt, "tok")
    yield "  cached", _counted(figures.n_cached, "tok")
    yield "  read", [*_seconds(figures.prefill_s), *_speed(figures.prefill_per_s)]
    yield "queued", _seconds(figures.queued_s)
    yield "first token", _seconds(figures.first_token_s)
    yield "reply", _counted(figures.n_reply, "tok")
    yield "thinking", [*_counted(figures.n_thought, "tok"), *(_seconds(figures.thought_s) if figures.thought_s else [])]
    yield "context", _context(figures)
    yield "schema", [BIAS_STATES[figures.bias_state] if figures.bias_state else ("none", "dim")]
    yield "  forced", _percent(figures.forced_share)
    yield "task", [(clean(figures.task) or UNKNOWN, "")]
    yield "model", [(clean(figures.model) or UNKNOWN, "")]
    yield "memory", [(clean(figures.memory) or "none", "" if figures.memory else "dim")]


def _row(name: str, words: list[_Words], width: int) -> Content:
    row = Content.assemble((f"{name:<{NAME_CELLS}} ", "dim"), *words)
    return row.truncate(width, ellipsis=True)


def _counted(n: int | None, unit: str) -> list[_Words]:
    return [(UNKNOWN, "dim")] if n is None else [(f"{n}", ""), (f" {unit}  ", "dim")]


def _seconds(seconds: float | None) -> list[_Words]:
    if seconds is None:
        return [(UNKNOWN, "dim")]
    return (
        [(f"{seconds:.2f}", ""), (" s  ", "dim")]
        if seconds >= 0.1
        else [(f"{1000 * seconds:.1f}", ""), (" ms  ", "dim")]
    )


def _speed(per_s: float | None) -> list[_Words]:
    return [] if per_s is None else [(f"{per_s:.0f}", ""), (" tok/s", "dim")]


def _percent(share: float | None) -> list[_Words]:
    return [(UNKNOWN, "dim")] if share is None else [(f"{share:.0%}".replace("%", " %"), "")]


def _context(figures: Figures) -> list[_Words]:
    share = figures.context_share
    if share is None:
        return [(UNKNOWN, "dim")]
    full, empty = gauge(share, GAUGE_CELLS)
    style = "$text-error" if share > 0.9 else "$text-warning" if share > 0.75 else "$text-success"
    return [
        (full, style),
        (empty, "dim"),
        (f" {_short(figures.context_used)}/{_short(figures.context_size)}", ""),
        (f" {share:.0%}", "dim"),
    ]


def _short(n_tokens: int | None) -> str:
    n = n_tokens or 0
    return str(n) if n < 1000 else f"{n / 1000:.1f}k"


def _number(value: float | None, n_digits: int) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.{n_digits}f}" if value < 1000 else f"{value:.0f}"
