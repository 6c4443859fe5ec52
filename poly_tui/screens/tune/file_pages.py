"""Pages that show a file: the table of a task as it would be saved, and what would change in it."""

from collections.abc import Iterable, Iterator, Sequence

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from poly_tui.screens.tune.differences import changed_lines
from poly_tui.screens.tune.document import task_excerpt, with_task
from poly_tui.screens.tune.draft import Draft
from poly_tui.screens.tune.saving import draft_text
from poly_tui.screens.tune.source import Source
from poly_tui.transcript.clean import clean, drawable

__all__ = ["FilePage", "diff_rows", "toml_rows"]


class FilePage(VerticalScroll):
    """Rows of text, to be scrolled."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text = Static()

    def compose(self) -> Iterator[Static]:
        """The text."""
        yield self._text

    def show(self, rows: Iterable[Content]) -> None:
        """Show these rows."""
        self._text.update(Content("\n").join(rows))


def toml_rows(source: Source | None, draft: Draft) -> Sequence[Content]:
    """The table of a task as it would be saved; that of a server, as it tells it. Raises ConfigError."""
    if source is None:
        text = with_task("", draft.name, draft.current.values)
    else:
        text = task_excerpt(draft_text(source, draft.name, draft.current), draft.name)
    return [_toml_row(line) for line in text.splitlines()]


def diff_rows(source: Source | None, draft: Draft) -> Sequence[Content]:
    """What saving a draft would change, in the file and in that of its schema. Raises ConfigError."""
    if source is None:
        before, after = (with_task("", draft.name, version.values) for version in (draft.saved, draft.current))
        return [_diff_row(line) for line in changed_lines(before, after, draft.name)] or [_NOTHING]
    after = draft_text(source, draft.name, draft.current)
    rows = [_diff_row(line) for line in changed_lines(source.text, after, source.path.name)]
    before_text, after_text = draft.saved.schema_text, draft.current.schema_text
    if after_text is not None and draft.current.schema_file:
        rows += [_diff_row(line) for line in changed_lines(before_text or "", after_text, draft.current.schema_file)]
    if not source.is_there:
        rows.insert(0, Content.styled(f"saving begins the file {clean(str(source.path))}", "dim"))
    return rows or [_NOTHING]


_NOTHING = Content.styled("nothing is changed: the draft is as the file is", "dim")


def _toml_row(line: str) -> Content:
    shown = drawable(clean(line))
    if line.startswith("["):
        return Content.styled(shown, "bold")
    return Content.styled(shown, "dim") if line.lstrip().startswith("#") else Content(shown)


def _diff_row(line: str) -> Content:
    """A line of a diff. Its sign says what its colour does."""
    return Content.styled(drawable(clean(line)), _style(line))


def _style(line: str) -> str:
    match line[:1]:
        case "+":
            return "$text-success"
        case "-":
            return "$text-error"
        case "@":
            return "dim"
    return ""
