"""The log of a server: the lines that are grave enough and hold what is looked for."""

from collections.abc import Sequence

from textual.widgets import Log

from poly_tui.serving.log_line import LEVELS, LogLine

__all__ = ["LogView"]

_MOST_ROWS = 4000


class LogView(Log):
    """Shows the rows of lines. It follows the end unless one has scrolled away from it."""

    def __init__(self) -> None:
        super().__init__(max_lines=_MOST_ROWS, auto_scroll=False, id="log")
        self.level = "info"
        self.words = ""
        self.is_following = True
        self._lines_seen: Sequence[LogLine] = ()
        self._n_seen = 0
        self._wanted = ("", "")

    def show(self, lines: Sequence[LogLine], n_in_all: int) -> None:
        """Show what came, of the last `lines` of so many in all; all anew if they are others, or others are wanted."""
        is_same = lines is self._lines_seen and self._wanted == (self.level, self.words)
        n_new = min(len(lines), n_in_all - self._n_seen) if is_same else len(lines)
        if is_same and not n_new:
            return
        if not is_same:
            self.clear()
        self._lines_seen, self._n_seen, self._wanted = lines, n_in_all, (self.level, self.words)
        new = list(lines)[len(lines) - n_new :]
        rows = [row for line in new if line.is_at_least(self.level) and line.has(self.words) for row in line.rows]
        self.write_lines(rows, scroll_end=False)
        if self.is_following:
            self.follow()

    def follow(self) -> None:
        """Go to the end, and stay there."""
        self.is_following = True
        self.scroll_end(animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow while the end is seen."""
        super().watch_scroll_y(old_value, new_value)
        self.is_following = self.is_vertical_scroll_end

    def on_resize(self) -> None:
        """Stay at the end."""
        if self.is_following:
            self.follow()

    def next_level(self) -> str:
        """Show only what is graver, or everything again; return the level."""
        self.level = LEVELS[(LEVELS.index(self.level) + 1) % len(LEVELS)]
        return self.level
