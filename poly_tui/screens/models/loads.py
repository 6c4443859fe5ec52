"""Loading and unloading models, and what was seen of that."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict, Unpack

from poly_engine.errors import PolyError
from poly_engine.interface import Engine
from poly_tui.screens.models.facts import Seen

__all__ = ["Loads"]


class _Change(TypedDict, total=False):
    loaded_share: float | None
    problem: str
    load_s: float | None


class Loads:
    """Does it, and calls `changed` whenever there is something else to be seen."""

    def __init__(self, changed: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._seen: dict[str, Seen] = {}
        self._changed = changed
        self._clock = clock

    def of(self, model: str) -> Seen:
        """What was seen of a model."""
        return self._seen.get(model, Seen())

    def see(self, model: str, **change: Unpack[_Change]) -> None:
        """Put down something about a model."""
        self._seen[model] = replace(self.of(model), **change)
        self._changed()

    async def load(self, engine: Engine, model: str) -> None:
        """Load a model. Raises PolyError, which is also put down."""
        begin = self._clock()
        self.see(model, loaded_share=0.0, problem="")
        try:
            await engine.load(model, lambda share: self.see(model, loaded_share=share))
        except PolyError as error:
            self.see(model, problem=str(error))
            raise
        else:
            self.see(model, load_s=self._clock() - begin)
        finally:
            self.see(model, loaded_share=None)

    async def unload(self, engine: Engine, model: str) -> None:
        """Give the memory of a model back. Raises PolyError."""
        await engine.unload(model)
        self.see(model, problem="")
