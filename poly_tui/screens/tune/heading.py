"""The second row: which task is tuned, its pages, and how much is not saved."""

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from poly_tui.transcript.clean import clean

__all__ = ["PAGES", "TuneHeading"]

PAGES: Sequence[tuple[str, str]] = (
    ("fields", "Fields"),
    ("toml", "TOML"),
    ("prompt", "Prompt"),
    ("diff", "Diff"),
    ("duel", "A/B"),
)
"""The pages with their titles, in their order."""


class TuneHeading(Widget):
    """The task and the pages, to be clicked; at the right what is not saved. What has no room is left out."""

    task_name: reactive[str] = reactive("")
    page: reactive[str] = reactive("fields")
    note: reactive[str] = reactive("")
    n_changes: reactive[int] = reactive(0)

    def render(self) -> Content:
        """The row."""
        changes = f"● {self.n_changes} changed" if self.n_changes else ""
        for tabs in (PAGES, [page for page in PAGES if page[0] == self.page]):
            for right in (" · ".join(filter(None, (self.note, changes))), changes, f"● {self.n_changes}"):
                left = Content.assemble(" ", self._task_part(), " ", *(self._tab(*page) for page in tabs))
                room = self.size.width - left.cell_length - Content(right).cell_length - 1
                if room >= 0:
                    style = "$text-warning" if self.n_changes else "dim"
                    return Content.assemble(left, " " * room, (clean(right), style), " ")
        return Content.assemble(" ", self._task_part())

    def _task_part(self) -> Content:
        return Content.assemble((clean(self.task_name), Style.from_meta({"@click": "screen.pick_task"})), " ▾")

    def _tab(self, name: str, title: str) -> Content:
        if name == self.page:
            return Content.styled(f"▌{title}▐", "bold $text-accent")
        return Content.styled(f" {title} ", Style.from_meta({"@click": f"screen.show_page({name!r})"}))
