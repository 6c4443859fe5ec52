"""The line under the transcript: what is going on, how fast, and how full the context is."""

import time
from collections.abc import Iterator

from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from poly_tui.widgets.status import Phase, Status

__all__ = ["StatusLine", "fitted"]

GAUGE_CELLS = 6
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINS_PER_S = 8
GAP = "  "
GLYPHS = {
    Phase.UNLOADED: ("○", "dim"),
    Phase.READY: ("●", "$text-success"),
    Phase.FAILED: ("✗", "$text-error"),
}
BIAS_STATES = {
    "open": ("valid so far", ""),
    "closing": ("closing", "$text-warning"),
    "complete": ("complete", "$text-success"),
}


class StatusLine(Widget):
    """Shows a Status, as much of it as fits. It moves by itself only while something is going on."""

    status: reactive[Status] = reactive(Status())
    mode: reactive[str] = reactive("")
    """Who has the keys, if it is not the prompt."""

    def __init__(self) -> None:
        super().__init__()
        self._spin: Timer | None = None

    def on_mount(self) -> None:
        """Make the clock of the spinner, and let it rest."""
        self._spin = self.set_interval(1 / SPINS_PER_S, self.refresh, pause=True)

    def watch_status(self, status: Status) -> None:
        """Let the spinner run while nothing else keeps the line moving."""
        if self._spin is not None:
            if status.phase.is_busy and not status.phase.is_generating and self._moves:
                self._spin.resume()
            else:
                self._spin.pause()

    def render(self) -> Content:
        """The line."""
        return fitted(self.status, self.size.width, self._busy_glyph(), self.mode)

    @property
    def _moves(self) -> bool:
        return self.app.animation_level != "none"

    def _busy_glyph(self) -> str:
        return SPINNER[int(time.monotonic() * SPINS_PER_S) % len(SPINNER)] if self._moves else "◐"


def fitted(status: Status, width: int, busy_glyph: str = SPINNER[0], mode: str = "") -> Content:
    """Return `status` as a line of `width` cells, without the figures that matter least if it is narrow. What has the
    keys stands before it.
    """
    state = _state(status, busy_glyph)
    if mode:
        state = Content.assemble((f" {mode} ", "bold reverse"), " ", state)
    for figures, place in _ever_less(status):
        left = Content(GAP).join([state, *(figure for figure in figures if figure)])
        room = width - left.cell_length - place.cell_length
        if room >= len(GAP):
            return Content.assemble(left, " " * room, place)
    return state


def _state(status: Status, busy_glyph: str) -> Content:
    glyph, style = GLYPHS.get(status.phase, (busy_glyph, "$text-accent"))
    return Content.assemble((f"{glyph} ", style), (status.state, "bold"))


def _ever_less(status: Status) -> Iterator[tuple[list[Content], Content]]:
    """Yield what may stand in the middle of the line and at its end, from everything to almost nothing."""
    speed = _figure(status.tokens_per_s, ".1f" if (status.tokens_per_s or 0) < 1000 else ".0f", "tok/s")
    count = _figure(status.n_tokens, "d", "tok")
    first = _figure(status.first_token_s, ".2f", "s", name="ttft ")
    bias, forced = _biases(status)
    gauge, numbers, share = _contexts(status)
    place, arrow = _places(status)
    yield [bias, forced, speed, count, first, gauge], place
    yield [bias, forced, speed, count, gauge], place
    yield [bias, forced, speed, count, numbers], place
    yield [bias, forced, speed, share], place
    yield [bias, speed, share], place
    yield [bias, speed, share], arrow
    yield [bias, speed], arrow
    yield [bias], arrow
    yield [], arrow


def _figure(value: float | None, form: str, unit: str, name: str = "") -> Content:
    if value is None:
        return Content("")
    return Content.assemble((name, "dim"), f"{value:{form}}", (f" {unit}", "dim"))


def _biases(status: Status) -> tuple[Content, Content]:
    """How far an answer with a bias is, and how much of it was forced."""
    if status.bias_state is None:
        return Content(""), Content("")
    share = None if status.forced_share is None else 100 * status.forced_share
    return Content.styled(*BIAS_STATES[status.bias_state]), _figure(share, ".0f", "% forced")


def _contexts(status: Status) -> tuple[Content, Content, Content]:
    """How full the context is: as a gauge with numbers, as numbers, as a percentage."""
    taken, used, size = status.context_share, status.context_used, status.context_size
    if taken is None or used is None or size is None:
        return Content(""), Content(""), Content("")
    n_full = round(taken * GAUGE_CELLS)
    style = "$text-error" if taken > 0.9 else "$text-warning" if taken > 0.75 else "$text-success"
    bar = Content.assemble(("█" * n_full, style), ("░" * (GAUGE_CELLS - n_full), "dim"))
    name, numbers = Content.styled("ctx ", "dim"), f"{_short(used)}/{_short(size)}"
    return Content.assemble(name, bar, " ", numbers), name + numbers, name + f"{taken:.0%}"


def _short(n_tokens: int) -> str:
    return str(n_tokens) if n_tokens < 1000 else f"{n_tokens / 1000:.1f}k"


def _places(status: Status) -> tuple[Content, Content]:
    """Where the reader is, in words and as an arrow."""
    if status.is_following:
        return Content.styled("↓ following", "dim"), Content.styled("↓", "dim")
    new = f"{status.n_new_rows} new" if status.n_new_rows else "more"
    return Content.styled(f"↓ {new} · ^end", "bold $text-warning"), Content.styled(f"↓ {new}", "bold $text-warning")
