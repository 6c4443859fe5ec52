"""What the section of models knows of a model: what the engine says, who uses it, and what was seen of it here."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from poly_engine.interface import Engine
from poly_engine.types import MemoryInfo, ModelInfo, TaskInfo

__all__ = ["ModelFacts", "Seen", "Users"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a model here, and the engine does not know."""

    loaded_share: float | None = None
    """Of a model that is being loaded."""
    load_s: float | None = None
    """How long it took."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model, with the names of the tasks and memories that use it."""

    info: ModelInfo
    tasks: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()
    seen: Seen = field(default_factory=Seen)
    tokens_per_s: float | None = None
    """How fast it was last seen to write, or to embed."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.info.name

    @property
    def is_loaded(self) -> bool:
        """Whether it can answer at once."""
        return self.info.state == "loaded"

    @property
    def is_loading(self) -> bool:
        """Whether it is on its way, as far as is known."""
        return self.info.state == "loading" or self.seen.loaded_share is not None

    @property
    def problem(self) -> str:
        """Why it could not be loaded; empty if nothing is known to be wrong."""
        return (not self.is_loaded and self.info.problem) or ""

    @property
    def users(self) -> str:
        """Who uses it, in words; empty if nobody does."""
        memories = [f"memory {name}" for name in self.memories]
        return ", ".join([*self.tasks, *memories])

    def with_seen(self, seen: Seen, tokens_per_s: float | None) -> "ModelFacts":
        """The same, with something else seen."""
        return replace(self, seen=seen, tokens_per_s=tokens_per_s)


@dataclass(frozen=True, slots=True)
class Users:
    """The tasks and memories of an engine, which only another configuration changes."""

    tasks: Sequence[TaskInfo]
    memories: Sequence[MemoryInfo]

    @classmethod
    async def of(cls, engine: Engine) -> "Users":
        """Ask for them, which takes long where memories hold many documents. Raises PolyError."""
        return cls(*await asyncio.gather(engine.tasks(), engine.memories()))

    def facts(self, model: ModelInfo, seen: Seen, tokens_per_s: float | None) -> ModelFacts:
        """A model, with those who use it."""
        tasks = tuple(task.name for task in self.tasks if task.model == model.name)
        memories = tuple(memory.name for memory in self.memories if memory.embedding_model == model.name)
        return ModelFacts(model, tasks, memories, seen, tokens_per_s or None)
