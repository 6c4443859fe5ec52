"""What the tests of tuning do over and over."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from poly_engine.config import Config
from poly_engine.interface import NO_OVERRIDES
from poly_engine.types import Bias, Event, Overrides, TaskInfo, ToolResult, Tools, Turn
from poly_tui.screens.tune.form import FieldList
from poly_tui.screens.tune.screen import TuneScreen
from tests.fake_engine import FakeEngine, FakeSession, Gate, Reply
from tests.tui.steps import open_section, screen_rows, wait_until

CONFIG = """\
# What the lawyer needs.
[models.qwen]
model_path = "qwen.gguf"

[models.tiny]
model_path = "tiny.gguf"

[tasks.legal]
model = "qwen"
description = "Answers from contracts."
system = "You answer from the sources only."
temperature = 0.4   # low: it quotes
stop_sequences = ["\\nUser:"]
seed = 7

[tasks.cook]
model = "tiny"
biaser = { json_schema = { type = "object", properties = { dish = { type = "string" } }, required = ["dish"] } }

[memories.contracts]
embedding_model = "tiny"
"""

QUESTION = "When may the supplier end the agreement?"
TASKS = (TaskInfo("legal", "qwen"), TaskInfo("cook", "tiny"))
ANSWERS = {
    "0.4": "The supplier may terminate in three cases.",
    "0.7": "There are three cases in which the supplier may end it.",
}


class TunedSession(FakeSession):
    """Says at which temperature it was asked, behind the prompt."""

    temperature: object = None
    overrides: Overrides = NO_OVERRIDES

    @asynccontextmanager
    async def send(
        self,
        prompt: str,
        overrides: Overrides = NO_OVERRIDES,
        *,
        schema: Bias | Mapping[str, object] | None = None,
        tools: Tools | None = None,
        results: Sequence[ToolResult] = (),
    ) -> AsyncIterator[AsyncIterator[Event]]:
        temperature = self.temperature if overrides.temperature is None else overrides.temperature
        assert isinstance(self._engine, TunedEngine)
        self._engine.overrides.append(overrides)
        asked = f"{prompt} @{temperature}"
        async with super().send(asked, overrides, schema=schema, tools=tools, results=results) as events:
            yield events


class TunedEngine(FakeEngine):
    """Answers by the temperature, and takes another configuration."""

    def __init__(self, reply: Callable[[str], Reply] | None = None, *, gate: Gate | None = None) -> None:
        super().__init__(
            reply or _by_temperature, tasks=TASKS, gate=gate, memories=("contracts",), settings={"legal": SERVED}
        )
        self.configs: list[Config] = []
        self.overrides: list[Overrides] = []

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> FakeSession:
        session = super().session(task, system=system, history=history, settings=settings)
        session.__class__ = TunedSession
        assert isinstance(session, TunedSession)
        session.temperature = SERVED["temperature"] if settings is None else settings.get("temperature")
        return session

    async def reconfigure(self, config: Config) -> None:
        self.configs.append(config)


SERVED: Mapping[str, object] = {"model": "qwen", "temperature": 0.4, "top_k": 40, "description": "Of a server."}


def _by_temperature(prompt: str) -> Reply:
    return Reply.of(ANSWERS.get(prompt.rpartition("@")[2], "Pasta."))


def write_config(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "poly.toml"
    path.write_text(text, encoding="utf-8")
    return path


@asynccontextmanager
async def tuning(
    engine: FakeEngine,
    config_file: Path | None,
    size: tuple[int, int] = (80, 24),
    *,
    url: str | None = None,
    is_checked: bool = True,
) -> AsyncIterator[tuple[Pilot[None], TuneScreen]]:
    """The section of tuning, once the fields stand there."""
    async with open_section("tune", engine, size, url=url, config_file=config_file) as (pilot, screen):
        assert isinstance(screen, TuneScreen)
        if is_checked:
            await wait_until(pilot, lambda: screen._form.field is not None)
        yield pilot, screen


def walk_to(screen: TuneScreen, *where: str) -> None:
    screen.query_one(FieldList).walk_to(where)


def text_of(pilot: Pilot[None]) -> str:
    return "\n".join(screen_rows(pilot))


def told(pilot: Pilot[None]) -> str:
    """What was last told in a toast."""
    return " ".join(note.message for note in pilot.app._notifications)


def with_prompts(screen: TuneScreen, *prompts: str) -> None:
    for prompt in prompts:
        screen._saved_prompts.add("legal", prompt)
    screen.task_changed()


async def until_card(pilot: Pilot[None], card: type) -> None:
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, card))
    await pilot.pause()


async def until_over(pilot: Pilot[None], screen: TuneScreen, *prompts: str) -> None:
    await wait_until(pilot, lambda: all(p in screen._duels and screen._duels[p].is_over for p in prompts))
    await wait_until(pilot, lambda: "Δ length" in text_of(pilot) or "the same words" in text_of(pilot))
