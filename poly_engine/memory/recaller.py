"""What a task does with its memory: recalls for a prompt, and remembers it."""

import hashlib
from collections.abc import Awaitable, Callable

from poly_engine.config import Memorization
from poly_engine.memory.memory import Memory
from poly_engine.types import Recalled, RecallOptions

__all__ = ["Recaller"]


_MOST = 50
"""Chunks, where only their tokens are limited."""


class Recaller:
    """The memory of a task. `open_memory` may raise what opening it raises."""

    def __init__(self, config: Memorization, open_memory: Callable[[str], Awaitable[Memory]]) -> None:
        self._config = config
        self._open_memory = open_memory

    async def open(self) -> None:
        """Make the memory ready."""
        await self._open_memory(self._config.memory)

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of the model all that is recalled may take; None if the task does not say."""
        return self._config.max_tokens

    async def recall(self, prompt: str) -> Recalled | None:
        """What the memory holds on a prompt; None if the task does not retrieve."""
        n = self._config.retrieve or (_MOST if self._config.max_tokens else None)
        if n is None or not prompt.strip():
            return None
        return await (await self._open_memory(self._config.memory)).recall(prompt, RecallOptions(n=n))

    async def store(self, prompt: str) -> None:
        """Add a prompt to the memory, if the task does that."""
        if self._config.store_prompts and prompt.strip():
            content = prompt.encode()
            source = f"prompt {hashlib.sha256(content).hexdigest()[:16]}"
            memory = await self._open_memory(self._config.memory)
            await memory.ingest(content, source=source, media_type="text/plain")
