"""What a memory finds, while one types: the hits with the trace of how each was found, and what was left out."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from poly_engine.errors import PolyError
from poly_engine.types import Dropped, Hit, Recalled
from poly_tui.backend import Backend
from poly_tui.memories.words import bar, score
from poly_tui.screens.memories.options import OptionsRow
from poly_tui.transcript.clean import clean, drawable
from poly_tui.widgets.row_table import Column, Row, RowTable, cell

__all__ = ["SearchPane"]

DEBOUNCE_S = 0.15

_COLUMNS = (
    Column("", 4, is_right=True),
    Column("", 8, from_width=76),
    Column("found"),
    Column("vector", 8, is_right=True, from_width=60),
    Column("words", 9, is_right=True, from_width=60),
)
_REASONS = {
    "duplicate": "the same text as a better one",
    "low_score": "too unlike the question (min)",
    "similar": "too like a better one (mmr)",
    "no_room": "no room for it",
}


class SearchPane(Vertical):
    """A line for a question, the figures that a search goes by, and what it finds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.back", "back", id="memories.leave_search"),
        Binding("down", "go_to_hits", "hits", id="memories.hits", show=False),
    ]

    @dataclass
    class Chosen(Message, namespace="search"):
        """A hit is to be read where it stands."""

        hit: Hit

    clock: Callable[[], float] = staticmethod(time.perf_counter)

    def __init__(self, backend: Backend) -> None:
        super().__init__(id="search")
        self._backend = backend
        self._memory = ""
        self._found: list[tuple[Hit, str]] = []
        self._query = Input(placeholder="search: what is it about?", compact=True, id="query")
        self._options = OptionsRow()
        self._trace = Static(id="trace")
        self._said = Static(id="said")
        self.hits = RowTable(_COLUMNS, empty=Content("type a question"), id="hits")

    def compose(self) -> ComposeResult:
        """From the question to how the current hit was found."""
        yield self._query
        yield self._options
        yield self.hits
        yield self._trace
        yield self._said

    def use(self, memory: str) -> None:
        """Search another memory."""
        self._memory = memory
        self._ask()

    def focus_query(self) -> None:
        """Let a question be typed."""
        self._query.focus()

    @property
    def is_in_use(self) -> bool:
        """Whether the focus is in here."""
        return self.has_focus_within

    @on(Input.Changed, "#query")
    def ask(self, message: Input.Changed) -> None:
        """Search while one types."""
        message.stop()
        self._ask()

    @on(OptionsRow.Changed)
    def ask_again(self, message: OptionsRow.Changed) -> None:
        """Search by other figures."""
        message.stop()
        self._ask()

    @on(Input.Submitted, "#query")
    def leave_query(self, message: Input.Submitted) -> None:
        """Let a hit be chosen."""
        message.stop()
        self.hits.focus()

    def action_go_to_hits(self) -> None:
        """Let a hit be chosen."""
        self.hits.focus()

    @on(RowTable.Moved, "#hits")
    def show_trace(self, message: RowTable.Moved) -> None:
        """Say how the current hit was found."""
        message.stop()
        self._show_trace()

    @on(RowTable.Chosen, "#hits")
    def choose(self, message: RowTable.Chosen) -> None:
        """Open a hit."""
        message.stop()
        self.post_message(self.Chosen(self._found[message.place][0]))

    @work(group="memories.search", exclusive=True)
    async def _ask(self) -> None:
        """Search once nothing more is typed for a while. Whoever asks later wins: this one is broken off."""
        question = self._query.value.strip()
        if not question or not self._memory:
            self._show([], "type a question" if self._memory else "there is no memory to search", None)
            return
        await asyncio.sleep(DEBOUNCE_S)
        began = self.clock()
        try:
            engine = await self._backend.engine()
            recalled = await engine.recall(self._memory, question, self._options.options)
        except PolyError as error:
            self._show([], str(error), None)
            return
        self._show(_found(recalled), "the memory holds nothing on that", (self.clock() - began) * 1000)

    def _show(self, found: list[tuple[Hit, str]], empty: str, took_ms: float | None) -> None:
        self._found = found
        self._options.show_time(took_ms)
        self.hits.show_empty(cell(empty, "$text-muted"))
        self.hits.show(len(found), self._row_at, 0)
        self._show_trace()

    def _row_at(self, place: int) -> Row:
        hit, reason = self._found[place]
        page = "" if hit.first_page is None else f" p{hit.first_page}"
        where = cell(f"{hit.source.rpartition('/')[2]}{page} #{hit.place}", "bold")
        said = cell(f"left out: {reason}", "$text-warning") if reason else cell(hit.text)
        cells = (
            Content(score(hit.score)),
            Content.styled(bar(hit.score, 8), "$text-accent"),
            Content.assemble(where, "  ", said),
            Content(_side(hit.vector_rank, hit.vector_score)),
            Content(_side(hit.words_rank, hit.words_score)),
        )
        return Row(cells, "dim" if reason else "")

    def _show_trace(self) -> None:
        place = self.hits.cursor
        if place is None or place >= len(self._found):
            self._trace.update("")
            self._said.remove_class("-on")
            return
        hit, reason = self._found[place]
        self._said.update(Content(drawable(clean(hit.text.strip()))))
        self._said.add_class("-on")
        by_vector = (
            "not by its vector" if hit.vector_rank is None else f"vector {_side(hit.vector_rank, hit.vector_score)}"
        )
        by_words = "not by its words" if hit.words_rank is None else f"words {_side(hit.words_rank, hit.words_score)}"
        parts = [f"fused {score(hit.score)}", by_vector, by_words, f"{hit.start}-{hit.end}", *hit.headings]
        self._trace.update(
            Content.assemble(" ", cell(" · ".join([*([reason] if reason else []), *parts]), "$text-muted"))
        )


def _found(recalled: Recalled) -> list[tuple[Hit, str]]:
    """The hits, and below them what was left out, with the reasons."""
    return [*((hit, "") for hit in recalled.hits), *((one.hit, _reason(one)) for one in recalled.dropped)]


def _reason(dropped: Dropped) -> str:
    return _REASONS[dropped.reason]


def _side(rank: int | None, value: float | None) -> str:
    """The rank and the score of one side of the search."""
    return "—" if rank is None else f"{rank}." if value is None else f"{rank}. {value:.2f}"
