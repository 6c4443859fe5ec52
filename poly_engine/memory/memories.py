"""The memories of a configuration, each opened when it is first asked for."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path

from poly_engine.config import MemoryConfig
from poly_engine.config.locations import file_at
from poly_engine.errors import InvalidRequest, MemoryFailed, MemoryNotFound, PolyError
from poly_engine.extract import Extractor
from poly_engine.memory.chunking import ChunkSettings
from poly_engine.memory.embedding import Embedding
from poly_engine.memory.intake import IntakeSettings
from poly_engine.memory.memory import Memory
from poly_engine.memory.queue import has_work
from poly_engine.memory.reindexing import reindex
from poly_engine.memory.stores import DATABASE, open_store
from poly_engine.places import data_dir
from poly_engine.types import Ingested, MemoryInfo, RecallOptions

__all__ = ["Memories"]

QUEUE = "queue.db"

_log = logging.getLogger(__name__)


class Memories:
    """Opens memories by their names. `open_embedding` loads the model of a name; it may raise what loading raises."""

    def __init__(
        self, config: Mapping[str, MemoryConfig], open_embedding: Callable[[str], Awaitable[Embedding]]
    ) -> None:
        self._config = config
        self._open_embedding = open_embedding
        self._in_turn = {name: asyncio.Lock() for name in config}  # a server that does not answer holds up one alone
        self._extractor = Extractor()  # one for all: documents are read one after the other
        self._opened: dict[str, Memory] = {}

    async def get(self, name: str) -> Memory:
        """A memory, ready to be used. Raises MemoryNotFound, a MemoryFailed, or InvalidRequest."""
        config = self._known(name)
        async with self._in_turn[name]:
            if name in self._opened and not self._opened[name].is_current:
                await self._opened.pop(name).close()
            if name not in self._opened:
                embedding = await self._open_embedding(config.embedding_model)
                self._opened[name] = await asyncio.to_thread(_open, name, config, embedding, self._extractor)
            return self._opened[name]

    async def resume(self) -> None:
        """Take in what was accepted and is not taken in yet; of memories in whose queues nothing waits, none is opened.
        What cannot be opened now is left for when it is asked for.
        """
        for name, config in list(self._config.items()):
            if await asyncio.to_thread(has_work, _folder(name, config) / QUEUE):
                try:
                    await (await self.get(name)).settle()
                except PolyError as error:
                    _log.warning("memory %s: documents wait in its queue: %s", name, error)

    async def reindex(self, name: str, on_done: Callable[[Ingested], None]) -> None:
        """Make a memory anew, as the configuration says now. Raises as `get`."""
        config = self._known(name)
        if config.store.file is None:
            raise InvalidRequest(
                f"memory {name} is on a server, where none can be made beside it and take its place: export it with "
                "the model that it has, name the new model and another collection or table, and import it there"
            )
        async with self._in_turn[name]:
            if (opened := self._opened.pop(name, None)) is not None:
                await opened.close()
            embedding = await self._open_embedding(config.embedding_model)
            settings = _intake_settings(name, config, embedding)
            path = _folder(name, config) / DATABASE
            await reindex(path, settings, embedding, self._extractor, on_done)

    async def reconfigure(self, config: Mapping[str, MemoryConfig], changed_models: Collection[str]) -> None:
        """Go on with another configuration; memories that are the same in it, model and all, stay open."""
        gone = [
            name
            for name, memory in self._config.items()
            if config.get(name) != memory or memory.embedding_model in changed_models
        ]
        self._config = config
        self._in_turn = {name: self._in_turn.get(name) or asyncio.Lock() for name in config}
        await asyncio.gather(*(self._opened.pop(name).close() for name in gone if name in self._opened))

    async def let_go(self, model: str) -> None:
        """Close those that embed with a model, which is about to be unloaded; whoever asks for one opens it again."""
        for name, config in list(self._config.items()):
            if config.embedding_model == model and name in self._opened:
                await self._opened.pop(name).close()

    async def infos(self) -> Sequence[MemoryInfo]:
        """What is known of them, by name; counts only of those that are open."""
        return [await self._info(name, config) for name, config in sorted(self._config.items())]

    async def close(self) -> None:
        """Close those that are open."""
        opened, self._opened = self._opened, {}
        await self._extractor.close()
        await asyncio.gather(*(memory.close() for memory in opened.values()))

    def _known(self, name: str) -> MemoryConfig:
        if name not in self._config:
            raise MemoryNotFound(name, self._config)
        return self._config[name]

    async def _info(self, name: str, config: MemoryConfig) -> MemoryInfo:
        memory = self._opened.get(name)
        documents = None if memory is None else await memory.documents()
        if documents is None:
            return MemoryInfo(name, config.embedding_model)
        return MemoryInfo(name, config.embedding_model, len(documents), sum(one.n_chunks for one in documents))


def _open(name: str, config: MemoryConfig, embedding: Embedding, extractor: Extractor) -> Memory:
    settings = _intake_settings(name, config, embedding)
    defaults = RecallOptions(min_score=config.min_score, mmr=config.mmr, neighbours=config.neighbours)
    folder = _folder(name, config)
    store = open_store(config.store, folder, embedding.fingerprint)
    if config.small_to_big and not store.keeps_sentences:
        store.close()
        raise InvalidRequest(f"memory {name}: small_to_big needs the built-in store, which keeps sentences, too")
    try:
        return Memory(
            store,
            folder / QUEUE,
            settings=settings,
            embedding=embedding,
            extractor=extractor,
            defaults=defaults,
        )
    except MemoryFailed:
        store.close()
        raise


def _intake_settings(name: str, config: MemoryConfig, embedding: Embedding) -> IntakeSettings:
    """How a memory makes chunks. Raises InvalidRequest for what its embedding model cannot do."""
    dimensions = embedding.fingerprint.dimensions
    if config.dimensions not in (None, dimensions):
        raise InvalidRequest(
            f"memory {name} wants {config.dimensions} dimensions, and {config.embedding_model} has {dimensions}"
        )
    if config.chunk_max_tokens > embedding.max_tokens and "chunk_max_tokens" in config.model_fields_set:
        raise InvalidRequest(
            f"memory {name} wants chunks of {config.chunk_max_tokens} tokens, and {config.embedding_model} reads at "
            f"most {embedding.max_tokens}: lower chunk_max_tokens"
        )
    longest = min(config.chunk_max_tokens, embedding.max_tokens)
    overlap = min(config.chunk_overlap_tokens, longest // 2)
    chunks = ChunkSettings(longest, config.chunk_separators, overlap)
    return IntakeSettings(chunks, config.pre_filter, config.post_filter, config.small_to_big)


def _folder(name: str, config: MemoryConfig) -> Path:
    """Where a memory keeps its files: in the folder that is configured, or in one of its own in the data folder."""
    location = config.store.file.path if config.store.file is not None else None
    return data_dir() / "memories" / re.sub(r"[^\w.-]|^\.+", "_", name) if location is None else file_at(location)
