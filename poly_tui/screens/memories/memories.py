"""The list of memories to choose from: beside the documents where there is room, over them elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen

from poly_engine.types import MemoryInfo
from poly_tui.memories.words import grouped
from poly_tui.widgets.row_table import Column, Row, RowTable, cell

__all__ = ["MemoriesCard", "MemoryList"]

_COLUMNS = (
    Column("", 1),
    Column("memory"),
    Column("docs", 6, is_right=True),
    Column("chunks", 8, is_right=True, from_width=28),
    Column("embedded by", 18, from_width=56),
)


class MemoryList(Vertical):
    """Shows memories, each with what it holds as far as that is known and the model that embeds."""

    @dataclass
    class Chosen(Message, namespace="memory_list"):
        """A memory is to be shown."""

        name: str

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.table = RowTable(_COLUMNS, empty=cell("none is configured"))
        self._memories: Sequence[MemoryInfo] = ()
        self._current = ""

    def compose(self) -> ComposeResult:
        """The rows."""
        yield self.table

    def on_mount(self) -> None:
        """Name it."""
        self.border_title = "Memories"

    def show(self, memories: Sequence[MemoryInfo], current: str) -> None:
        """Show memories, one of which is the current one."""
        self._memories, self._current = memories, current
        names = [one.name for one in memories]
        self.table.show(len(memories), self._row_at, names.index(current) if current in names else None)

    @on(RowTable.Chosen)
    def choose(self, message: RowTable.Chosen) -> None:
        """Show the documents of a memory."""
        message.stop()
        self.post_message(self.Chosen(self._memories[message.place].name))

    def _row_at(self, place: int) -> Row:
        memory = self._memories[place]
        is_current = memory.name == self._current
        return Row(
            (
                Content.styled("●" if is_current else " ", "$text-success"),
                cell(memory.name, "bold" if is_current else ""),
                Content(_count(memory.n_documents)),
                Content(_count(memory.n_chunks)),
                cell(memory.embedding_model, "$text-muted"),
            )
        )


class MemoriesCard(ModalScreen[str | None]):
    """The list over a screen that has no room beside it. The result is the name that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "back", id="memories.leave_list")]

    def __init__(self, memories: Sequence[MemoryInfo], current: str) -> None:
        super().__init__()
        self._memories = memories
        self._current = current
        self._list = MemoryList()

    def compose(self) -> ComposeResult:
        """The list."""
        yield self._list

    def on_mount(self) -> None:
        """Show what there is."""
        self._list.border_subtitle = "⏎ choose · esc back"
        self._list.show(self._memories, self._current)
        self._list.table.focus()

    @on(MemoryList.Chosen)
    def choose(self, message: MemoryList.Chosen) -> None:
        """Take one."""
        self.dismiss(message.name)

    def action_leave(self) -> None:
        """Take none."""
        self.dismiss(None)


def _count(n: int | None) -> str:
    return "—" if n is None else grouped(n)  # before it was opened nobody counted
