"""How far the fetching of a model is: a bar on a terminal, lines elsewhere, or events as JSON."""

import shutil
from typing import Self

import click

from poly_engine.models.pull import Pulled, PullProgress
from poly_tui.commands.listing import Bytes, compact_json
from poly_tui.commands.progress import ProgressLine

__all__ = ["PullReport", "progress_line", "report_done"]

_MOST_BAR_CELLS, _FEWEST_BAR_CELLS = 24, 6
_WORDS_CELLS = 55


class PullReport:
    """Shows progress on stderr, or prints it as events on stdout. `with` ends it."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._line = ProgressLine()
        self._tenth = 0
        self._phase = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.clear()

    def show(self, progress: PullProgress) -> None:
        """The model is so far."""
        if self._as_json:
            click.echo(compact_json(_event(progress)))
        elif self._line.has_watcher:
            if progress.phase != self._phase:
                self._line.clear()  # a new phase is shown at once
            self._phase = progress.phase
            self._line.show(progress_line(progress))
        elif self._is_news(progress):
            click.echo(f"poly: {_in_words(progress)}", err=True)

    def _is_news(self, progress: PullProgress) -> bool:
        """Where nobody watches, a line for each phase and for each tenth is enough."""
        tenth = 10 * progress.n_done // progress.n_total if progress.n_total else 0
        if progress.phase == self._phase and tenth <= self._tenth:
            return False
        self._phase, self._tenth = progress.phase, tenth
        return progress.phase != "done"


def report_done(pulled: Pulled, *, as_json: bool) -> None:
    """Print where a model is now."""
    if as_json:
        record = {"event": "pulled", "path": str(pulled.path), "size_bytes": pulled.size_bytes, "sha256": pulled.sha256}
        click.echo(compact_json({**record, "was_there": pulled.was_there, "reference": pulled.reference}))
    else:
        click.echo(pulled.path)


def _event(progress: PullProgress) -> dict[str, object]:
    return {
        "event": "progress",
        "phase": progress.phase,
        "source": progress.source,
        "n_done": progress.n_done,
        "n_total": progress.n_total,
        "bytes_per_s": None if progress.bytes_per_s is None else round(progress.bytes_per_s),
    }


def progress_line(progress: PullProgress) -> str:
    """How far a pull is, in a line that fits the terminal."""
    if progress.phase != "downloading" or not progress.n_total:
        return _in_words(progress)
    share = min(progress.n_done / progress.n_total, 1.0)
    n_cells = min(_MOST_BAR_CELLS, shutil.get_terminal_size().columns - _WORDS_CELLS)
    bar = ("█" * round(share * n_cells)).ljust(n_cells, "░") + " " if n_cells >= _FEWEST_BAR_CELLS else ""
    return f"{bar}{share:4.0%}  {_in_words(progress)}"


def _in_words(progress: PullProgress) -> str:
    match progress.phase:
        case "resolving":
            return f"looking for {progress.source}"
        case "checking":
            return f"checking {Bytes(progress.n_done)}"
        case "done":
            return f"{progress.source} is there"
    total = f" of {Bytes(progress.n_total)}" if progress.n_total else ""
    rate = f"  {Bytes(round(progress.bytes_per_s))}/s{_left(progress)}" if progress.bytes_per_s else ""
    return f"{Bytes(progress.n_done)}{total}{rate}"


def _left(progress: PullProgress) -> str:
    if not progress.n_total or not progress.bytes_per_s:
        return ""
    seconds = round((progress.n_total - progress.n_done) / progress.bytes_per_s)
    minutes, seconds = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"  {hours} h {minutes} min left" if hours else f"  {minutes}:{seconds:02} left"
