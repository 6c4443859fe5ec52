"""The first row of the inspector: its pages."""

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

__all__ = ["PageTabs"]

NAMES = {"live": "Live", "sources": "Sources", "prompt": "Prompt", "tokens": "Tokens"}


class PageTabs(Widget):
    """The names of the pages, each with its key, to be clicked. The digits give way where there is no room."""

    page: reactive[str] = reactive("live")

    def __init__(self, pages: Sequence[str]) -> None:
        super().__init__()
        self._pages = pages

    def render(self) -> Content:
        """The row."""
        full = self._row("▌{n} {name}▐", " {n} {name} ")
        return full if full.cell_length <= self.size.width else self._row("▌{name}▐", " {name} ")

    def _row(self, shown: str, other: str) -> Content:
        return Content.assemble(*(self._tab(n, page, shown, other) for n, page in enumerate(self._pages, 1)))

    def _tab(self, n: int, page: str, shown: str, other: str) -> Content:
        if page == self.page:
            return Content.styled(shown.format(n=n, name=NAMES[page]), "bold $text-accent")
        style = Style.from_meta({"@click": f"screen.inspect({page!r})"})
        return Content.styled(other.format(n=n, name=NAMES[page]), style)
