"""What the tests of the section of memories do over and over."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.screen import Screen

from poly_engine.interface import Engine
from poly_tui.screens.memories.screen import MemoriesScreen
from tests.tui.looks import assert_looks
from tests.tui.steps import open_section, screen_rows, type_text, wait_until

__all__ = ["Room", "open_room"]

N_STILL = 3

S = TypeVar("S", bound=Screen[Any])  # Any: whatever they are dismissed with


@dataclass(frozen=True)
class Room:
    """The section as it is open in an application."""

    pilot: Pilot[None]
    screen: MemoriesScreen

    @property
    def text(self) -> str:
        """All that is painted."""
        return "\n".join(screen_rows(self.pilot))

    @property
    def sources(self) -> list[str]:
        """The documents in the rows."""
        return [one.source for one in self.screen.listing.entries]

    def over(self, kind: type[S]) -> S:
        """The screen that lies over the section."""
        over = self.pilot.app.screen
        assert isinstance(over, kind)
        return over

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Let the application work until something is so."""
        await wait_until(self.pilot, is_true)

    async def until_painted(self, *words: str) -> None:
        """Let the application work until the words are to be read."""
        await self.until(lambda: all(word in self.text for word in words))

    async def check_looks(self, name: str) -> None:
        """Compare what is painted with what was kept, once nothing changes any more."""
        n_same, text = 0, ""
        while n_same < N_STILL:
            await self.pilot.pause()
            n_same, text = (n_same + 1, text) if self.text == text else (0, self.text)
        assert_looks(self.pilot, name)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text, character by character."""
        await type_text(self.pilot, text)


@asynccontextmanager
async def open_room(
    engine: Engine,
    size: tuple[int, int] = (80, 24),
    *,
    is_open: bool = True,
    url: str | None = None,
    config_file: Path | None = None,
) -> AsyncIterator[Room]:
    """Go to the section, by default until a memory is shown."""
    async with open_section("memories", engine, size, url=url, config_file=config_file) as (pilot, screen):
        assert isinstance(screen, MemoriesScreen)
        room = Room(pilot, screen)
        if is_open:
            await room.until(lambda: screen.is_open)
        yield room
