"""The first row of every section: where one is, where one can go, and a note on the state of things."""

from collections.abc import Iterator

from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from poly_tui.registry import SECTIONS, Section

__all__ = ["TitleBar"]


class TitleBar(Widget):
    """The names of the sections on the left, to be clicked; the note on the right. What has no room is left out."""

    note: reactive[Content] = reactive(Content(""))

    def __init__(self, section: str) -> None:
        super().__init__()
        self._section = section

    def render(self) -> Content:
        """The row: with all sections where there is room, else with the one that is shown."""
        for left in (self._tabs(SECTIONS), self._tabs(one for one in SECTIONS if one.name == self._section)):
            room = self.size.width - left.cell_length - self.note.cell_length - 1
            if room > 0:
                return Content.assemble(left, " " * room, self.note, " ")
        return left

    def _tabs(self, sections: "Iterator[Section] | tuple[Section, ...]") -> Content:
        return Content.assemble((" Poly ", "bold $text-primary"), *(self._tab(section) for section in sections))

    def _tab(self, section: Section) -> Content:
        if section.name == self._section:
            return Content.styled(f"▌{section.title}▐", "bold $text-accent")
        return Content.styled(f" {section.title} ", Style.from_meta({"@click": f"app.go({section.name!r})"}))
