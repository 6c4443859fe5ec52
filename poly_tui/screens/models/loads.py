"""Loading models, and what was seen of that."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict, Unpack

from poly_engine.interface import Engine
from poly_tui.screens.models.facts import Seen

__all__ = ["Loads"]


class _Change(TypedDict, total=False):
    loaded_share: float | None
    load_s: float | None


class Loads:
    """Loads models, and calls `changed` whenever there is something else to be seen of one."""

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
        """Load a model. Raises PolyError."""
        begin = self._clock()
        self.see(model, loaded_share=0.0)
        try:
            await engine.load(model, lambda share: self.see(model, loaded_share=share))
            self.see(model, load_s=self._clock() - begin)
        finally:
            self.see(model, loaded_share=None)
