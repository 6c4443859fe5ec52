"""What the tests of the engine have in common: small configurations, and the events of one turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poly_engine.config import Config
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.local import LocalEngine
from poly_engine.types import Done, Event, Overrides, Progress, Token, Truncated

Settings = Mapping[str, Any]  # what TOML can hold

GREEDY: Settings = {"temperature": 0, "repeat_penalty": 1.0}


def config(models: Mapping[str, Settings], tasks: Mapping[str, Settings] | None = None) -> Config:
    """Models with one thread and a short context, and tasks that are greedy, unless they say otherwise."""
    small = {"threads_per_session": 1, "context_size": 256}
    return Config.model_validate(
        {
            "models": {name: {**small, **settings} for name, settings in models.items()},
            "tasks": {name: _greedy(settings) for name, settings in (tasks or {}).items()},
        }
    )


def _greedy(settings: Settings) -> Settings:
    return dict(settings) if "samplers" in settings else {**GREEDY, **settings}


def engine(path: Path, model: Settings | None = None, **task: Any) -> LocalEngine:
    """An engine with the model "m" at `path` and the task "t" over it."""
    return LocalEngine(config({"m": {"model_path": str(path), **(model or {})}}, {"t": {"model": "m", **task}}))


@asynccontextmanager
async def opened(path: Path, model: Settings | None = None, **task: Any) -> AsyncIterator[Session]:
    """A session with an engine of its own."""
    async with engine(path, model, **task) as home, home.session("t") as session:
        yield session


@dataclass(frozen=True, slots=True)
class Heard:
    """The events of one turn."""

    events: tuple[Event, ...]

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Token))

    @property
    def tokens(self) -> list[int]:
        return [event.id for event in self.events if isinstance(event, Token)]

    @property
    def progress(self) -> list[Progress]:
        return [event for event in self.events if isinstance(event, Progress)]

    @property
    def truncated(self) -> Truncated | None:
        return next((event for event in self.events if isinstance(event, Truncated)), None)

    @property
    def done(self) -> Done:
        last = self.events[-1]
        assert isinstance(last, Done)
        return last


async def hear(session: Session, prompt: str, overrides: Overrides = NO_OVERRIDES) -> Heard:
    """Say something and listen to the end."""
    async with session.send(prompt, overrides) as events:
        return Heard(tuple([event async for event in events]))
