"""What the tests of the section of models do over and over."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from poly_engine.interface import Engine
from poly_engine.types import TaskInfo
from poly_tui.screens.models.facts import ModelFacts
from poly_tui.screens.models.fit import FreeMemory
from poly_tui.screens.models.screen import ModelsScreen
from tests.fake_engine import FakeEngine, Gate
from tests.tui.steps import open_section, screen_rows, type_text, wait_until

GB = 1_000_000_000
N_STEPS_OF_A_LOAD = 5
"""So often the scripted engine stands at its gate while it loads: the chat loads the model of its task at once."""


@dataclass(frozen=True)
class Models:
    """The section in a running application."""

    pilot: Pilot[None]
    screen: ModelsScreen

    @property
    def rows(self) -> list[str]:
        """The rows of the whole screen as they are painted."""
        return screen_rows(self.pilot)

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.rows)

    def model(self, name: str) -> ModelFacts:
        """What the screen knows of a model."""
        return next(one for one in self.screen._models if one.name == name)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        await wait_until(self.pilot, is_true)

    async def until_painted(self, *words: str) -> None:
        """Wait until words are on the screen, spaces and ends of lines left aside."""
        wanted = ["".join(one.split()) for one in words]
        try:
            await self.until(lambda: all(one in "".join(self.text.split()) for one in wanted))
        except AssertionError as error:
            raise AssertionError(f"{words} did not come. There was:\n{self.text}") from error

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text."""
        await type_text(self.pilot, text)


@asynccontextmanager
async def open_models(
    engine: Engine,
    size: tuple[int, int] = (80, 24),
    *,
    free_bytes: int = 8 * GB,
    url: str | None = None,
    config_file: Path | None = None,
) -> AsyncIterator[Models]:
    """Go to the section, on a machine with 16 GB, and wait until it lists what there is."""
    async with open_section("models", engine, size, url=url, config_file=config_file) as (pilot, screen):
        assert isinstance(screen, ModelsScreen)
        models = Models(pilot, screen)
        if url is None:
            screen.machine = lambda: FreeMemory(16 * GB, free_bytes)
        await models.until(lambda: bool(screen._models) and screen._models[0].is_loaded)
        screen.look()
        if url is None and size[1] >= 16 and size[0] >= 60:
            await models.until_painted("of 16 GB free")
        yield models


def two_models(*, is_slow: bool = False, kind: type[FakeEngine] = FakeEngine) -> FakeEngine:
    """An engine with the models qwen, which the chat loads, and tiny, which `is_slow` has stop at its gate."""
    tasks = [TaskInfo("chat", "qwen"), TaskInfo("legal", "qwen"), TaskInfo("draft", "tiny")]
    load_gate = Gate(N_STEPS_OF_A_LOAD) if is_slow else None
    return kind(tasks=tasks, load_gate=load_gate)
