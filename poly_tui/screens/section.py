"""What the screens of all sections have in common."""

from abc import abstractmethod
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.screen import Screen

from poly_engine.errors import PolyError
from poly_tui.backend import Backend
from poly_tui.screens.question import Question
from poly_tui.widgets.keys import KeysBar
from poly_tui.widgets.room_card import RoomCard
from poly_tui.widgets.title_bar import TitleBar

__all__ = ["SectionScreen"]


class SectionScreen(Screen[None]):
    """The names of the sections, the body of this one, and the keys that can be pressed."""

    SECTION: ClassVar[str]

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend
        self.title_bar = TitleBar(self.SECTION)

    def compose(self) -> ComposeResult:
        """Title, body, keys."""
        yield self.title_bar
        yield from self.compose_body()
        yield KeysBar()
        yield RoomCard()

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The keys that count now: ours, which have ids, before the thirty that edit text in any field."""
        return dict(sorted(super().active_bindings.items(), key=lambda one: not one[1].binding.id))

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """What is between the first row and the last."""

    @property
    def unsaved(self) -> str:
        """What would be lost by quitting, in words; "" if nothing would."""
        return ""

    async def may_quit(self) -> bool:
        """Whether the application may end, as far as this section is concerned; asks if something would be lost."""
        if not self.unsaved:
            return True
        await self.app.switch_mode(self.SECTION)
        return await self.app.push_screen_wait(Question(f"{self.unsaved}. Quit all the same?", "quit"))

    def tell_error(self, error: PolyError) -> None:
        """Say what did not work."""
        self.notify(str(error), severity="error", markup=False)
