"""The log of a server: the lines that are grave enough and hold what is looked for, and the end of it unless one reads."""

from collections.abc import Sequence

from textual.widgets import Log

from poly_tui.serving.log_line import LEVELS, LogLine

__all__ = ["LogView"]

_MOST_ROWS = 4000


class LogView(Log):
    """Shows the rows of lines. It follows the end while the end is seen."""

    def __init__(self) -> None:
        super().__init__(max_lines=_MOST_ROWS, id="log")
        self.level = "info"
        self.words = ""
        self._seen: tuple[int, str, str] = (0, "", "")

    def show(self, lines: Sequence[LogLine], n_in_all: int) -> None:
        """Show what came, of the last `lines` of so many in all; all anew if something else is looked for."""
        n_before, *wanted = self._seen
        is_same = wanted == [self.level, self.words] and 0 < n_before <= n_in_all
        n_new = min(len(lines), n_in_all - n_before) if is_same else len(lines)
        if is_same and not n_new:
            return
        self._seen = (n_in_all, self.level, self.words)
        if not is_same:
            self.clear()
        new = list(lines)[len(lines) - n_new :]
        rows = [row for line in new if line.is_at_least(self.level) and line.has(self.words) for row in line.rows]
        self.write_lines(rows)

    def next_level(self) -> str:
        """Show only what is graver, or everything again; return the level."""
        self.level = LEVELS[(LEVELS.index(self.level) + 1) % len(LEVELS)]
        return self.level
