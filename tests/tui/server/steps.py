"""The section over servers that are not there, and what is done in it over and over."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.screen import ModalScreen

from poly_tui.app import PolyApp
from poly_tui.backend import Backend
from poly_tui.screens.server.screen import ServerScreen
from poly_tui.serving.link import Phase
from tests.fake_engine import FakeEngine
from tests.tui.looks import assert_looks
from tests.tui.server.fake_servers import FakeServers
from tests.tui.steps import screen_rows, wait_until

S = TypeVar("S", bound=ModalScreen[Any])


def logged(message: str, level: str = "info", **more: object) -> str:
    return json.dumps({"time": "2026-05-04T14:02:11.123Z", "level": level, "message": message, **more})


REQUEST_LINE = logged("x", method="GET", path="/v1/task/legal/live", status=200, ms=2100.5, subject="key:ci-bot")


class Ticks:
    """The time between two polls, which passes when the test says so."""

    def __init__(self) -> None:
        self.n_waiting = 0
        self.n_begun = 0
        self._passed = asyncio.Event()

    async def pause(self, _: float) -> None:
        self.n_waiting += 1
        self.n_begun += 1
        try:
            await self._passed.wait()
        finally:
            self.n_waiting -= 1

    def tick(self) -> None:
        self._passed.set()
        self._passed = asyncio.Event()


@dataclass
class Shown:
    """The section, over servers that are not there."""

    pilot: Pilot[None]
    screen: ServerScreen
    servers: FakeServers
    ticks: Ticks

    async def poll(self) -> None:
        """Have the screen ask once, and paint what it hears."""
        await wait_until(self.pilot, lambda: self.ticks.n_waiting == 1)
        n_before = self.ticks.n_begun
        self.ticks.tick()
        await wait_until(self.pilot, lambda: self.ticks.n_begun > n_before)

    async def until(self, phase: Phase) -> None:
        for _ in range(5):
            await self.poll()
            if self.screen.link.phase is phase:
                return
        raise AssertionError(f"it is {self.screen.link.phase}, and not {phase}")

    async def looks(self, name: str) -> None:
        """Compare what is painted, once nothing changes any more, with what was kept for this size."""
        before: list[str] = []
        while before[-3:] != [self.text] * 3:
            before.append(self.text)
            await self.pilot.pause()
        width, height = self.pilot.app.size
        assert_looks(self.pilot, f"server/{name}-{width}x{height}")

    async def sees(self, *words: str) -> None:
        """Wait until words are on the screen."""
        await wait_until(self.pilot, lambda: all(word in self.text for word in words))

    async def is_told(self, words: str) -> None:
        """Wait until there is a notification with words in it."""
        await wait_until(self.pilot, lambda: any(words in one.message for one in self.pilot.app._notifications))

    @property
    def text(self) -> str:
        return "\n".join(screen_rows(self.pilot))

    async def card(self, kind: type[S]) -> S:
        await wait_until(self.pilot, lambda: isinstance(self.pilot.app.screen, kind))
        found = self.pilot.app.screen
        assert isinstance(found, kind)
        return found


@asynccontextmanager
async def open_server(
    servers: FakeServers, size: tuple[int, int] = (80, 24), *, url: str | None = None
) -> AsyncIterator[Shown]:
    """The section in the application. Its clock counts polls."""
    clock = itertools.count()
    backend = Backend.of(FakeEngine(), url=url)
    app = PolyApp(backend)
    await app.remove_mode("server")
    ticks = Ticks()
    app.add_mode("server", lambda: ServerScreen(backend, servers, pause=ticks.pause, clock=lambda: float(next(clock))))
    async with app.run_test(size=size) as pilot:
        await app.action_go("server")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, ServerScreen)
        yield Shown(pilot, screen, servers, ticks)
