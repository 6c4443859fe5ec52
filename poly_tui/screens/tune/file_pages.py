"""Pages that show a file: the table of a task as it would be saved, and what would change in it."""

from collections.abc import Iterable, Iterator

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from poly_tui.transcript.clean import drawable, clean

__all__ = ["FilePage", "diff_lines", "toml_lines"]


class FilePage(VerticalScroll):
    """Rows of text, to be scrolled."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text = Static()

    def compose(self) -> Iterator[Static]:
        """The text."""
        yield self._text

    def show(self, lines: Iterable[Content]) -> None:
        """Show these rows."""
        self._text.update(Content("\n").join(lines))


def toml_lines(text: str) -> Iterator[Content]:
    """A piece of TOML, with its headers and comments set apart."""
    for line in text.splitlines():
        shown = drawable(clean(line))
        if line.startswith("["):
            yield Content.styled(shown, "bold")
        else:
            yield Content.styled(shown, "dim") if line.lstrip().startswith("#") else Content(shown)


def diff_lines(lines: Iterable[str]) -> Iterator[Content]:
    """The lines of a diff. Their signs say what their colours do."""
    for line in lines:
        yield Content.styled(drawable(clean(line)), _style(line))


def _style(line: str) -> str:
    match line[:1]:
        case "+":
            return "$text-success"
        case "-":
            return "$text-error"
        case "@":
            return "dim"
    return ""
