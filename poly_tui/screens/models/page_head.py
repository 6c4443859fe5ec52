"""The row between the list of models and the page below: the pages there are, and whose they are."""

from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from poly_tui.screens.models.facts import ModelFacts
from poly_tui.transcript.clean import clean

__all__ = ["PAGES", "PageHead"]

PAGES = {"info": "Info", "tokens": "Tokenise", "embed": "Embed", "bench": "Bench", "pull": "Pull"}
LONGEST_NAME = 24
SHORTEST_USERS = 16


class PageHead(Widget):
    """The name of the model, the pages, and who uses the model where there is room to say so."""

    page: reactive[str] = reactive("info")
    model: reactive[ModelFacts | None] = reactive(None)

    def render(self) -> Content:
        """The row; what has no room is left out."""
        tabs = Content.assemble(*(self._tab(name, title) for name, title in PAGES.items()))
        if self.model is None:
            return tabs
        name = Content.styled(f" {_line(self.model.name)[:LONGEST_NAME]} ", "bold")
        room = self.size.width - name.cell_length - tabs.cell_length
        if room < 0:  # the keys of the list lead to the others, too
            return name + self._tab(self.page, PAGES[self.page])
        if not self.model.users or room < SHORTEST_USERS:
            return name + tabs
        users = Content.styled(f"used by {_line(self.model.users)}", "dim").truncate(room - 2, ellipsis=True)
        return Content.assemble(name, tabs, " " * (room - users.cell_length - 1), users, " ")

    def _tab(self, name: str, title: str) -> Content:
        if name == self.page:
            return Content.styled(f"▌{title}▐", "bold $text-accent")
        return Content.styled(f" {title} ", Style.from_meta({"@click": f"screen.page({name!r})"}))


def _line(text: str) -> str:
    return " ".join(clean(text).split())
