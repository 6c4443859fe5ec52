"""The chunks of a document: their list, and the text of one of them between its neighbours."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from poly_engine.errors import PolyError
from poly_engine.types import ChunkInfo
from poly_tui.backend import Backend
from poly_tui.memories.words import counted, grouped
from poly_tui.transcript.clean import clean, drawable
from poly_tui.widgets.keys import KeysBar
from poly_tui.widgets.row_table import Column, Row, RowTable, cell

__all__ = ["ChunksScreen"]

_COLUMNS = (
    Column("", 1),
    Column("#", 6, is_right=True),
    Column("pages", 7, is_right=True, from_width=48),
    Column("characters", 15, is_right=True, from_width=60),
    Column("text"),
)


class _Chunks(RowTable):
    """The rows of chunks, which are read where they stand."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "screen.scroll_text(1)", "read on", id="chunks.read_on"),
    ]


class ChunksScreen(Screen[None]):
    """Shows the chunks of a document of a memory. `marked` is the place of the one that was found, if one was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back", id="chunks.leave"),
        Binding("n", "move(1)", "next", id="chunks.next"),
        Binding("p", "move(-1)", "previous", id="chunks.previous"),
        Binding("b", "scroll_text(-1)", "back", id="chunks.read_back", show=False),
        Binding("y", "copy_text", "copy", id="chunks.copy"),
    ]
    CSS_PATH = "memories.tcss"

    def __init__(self, backend: Backend, memory: str, model: str, source: str, marked: int | None = None) -> None:
        super().__init__()
        self._backend = backend
        self._memory = memory
        self._model = model
        self._source = source
        self._marked = marked
        self._chunks: Sequence[ChunkInfo] = ()
        self._n_tokens: dict[int, int] = {}
        self._heading = Static(id="heading")
        self._fact = Static(id="fact")
        self._before, self._text, self._after = Static(id="before"), Static(id="text"), Static(id="after")
        self.table = _Chunks(_COLUMNS, empty=Content("reading…"), id="chunk-rows")

    def compose(self) -> ComposeResult:
        """The document, its chunks, and the text of one."""
        yield self._heading
        yield self.table
        yield self._fact
        with VerticalScroll(id="reading", can_focus=False):
            yield self._before
            yield self._text
            yield self._after
        yield KeysBar()

    def on_mount(self) -> None:
        """Begin to read."""
        self.table.focus()
        self._heading.update(Content.assemble(" ", cell(self._source, "bold $text-primary")))
        self._read()

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss()

    def action_move(self, n: int) -> None:
        """Go to another chunk."""
        self.table.action_move(n)

    def action_scroll_text(self, n_pages: int) -> None:
        """Go on in a text that is longer than the screen."""
        reading = self.query_one("#reading", VerticalScroll)
        reading.scroll_relative(y=n_pages * max(1, reading.size.height - 1), animate=False)

    def action_copy_text(self) -> None:
        """Copy the text of the chunk as it was taken in."""
        place = self.table.cursor
        if place is not None:
            self.app.copy_to_clipboard(self._chunks[place].text)
            self.notify(f"chunk #{self._chunks[place].place} is copied", markup=False)

    @work(group="chunks", exclusive=True)
    async def _read(self) -> None:
        try:
            engine = await self._backend.engine()
            self._chunks = await engine.chunks(self._memory, self._source)
        except PolyError as error:
            self.table.show_empty(cell(str(error), "$text-error"))
            return
        count = counted(len(self._chunks), "chunk")
        name = cell(self._source, "bold $text-primary")
        self._heading.update(Content.assemble(" ", name, ("  " + count, "$text-muted")))
        places = [one.place for one in self._chunks]
        self.table.show(len(places), self._row_at, places.index(self._marked) if self._marked in places else 0)
        self._show()

    @on(RowTable.Moved)
    def show(self) -> None:
        """Show the chunk that the cursor is on."""
        self._show()

    def _show(self) -> None:
        place = self.table.cursor
        if place is None or place >= len(self._chunks):
            return
        around = [self._chunks[at] if 0 <= at < len(self._chunks) else None for at in (place - 1, place, place + 1)]
        for widget, one in zip((self._before, self._text, self._after), around, strict=True):
            widget.update(Content(drawable(clean(one.text))) if one else "")
            widget.display = one is not None
        self.call_after_refresh(self._scroll_to_text)
        self._show_facts(self._chunks[place])
        if self._chunks[place].place not in self._n_tokens:
            self._count(self._chunks[place])

    def _scroll_to_text(self) -> None:
        """Have the text in the middle, with as much of its neighbours as there is room for."""
        reading = self.query_one("#reading", VerticalScroll)
        is_long = self._text.size.height >= reading.size.height
        reading.scroll_to_widget(self._text, animate=False, top=is_long, center=not is_long, force=True)

    @work(group="chunks.count", exclusive=True)
    async def _count(self, chunk: ChunkInfo) -> None:
        """Count the tokens of a chunk as the embedding model reads it."""
        try:
            engine = await self._backend.engine()
            self._n_tokens[chunk.place] = len(await engine.tokenize(self._model, chunk.text))
        except PolyError as error:
            self._fact.update(cell(f" the tokens cannot be counted: {error}", "$text-error"))
            return
        self._show_facts(chunk)

    def _show_facts(self, chunk: ChunkInfo) -> None:
        n_tokens = self._n_tokens.get(chunk.place)
        parts = [
            f"#{chunk.place}",
            f"{'…' if n_tokens is None else grouped(n_tokens)} tokens",
            f"characters {chunk.start}-{chunk.end}",
            *([_pages(chunk)] if chunk.first_page is not None else []),
            *chunk.headings,
        ]
        found = Content.styled("● found · " if chunk.place == self._marked else "", "$text-accent")
        self._fact.update(Content.assemble(" ", found, cell(" · ".join(parts), "$text-muted")))

    def _row_at(self, place: int) -> Row:
        chunk = self._chunks[place]
        heading = cell(" > ".join(chunk.headings) + "  ", "dim") if chunk.headings else ""
        return Row(
            (
                Content.styled("●", "$text-accent") if chunk.place == self._marked else Content(" "),
                Content(str(chunk.place)),
                Content(_pages(chunk).removeprefix("p") if chunk.first_page is not None else "—"),
                Content(f"{chunk.start}-{chunk.end}"),
                Content.assemble(cell(chunk.text[:400]), "  ", heading),
            )
        )


def _pages(chunk: ChunkInfo) -> str:
    last = "" if chunk.last_page in (None, chunk.first_page) else f"-{chunk.last_page}"
    return f"p{chunk.first_page}{last}"
