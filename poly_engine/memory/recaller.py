"""What a task does with its memory: recalls for a prompt, and remembers it."""

import hashlib
from collections.abc import Awaitable, Callable

from poly_engine.config import Memorization
from poly_engine.memory.memory import Memory
from poly_engine.types import Hit

__all__ = ["Recaller"]


class Recaller:
    """The memory of a task. `open_memory` may raise what opening it raises."""

    def __init__(self, config: Memorization, open_memory: Callable[[str], Awaitable[Memory]]) -> None:
        self._config = config
        self._open_memory = open_memory

    async def open(self) -> None:
        """Make the memory ready."""
        await self._open_memory(self._config.memory)

    async def recall(self, prompt: str) -> list[Hit]:
        """What the memory holds on a prompt, best first; nothing if the task does not retrieve."""
        if self._config.retrieve is None or not prompt.strip():
            return []
        return await (await self._open_memory(self._config.memory)).recall(prompt, self._config.retrieve)

    async def store(self, prompt: str) -> None:
        """Add a prompt to the memory, if the task does that."""
        if self._config.store_prompts and prompt.strip():
            content = prompt.encode()
            source = f"prompt {hashlib.sha256(content).hexdigest()[:16]}"
            memory = await self._open_memory(self._config.memory)
            await memory.ingest(content, source=source, media_type="text/plain")
