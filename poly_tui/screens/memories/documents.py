"""The documents of a memory, with those on their way into it: heading, filter, rows, and what is known of one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from poly_tui.memories.listing import Entry, Listing, Phase
from poly_tui.memories.queue import Item
from poly_tui.memories.survey import kind_word
from poly_tui.memories.words import age, bar, counted, duration, grouped
from poly_tui.widgets.row_table import Column, Row, RowTable, cell

__all__ = ["DocumentsPane"]

_COLUMNS = (
    Column("", 1),
    Column("", 1),
    Column("document"),
    Column("chunks", 9, is_right=True),
    Column("pages", 5, is_right=True, from_width=66),
    Column("kind", 5, from_width=72),
    Column("added", 6, is_right=True, from_width=48),
    Column("state", 22, from_width=58),
)
_STYLES = {
    Phase.READY: "$text-success",
    Phase.WORKING: "$text-accent",
    Phase.WAITING: "$text-muted",
    Phase.FAILED: "$text-error",
    Phase.CANCELLED: "$text-warning",
    Phase.LEAVING: "$text-warning",
}


class DocumentsPane(Vertical):
    """Shows a listing. What is typed into the filter is told to it; the screen is told what is to be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "screen.filter", "filter", id="memories.filter"),
        Binding("x", "screen.mark", "mark", id="memories.mark"),
        Binding("d", "screen.delete", "delete", id="memories.delete"),
        Binding("o", "screen.sort", "sort", id="memories.sort", show=False),
    ]

    @dataclass
    class Chosen(Message, namespace="documents"):
        """A document is to be opened."""

        entry: Entry

    def __init__(self, listing: Listing, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(id="documents")
        self.listing = listing
        self.table = RowTable(_COLUMNS, id="rows")
        self._clock = clock
        self._heading = Static(id="heading")
        self._filter = Input(placeholder="filter by name, title or kind", compact=True, id="filter")
        self._detail = Static(id="detail")
        self._memory = ""
        self._is_shown = False

    def compose(self) -> ComposeResult:
        """From the heading to what is known of the current document."""
        yield self._heading
        yield self._filter
        yield self.table
        yield self._detail

    @property
    def current(self) -> Entry | None:
        """The document that the cursor is on."""
        place = self.table.cursor
        return None if place is None or place >= len(self.listing.entries) else self.listing.entries[place]

    @property
    def chosen(self) -> list[Entry]:
        """The marked documents, or else the current one."""
        marked = [one for one in self.listing.entries if one.source in self.listing.marked]
        return marked or ([self.current] if self.current else [])

    @property
    def has_filter(self) -> bool:
        """Whether not all documents are shown."""
        return bool(self.listing.words) or self._filter.has_class("-on")

    def show(self, memory: str, words: Content | None = None) -> None:
        """Show the documents of a memory as the listing has them now, the cursor on the one it was on. Where there are
        none, `words` are to be read.
        """
        was = self.current.source if self.current and self._is_shown else None
        self._memory, self._is_shown = memory, words is None
        self._show_heading()
        if words is not None:
            self.table.show_empty(words)
        elif self.listing.words and not self.listing.entries:
            self.table.show_empty(Content("no document matches the filter: esc shows all"))
        else:
            self.table.show_empty(Content("no documents yet: i takes some in"))
        self._show_rows(was)

    def update(self, was: str | None = None) -> None:
        """Paint what may have changed in the rows."""
        was = was or (self.current.source if self.current else None)
        self._show_rows(was)

    def say(self, words: Content) -> None:
        """Say in the heading what is going on with the memory."""
        self._heading.update(words)

    def focus_filter(self) -> None:
        """Let words be typed that documents are found by."""
        self._filter.add_class("-on")
        self._filter.focus()

    def clear_filter(self) -> None:
        """Show all documents."""
        self._filter.value = ""
        self._filter.remove_class("-on")
        self.table.focus()

    @on(Input.Changed, "#filter")
    def find(self, message: Input.Changed) -> None:
        """Show those that have all the words."""
        message.stop()
        self.listing.words = message.value
        self.listing.arrange()
        self.post_message(self.Filtered())

    @dataclass
    class Filtered(Message, namespace="documents"):
        """Other documents are to be shown."""

    @on(Input.Submitted, "#filter")
    def leave_filter(self, message: Input.Submitted) -> None:
        """Go to the rows that were found."""
        message.stop()
        if not self.listing.words:
            self._filter.remove_class("-on")
        self.table.focus()

    @on(RowTable.Moved, "#rows")
    def show_detail(self) -> None:
        """Say more of the document that the cursor is on."""
        self._show_detail()

    @on(RowTable.Chosen, "#rows")
    def choose(self, message: RowTable.Chosen) -> None:
        """Open a document."""
        message.stop()
        self.post_message(self.Chosen(self.listing.entries[message.place]))

    def on_resize(self) -> None:
        """Fit the heading."""
        self._show_heading()

    # What is painted

    def _show_rows(self, was: str | None) -> None:
        entries = self.listing.entries if self._is_shown else ()
        self.table.show(len(entries), self._row_at, self.listing.place_of(was) if was else None)
        self._show_detail()

    def _row_at(self, place: int) -> Row:
        entry = self.listing.entries[place]
        look = _STYLES[entry.phase]
        is_marked = entry.source in self.listing.marked
        stored = entry.stored
        cells = (
            Content.styled("x", "bold $text-accent") if is_marked else Content(" "),
            Content.styled(entry.phase.sign, look),
            self._name_of(entry),
            Content(_chunks(entry)),
            Content(grouped(stored.n_pages) if stored and stored.n_pages else "—"),
            cell(kind_word(stored.media_type) if stored else "—"),
            Content(age(entry.added, self._clock()) if entry.added is not None else "—"),
            _state(entry, look),
        )
        return Row(cells, "strike dim" if entry.phase is Phase.LEAVING else "")

    def _name_of(self, entry: Entry) -> Content:
        folder = self.listing.folder_of(entry)
        return Content.assemble(cell(entry.name), "  ", cell(folder, "dim")) if folder else cell(entry.name)

    def _show_heading(self) -> None:
        totals, listing = self.listing.totals, self.listing
        parts = [counted(totals.n_documents, "doc"), counted(totals.n_chunks, "chunk")]
        if self.size.width >= 60:
            parts += [counted(totals.n_characters, "character"), listing.order.value]
        if listing.marked:
            parts.append(f"{len(listing.marked)} marked")
        facts = Content(" · ".join(parts)) if self._is_shown else Content("")
        name = Content.assemble(" ", cell(self._memory, "bold $text-primary"), " ")
        room = self.size.width - name.cell_length - facts.cell_length - 1
        self._heading.update(Content.assemble(name, " " * max(1, room), facts.stylize("$text-muted")))

    def _show_detail(self) -> None:
        entry = self.current
        if entry is None or not self._is_shown:
            self._detail.update("")
        elif entry.phase is Phase.FAILED:
            words = Content.assemble(" ! ", cell(entry.reason or "it could not be taken in"))
            self._detail.update(words.stylize("$text-error"))
        elif entry.phase is Phase.WORKING and entry.item is not None and entry.item.n_new:
            self._detail.update(Content.assemble(" ", _progress(entry.item, 10)))
        else:
            title = entry.stored.title if entry.stored else ""
            self._detail.update(Content.assemble(" ", cell(title), " · " if title else "", cell(entry.source, "dim")))


def _chunks(entry: Entry) -> str:
    item = entry.item
    if item is not None and entry.phase is Phase.WORKING:
        return f"{item.n_embedded}/{item.n_new}" if item.n_new else "…"
    return grouped(entry.n_chunks) if entry.n_chunks else "—"


def _state(entry: Entry, look: str) -> Content:
    if entry.phase is Phase.WORKING and entry.item is not None and entry.item.n_new:
        return _progress(entry.item, 6)
    if entry.phase is Phase.FAILED:
        return cell(entry.reason or entry.phase.word, look)
    if entry.phase is Phase.LEAVING:
        return Content.styled("deleted · u undo", look)
    return Content.styled(entry.phase.word, look)


def _progress(item: Item, width: int) -> Content:
    rate, left_s = item.chunks_per_s, item.left_s
    speed = "" if rate is None or left_s is None else f" {rate:.0f}/s {duration(left_s)}"
    return Content.assemble((bar(item.share, width), "$text-accent on $surface"), f" {item.share:.0%}{speed}")
