"""The engine of this process: it wires configuration, models, workers and sessions together, and nothing else does."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from poly_engine.batch.client import WorkerClient
from poly_engine.batch.opened import MakeHost
from poly_engine.config import Config, ModelConfig, TaskConfig, task_draft
from poly_engine.content import Content
from poly_engine.errors import (
    ContextExceeded,
    EngineClosed,
    InvalidRequest,
    ModelLoadFailed,
    ModelNotFound,
    TaskNotFound,
)
from poly_engine.interface import NO_OPTIONS, Engine
from poly_engine.memory.embedding import Embedding, VocabularyCounter
from poly_engine.memory.memories import Memories
from poly_engine.memory.recaller import Recaller
from poly_engine.memory.records import Fingerprint
from poly_engine.models.digest import sample_digest
from poly_engine.models.fit import adapter_bytes, cache_sizes, memory_bytes
from poly_engine.models.headers import Headers
from poly_engine.openai.asking import settings_in_effect
from poly_engine.openai.model import RemoteModel
from poly_engine.openai.session import OpenAISession
from poly_engine.overrides import check_ids
from poly_engine.served import ServedModel
from poly_engine.session import LocalSession
from poly_engine.task import Task
from poly_engine.types import (
    ChunkInfo,
    DocumentInfo,
    Embeddings,
    Ingested,
    IngestJob,
    IngestProgress,
    MemoryInfo,
    ModelInfo,
    PromptPart,
    Recalled,
    RecallOptions,
    TaskInfo,
    TokenPiece,
    Turn,
)


class LocalEngine(Engine):
    """Runs the models of a configuration on this machine. A model is loaded when it is first asked for.

    `host` is where the workers of the models live: in threads of this process, or with `ProcessHost` each in a process
    of its own, so that a crash of llama.cpp ends the requests to one model, and no more. Relative locations in drafts
    of settings are in `folder`, where the file of the configuration is, or in the working directory.
    """

    def __init__(self, config: Config, host: MakeHost | None = None, *, folder: Path | None = None) -> None:
        self._config = config
        self._folder = folder
        self._host = host or _thread_host()
        self._headers = Headers()
        self._served: dict[str, ServedModel] = {}
        self._remote: dict[str, RemoteModel] = {}
        self._memories = Memories(config.memories, self._embedding)
        self._is_closed = False

    async def models(self) -> Sequence[ModelInfo]:
        return [await asyncio.to_thread(self._describe, name) for name in sorted(self._config.models)]

    async def tasks(self) -> Sequence[TaskInfo]:
        return [TaskInfo(name, task.model, task.description) for name, task in self._config.tasks.items()]

    async def settings(self, task: str) -> Mapping[str, object]:
        config = self._task(task)
        return settings_in_effect(config) if self._config.models[config.model].is_remote else config.in_effect

    async def load(self, model: str, on_progress: Callable[[float], None] | None = None) -> ModelInfo:
        if (remote := self._remote_model(model)) is not None:
            await remote.load(on_progress)
            return remote.about
        await self._client(model, on_progress)
        return await asyncio.to_thread(self._describe, model)

    async def unload(self, model: str) -> None:
        self._model(model)
        await self._memories.let_go(model)
        if (served := self._served.get(model) or self._remote.get(model)) is not None:
            await served.unload()

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> LocalSession | OpenAISession:
        config = self._task(task) if settings is None else task_draft(task, settings, self._config, self._folder)
        recaller = Recaller(config.memorization, self._memories.get) if config.memorization else None
        if self._model(config.model).is_remote:
            return OpenAISession(Task(task, config), lambda: self._of_server(config.model), system, history, recaller)
        return LocalSession(Task(task, config), lambda: self._client(config.model), system, history, recaller)

    async def prompt_parts(
        self,
        task: str,
        prompt: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[PromptPart]:
        async with self.session(task, system=system, history=history, settings=settings) as session:
            return await session.preview(prompt)

    async def tokenize(self, model: str, text: str) -> Sequence[TokenPiece]:
        self._check_has_tokens(model)
        client = await self._client(model)
        vocabulary = client.model.vocabulary

        def pieces() -> list[TokenPiece]:
            tokens = [*vocabulary.first, *vocabulary.plain_tokens(text, is_first=True)]
            return list(map(TokenPiece, tokens, vocabulary.names(tokens)))

        return await client.in_thread(pieces)

    async def detokenize(self, model: str, ids: Sequence[int]) -> str:
        self._check_has_tokens(model)
        client = await self._client(model)
        vocabulary = client.model.vocabulary

        def spelled() -> str:
            check_ids(ids, vocabulary.n_tokens, "tokens")
            return vocabulary.spelling(ids).decode("utf-8", "replace")

        return await client.in_thread(spelled)  # a million of them take a second

    async def embed(self, model: str, texts: Sequence[str], *, normalize: bool = True) -> Embeddings:
        if (remote := self._remote_model(model)) is not None:
            return await remote.embed(texts, normalize=normalize)
        client = await self._client(model)
        vocabulary, limit = client.model.vocabulary, client.model.max_embed_tokens
        inner = await client.in_thread(vocabulary.texts_tokens, texts)
        tokens = [(*vocabulary.first, *of_text, *vocabulary.last) for of_text in inner]
        for number, text in enumerate(tokens, 1):
            if not text:
                raise InvalidRequest(f"text {number} is empty: there is nothing to embed")
            if len(text) > limit:
                raise ContextExceeded(len(text), limit)
        vectors = await client.embed(tokens)
        if normalize:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return Embeddings(vectors, sum(map(len, tokens)))

    async def memories(self) -> Sequence[MemoryInfo]:
        return await self._memories.infos()

    async def ingest(
        self,
        memory: str,
        content: Content,
        *,
        source: str,
        media_type: str | None = None,
        on_progress: Callable[[IngestProgress], None] | None = None,
    ) -> Ingested:
        opened = await self._memories.get(memory)
        return await opened.ingest(content, source=source, media_type=media_type, on_progress=on_progress)

    async def submit(self, memory: str, content: Content, *, source: str, media_type: str | None = None) -> None:
        await (await self._memories.get(memory)).submit(content, source=source, media_type=media_type)

    async def jobs(self, memory: str) -> Sequence[IngestJob]:
        return await (await self._memories.get(memory)).jobs()

    async def settle(self, memory: str) -> None:
        await (await self._memories.get(memory)).settle()

    async def resume(self) -> None:
        """Take in the documents that were accepted before, by whoever was stopped meanwhile."""
        await self._memories.resume()

    async def recall(self, memory: str, prompt: str, options: RecallOptions = NO_OPTIONS) -> Recalled:
        return await (await self._memories.get(memory)).recall(prompt, options)

    async def documents(self, memory: str) -> Sequence[DocumentInfo]:
        return await (await self._memories.get(memory)).documents()

    async def chunks(self, memory: str, source: str) -> Sequence[ChunkInfo]:
        return await (await self._memories.get(memory)).chunks(source)

    async def faults(self, memory: str) -> Sequence[str]:
        return await (await self._memories.get(memory)).faults()

    async def reindex(self, memory: str, on_done: Callable[[Ingested], None]) -> None:
        await self._memories.reindex(memory, on_done)

    async def export(self, memory: str) -> AsyncGenerator[bytes, None]:
        async with aclosing((await self._memories.get(memory)).export()) as lines:
            async for line in lines:
                yield line

    async def restore(self, memory: str, lines: AsyncIterator[bytes], on_done: Callable[[Ingested], None]) -> None:
        await (await self._memories.get(memory)).restore(lines, on_done)

    async def forget(self, memory: str, source: str | None = None) -> int:
        return await (await self._memories.get(memory)).forget(source)

    async def reconfigure(self, config: Config) -> None:
        """Go on with another configuration. Models and memories that are the same in it stay open; turns of models that
        are not end with EngineClosed.
        """
        used: dict[str, ServedModel | RemoteModel] = {**self._served, **self._remote}
        changed = [name for name in used if config.models.get(name) != self._config.models[name]]
        self._config = config
        await self._memories.reconfigure(config.memories, changed)
        for name in changed:
            self._served.pop(name, None)
            self._remote.pop(name, None)
        await asyncio.gather(*(used[name].close() for name in changed))

    async def close(self) -> None:
        self._is_closed = True
        await self._memories.close()
        used: list[ServedModel | RemoteModel] = [*self._served.values(), *self._remote.values()]
        await asyncio.gather(*(model.close() for model in used))

    async def refusals(self) -> Mapping[str, str]:
        return {name: refusal for name, served in sorted(self._served.items()) if (refusal := served.refusal)}

    def _task(self, name: str) -> TaskConfig:
        if name not in self._config.tasks:
            raise TaskNotFound(name, self._config.tasks)
        return self._config.tasks[name]

    def _model(self, name: str) -> ModelConfig:
        if name not in self._config.models:
            raise ModelNotFound(name, self._config.models)
        return self._config.models[name]

    def _remote_model(self, name: str) -> RemoteModel | None:
        """A model that a server has; None if it is one of this machine. Raises ModelNotFound, or EngineClosed."""
        config = self._model(name)
        if not config.is_remote:
            return None
        if self._is_closed:
            raise EngineClosed("the engine was shut down")
        return self._remote.setdefault(name, RemoteModel(name, config))

    def _of_server(self, name: str) -> RemoteModel:
        """As `_remote_model`, for who had it from a server before. Raises EngineClosed if it is one of this machine."""
        if (model := self._remote_model(name)) is None:
            raise EngineClosed(f"model {name} was configured anew, to be computed here: open another session")
        return model

    def _check_has_tokens(self, name: str) -> None:
        if self._model(name).is_remote:
            raise InvalidRequest(
                f"the tokens of model {name} are not known here: a server has it, and OpenAI's protocol does not tell"
            )

    async def _embedding(self, name: str) -> Embedding:
        if (remote := self._remote_model(name)) is not None:
            return await remote.embedding()
        model = (await self._client(name)).model
        path = self._config.models[name].file
        assert path is not None, "a model without a file cannot be loaded"
        digest = await asyncio.to_thread(sample_digest, path)
        n_around = len(model.vocabulary.first) + len(model.vocabulary.last)

        async def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
            return (await self.embed(name, texts)).vectors

        return Embedding(
            Fingerprint(name, model.embedding_size, digest),
            VocabularyCounter(model),
            model.max_embed_tokens - n_around,
            embed,
            lambda: not model.vocabulary.is_closed,
        )

    async def _client(self, name: str, on_progress: Callable[[float], None] | None = None) -> WorkerClient:
        if self._is_closed:
            raise EngineClosed("the engine was shut down")
        served = self._served.setdefault(name, ServedModel(self._model(name), self._host))
        return await served.client(on_progress)

    def _describe(self, name: str) -> ModelInfo:
        config = self._config.models[name]
        if config.is_remote:
            return (self._remote.get(name) or RemoteModel(name, config)).about
        served = self._served.get(name)
        state = served.state if served else "unloaded"
        path = config.file
        if path is None or config.is_to_be_pulled:
            return ModelInfo(name, config.place, state)
        try:
            header = self._headers.read(path)
            adapters = adapter_bytes(config.adapter_files)
            sizes = (served and served.sizes) or cache_sizes(header, config.context_size, config.cache_size)
        except ModelLoadFailed as error:  # its file may be gone by now
            return ModelInfo(name, str(path), state if state == "loaded" else "failed", problem=str(error))
        return ModelInfo(
            name,
            str(path),
            state,
            size_bytes=header.size_bytes,
            architecture=header.architecture,
            n_params=header.n_params,
            context_size=sizes.context_size,
            train_context_size=header.train_context_size or None,
            embedding_size=header.number("embedding_length") or None,
            device="gpu" if config.use_gpu else "cpu",
            memory_bytes=memory_bytes(header, sizes, config.batch_size) + adapters,
            quantization=header.quantization or None,
            n_running=served.n_running if served else 0,
            problem=served.problem if served else None,
        )


def _thread_host() -> MakeHost:
    from poly_engine.batch.host import ThreadHost  # llama.cpp, which an engine whose models live elsewhere does without

    return ThreadHost
