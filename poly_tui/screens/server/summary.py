"""How the server is, in one or two rows; and what can be done where there is none."""

from textual.content import Content
from textual.widget import Widget

from poly_tui.screens.server.charts import Charts, Figure, sparkline
from poly_tui.screens.server.figures import bytes_text, count_text, seconds_text, span_text
from poly_tui.serving.link import Phase, ServerLink
from poly_tui.transcript.clean import clean

__all__ = ["Summary", "note", "state"]

_GLYPHS = {
    Phase.LOOKING: ("◌", "$text-muted"),
    Phase.NONE: ("○", "$text-muted"),
    Phase.FOUND: ("◍", "$text-accent"),
    Phase.STARTING: ("◌", "$text-accent"),
    Phase.RUNNING: ("●", "$text-success"),
    Phase.LOST: ("✗", "$text-error"),
    Phase.REFUSED: ("✗", "$text-error"),
    Phase.STOPPING: ("◐", "$text-warning"),
    Phase.STOPPED: ("○", "$text-muted"),
    Phase.DIED: ("✗", "$text-error"),
}
_GAP = "  "
_LEAST_BARS, _MOST_BARS = 6, 40


def state(link: ServerLink) -> Content:
    """The sign of how things stand, and the word."""
    glyph, style = _GLYPHS[link.phase]
    return Content.assemble((f"{glyph} ", style), (link.phase.value, "bold"))


def note(link: ServerLink) -> Content:
    """What stands in the title: how things stand, and where."""
    glyph, style = _GLYPHS[link.phase]
    place = clean(link.place.partition("://")[2] or link.place)
    return Content.assemble((f"{glyph} ", style), place if link.phase.is_shown else link.phase.value)


class Summary(Widget):
    """The figures of a server, and its charts in a second row where there is height. What has no room is left out."""

    def __init__(self, link: ServerLink, charts: Charts) -> None:
        super().__init__()
        self._link = link
        self._charts = charts

    def render(self) -> Content:
        """The rows."""
        width = self.size.width
        rows = [_fitted(self._figures(), width)]
        if self.size.height > 1:
            rows.append(self._lines(width))
        return Content("\n").join(rows)

    def _figures(self) -> list[Content]:
        """From what matters most to what matters least."""
        report, link = self._link.report, self._link
        if report is None:
            return [state(link)]
        pace = self._charts.latest(Figure.PACE)
        return [
            state(link),
            _figure(f"{pace:.0f}", "tok/s"),
            _figure(count_text(report.n_admitted), "active", is_first=False),
            _figure(count_text(report.n_waiting), "queue", is_first=False),
            _figure(count_text(report.n_errors), "err", "$text-error" if report.n_errors else "", is_first=False),
            _figure(span_text(report.uptime_s), "up", is_first=False),
            _figure(count_text(report.n_requests), "req", is_first=False),
            _figure(bytes_text(report.rss_bytes), "RSS", is_first=False),
        ]

    def _lines(self, width: int) -> Content:
        """The charts, side by side."""
        report = self._link.report
        if report is None:
            return Content("")
        first = f"{seconds_text(report.first_token_p50_s)}/{seconds_text(report.first_token_p95_s)}"
        charts = (
            ("tok/s", Figure.PACE, f"{self._charts.latest(Figure.PACE):.0f}"),
            ("ttft p50/p95", Figure.P95, first),
            ("queue", Figure.QUEUE, count_text(report.n_waiting)),
        )
        bars_of = {
            n: _n_bars(width, [name + value for name, _, value in charts[:n]]) for n in range(1, len(charts) + 1)
        }
        n_charts = max((n for n, n_bars in bars_of.items() if n_bars >= _LEAST_BARS), default=1)
        parts = [
            Content.assemble(
                (f"{name} ", "$text-muted"),
                (sparkline(self._charts.bars(figure, bars_of[n_charts])), "$text-accent"),
                f" {value}",
            )
            for name, figure, value in charts[:n_charts]
        ]
        return Content(_GAP).join(parts)


def _n_bars(width: int, words: list[str]) -> int:
    """How many bars each chart has, if so many share the row, with these words beside them."""
    room = width - sum(len(one) + 2 for one in words) - len(_GAP) * (len(words) - 1)
    return max(0, min(_MOST_BARS, room // len(words)))


def _figure(value: str, unit: str, style: str = "", *, is_first: bool = True) -> Content:
    parts = [(value, style), (unit, "$text-muted")] if is_first else [(unit, "$text-muted"), (value, style)]
    return Content(" ").join(Content.styled(*part) for part in parts)


def _fitted(figures: list[Content], width: int) -> Content:
    """As many of the figures as there is room for."""
    row = figures[0]
    for figure in figures[1:]:
        if row.cell_length + len(_GAP) + figure.cell_length > width:
            break
        row = Content.assemble(row, _GAP, figure)
    return row
