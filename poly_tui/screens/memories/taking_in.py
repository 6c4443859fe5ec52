"""A line of paths, and what they stand for before anything is done: which are new, changed, unchanged or unreadable."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from poly_tui.documents import Document, documents
from poly_tui.memories.paths import as_line, complete, split_paths, with_matches
from poly_tui.memories.survey import Looked, Surveyor, Verdict, kind_word
from poly_tui.memories.words import counted, grouped, size
from poly_tui.widgets.keys import KeysBar
from poly_tui.widgets.row_table import Column, Row, RowTable, cell

__all__ = ["TakingInScreen"]

PAINT_S = 0.1
"""What was looked at is shown so often, because it has to be counted each time."""

_COLUMNS = (
    Column("", 1),
    Column("document"),
    Column("kind", 5, from_width=48),
    Column("pages", 5, is_right=True, from_width=66),
    Column("size", 8, is_right=True),
    Column("", 24, from_width=56),
)
_STYLES = {
    Verdict.NEW: "$text-success",
    Verdict.CHANGED: "$text-accent",
    Verdict.UNCHANGED: "$text-muted",
    Verdict.TWICE: "$text-warning",
    Verdict.UNREADABLE: "$text-error",
    Verdict.GONE: "$text-error",
}


class _Looked(RowTable):
    """The rows of what was looked at, of which Enter takes the marked ones."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "take in", id="taking_in.take")]


class _Paths(Input):
    """A line of paths, of which the last one is completed. The key is its own: one of the screen that comes before all
    others would also come before what was typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "screen.complete", "complete", id="taking_in.complete")]

    def on_paste(self, event: events.Paste) -> None:
        """Take all lines of what is dropped or pasted, of which a line to type takes the first one by itself."""
        event.stop()
        event.prevent_default()
        self.insert_text_at_cursor(as_line(event.text))


class TakingInScreen(Screen[Sequence[Document] | None]):
    """Looks at documents for a memory of which the checksums are `known`, by source. What they are is typed as paths,
    unless they are `given`. The result is what is to be taken in, or None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="taking_in.leave"),
        Binding("x", "take_or_not", "take or not", id="taking_in.take_or_not"),
        Binding("i", "edit", "paths", id="taking_in.edit"),
    ]
    CSS_PATH = "memories.tcss"

    def __init__(
        self, memory: str, known: Mapping[str, str], given: Sequence[Document] | None = None, paths: str = ""
    ) -> None:
        super().__init__()
        self._memory = memory
        self._known = known
        self._given = given
        self._looked: list[Looked] = []
        self._taken: set[str] = set()
        self._is_looking = False
        self._heading = Static(id="heading")
        self._line = _Paths(paths, placeholder="files, folders, *.pdf: ⇥ completes", compact=True, id="paths")
        self._hint = Static(id="hint")
        self._sum = Static(id="detail")
        self.table = _Looked(_COLUMNS, id="looked")

    def compose(self) -> ComposeResult:
        """The line, and what it stands for."""
        yield self._heading
        if self._given is None:
            yield self._line
        yield self._hint
        yield self.table
        yield self._sum
        yield KeysBar()

    @property
    def has_looked(self) -> bool:
        """Whether all that was named was looked at."""
        return bool(self._looked) and not self._is_looking

    def on_mount(self) -> None:
        """Let paths be typed, or look at what is given."""
        deed = "take into" if self._given is None else "read again what changed for"
        self._heading.update(Content.assemble(f" {deed} ", cell(self._memory, "bold $text-primary")))
        if self._given is not None:
            self.table.focus()
            self._look(self._given)
        else:
            self._line.focus()
            self._line.cursor_position = len(self._line.value)
            if self._line.value:
                self._submit(self._line.value)

    @on(Input.Submitted, "#paths")
    def look(self, message: Input.Submitted) -> None:
        """See what the paths stand for."""
        message.stop()
        self._submit(message.value)

    def _submit(self, line: str) -> None:
        paths = split_paths(line)
        if paths:
            self.table.focus()
            self._find(paths)

    @on(Input.Changed, "#paths")
    def forget_hint(self) -> None:
        """The names that could come next are others now."""
        self._hint.update("")

    def action_complete(self) -> None:
        """Complete the last path."""
        line, names = complete(self._line.value)
        self._line.value = line
        self._line.cursor_position = len(line)
        # Later, because the change of the line comes first
        self.call_later(self._hint.update, cell("  ".join(names), "$text-muted"))

    def action_edit(self) -> None:
        """Go back to the line."""
        if self._given is None:
            self._line.focus()

    def action_take_or_not(self) -> None:
        """Take a document in, or leave it out."""
        place = self.table.cursor
        if place is not None and self._looked[place].verdict.can_be_taken:
            self._taken ^= {self._looked[place].document.name}
            self.table.action_move(1)
            self._show()

    @on(RowTable.Moved)
    def show_reason(self, message: RowTable.Moved) -> None:
        """Say all of what is known of the current document."""
        self._show_reason(message.place)

    @on(RowTable.Chosen)
    def choose(self) -> None:
        """Take in what is marked."""
        self.action_take()

    def action_take(self) -> None:
        """Take in what is marked."""
        if not self._is_looking and self._taken:
            self.dismiss([one.document for one in self._looked if one.document.name in self._taken])

    def action_leave(self) -> None:
        """Take nothing in."""
        self.dismiss(None)

    @work(group="taking_in", exclusive=True)
    async def _find(self, paths: Sequence[str]) -> None:
        """Walk through folders, and look at all that is there."""
        self._begin()
        found = await asyncio.to_thread(lambda: list(documents(with_matches(list(paths)), None, "*")))
        await self._survey(found)

    @work(group="taking_in", exclusive=True)
    async def _look(self, given: Sequence[Document]) -> None:
        self._begin()
        await self._survey(given)

    def _begin(self) -> None:
        self._looked, self._taken, self._is_looking = [], set(), True
        self.table.show_empty(Content("looking…"))
        self._show()

    async def _survey(self, found: Sequence[Document]) -> None:
        surveyor = Surveyor(self._known)
        shown = float("-inf")
        for document in found:
            looked = await asyncio.to_thread(surveyor.look_at, document)
            self._looked.append(looked)
            if looked.verdict.is_worth_taking:
                self._taken.add(document.name)
            if (now := time.monotonic()) - shown > PAINT_S:
                self._show(len(found))
                shown = now
        self._is_looking = False
        if self._looked and self.table.cursor is not None:
            self._show_reason(self.table.cursor)
        self.table.show_empty(Content("there are no files"))
        self._show()

    def _show(self, n_found: int | None = None) -> None:
        self.table.show(len(self._looked), self._row_at)
        if not self._looked:
            self._sum.update("")
            return
        counts = {verdict: sum(one.verdict is verdict for one in self._looked) for verdict in Verdict}
        parts = [f"{n} {verdict.value}" for verdict, n in counts.items() if n]
        taken = [one for one in self._looked if one.document.name in self._taken]
        do = f"⏎ takes in {counted(len(taken), 'document')}, {size(sum(one.size_bytes for one in taken))}"
        if n_found is not None:
            do = f"looking… {len(self._looked)} of {n_found}"
        elif not taken:
            do = "nothing to take in: x takes one all the same, esc goes back"
        self._sum.update(Content.assemble(" ", (do, "bold"), ("  " + " · ".join(parts), "$text-muted")))

    def _show_reason(self, place: int) -> None:
        one = self._looked[place]
        words = f"{one.verdict.value}: {one.reason or one.document.name}"
        self._hint.update(Content.assemble(" ", cell(words, "$text-muted")))

    def _row_at(self, place: int) -> Row:
        one = self._looked[place]
        folder, _, name = one.document.name.rpartition("/")
        is_wide = self.size.width >= 72
        verdict = f"{one.verdict.value}: {one.reason}" if one.reason else one.verdict.value
        return Row(
            (
                Content.styled("x", "bold $text-accent") if one.document.name in self._taken else Content(" "),
                Content.assemble(cell(name), "  ", cell(folder if is_wide else "", "dim")),
                cell(kind_word(one.kind)),
                Content("—" if one.n_pages is None else grouped(one.n_pages)),
                Content(size(one.size_bytes)),
                cell(verdict, _STYLES[one.verdict]),
            )
        )
