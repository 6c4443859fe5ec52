"""The engine of this process: it wires configuration, models, workers and sessions together, and nothing else does."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path

from poly_engine.batch.client import WorkerClient
from poly_engine.batch.opened import MakeHost, Vocabulary
from poly_engine.config import Config, ModelConfig, TaskConfig, task_draft
from poly_engine.config.cores import MAX_THREADS, usable_cores
from poly_engine.content import Content
from poly_engine.embedded import HeldModel, embedded
from poly_engine.errors import EngineClosed, InvalidRequest, ModelLoadFailed, ModelNotFound, PolyError, TaskNotFound
from poly_engine.holding.keeper import Keeper
from poly_engine.interface import NO_OPTIONS, Engine
from poly_engine.memory.embedding import Embedding
from poly_engine.memory.memories import Memories
from poly_engine.memory.recaller import Recaller
from poly_engine.models.fit import CacheSizes, adapter_bytes, cache_sizes, memory_bytes
from poly_engine.models.gguf import GgufHeader
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

_log = logging.getLogger(__name__)


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
        self._keeper = Keeper(self._leave, self._keep_alive_s, config.memory_budget_bytes)
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
        async with self._use(model, on_progress, is_work=False):
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
            return OpenAISession(Task(task, config), partial(self._of_server, config.model), system, history, recaller)
        return LocalSession(Task(task, config), partial(self._use, config.model), system, history, recaller)

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

        def pieces(vocabulary: Vocabulary) -> list[TokenPiece]:
            tokens = [*vocabulary.first, *vocabulary.plain_tokens(text, is_first=True)]
            return list(map(TokenPiece, tokens, vocabulary.names(tokens)))

        async with self._use(model) as client:
            return await client.in_thread(pieces, client.model.vocabulary)

    async def detokenize(self, model: str, ids: Sequence[int]) -> str:
        self._check_has_tokens(model)

        def spelled(vocabulary: Vocabulary) -> str:
            check_ids(ids, vocabulary.n_tokens, "tokens")
            return vocabulary.spelling(ids).decode("utf-8", "replace")

        async with self._use(model) as client:
            return await client.in_thread(spelled, client.model.vocabulary)  # a million of them take a second

    async def embed(self, model: str, texts: Sequence[str], *, normalize: bool = True) -> Embeddings:
        if (remote := self._remote_model(model)) is not None:
            return await remote.embed(texts, normalize=normalize)
        async with self._use(model) as client:
            return await embedded(client, texts, normalize=normalize)

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

    async def warm_up(self) -> None:
        """Load the models that are to be warm, one after the other. What cannot be loaded now is when it is used."""
        for name in [name for name, model in self._config.models.items() if model.warm]:
            try:
                await self.load(name)
            except PolyError as error:
                _log.warning("%s is to be warm, and is not: %s", name, error)

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
        """Go on with another configuration. Models and memories that are the same in it stay open, and models also with
        another time to stay; turns of models that are not end with EngineClosed.
        """
        used: dict[str, ServedModel | RemoteModel] = {**self._served, **self._remote}
        changed = [name for name in used if not _runs_alike(self._config.models[name], config.models.get(name))]
        self._config = config
        self._keeper.reconfigure(config.memory_budget_bytes)
        await self._memories.reconfigure(config.memories, changed)
        for name in changed:
            self._served.pop(name, None)
            self._remote.pop(name, None)
        await asyncio.gather(*(used[name].close() for name in changed))

    async def close(self) -> None:
        self._is_closed = True
        await self._memories.close()
        await self._keeper.close()
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
        self._check_open()
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
        return await HeldModel(name, lambda: self._model(name).file, lambda: self._use(name)).embedding()

    @asynccontextmanager
    async def _use(
        self, name: str, on_progress: Callable[[float], None] | None = None, *, is_work: bool = True
    ) -> AsyncIterator[WorkerClient]:
        """The worker of a model, once it serves; it stays in memory while in the block. Who is in the block of one
        never enters that of another, as `Keeper` says.
        """
        self._check_open()
        self._model(name)
        try:
            async with self._keeper.using(name, is_work=is_work):
                yield await self._opened(name, on_progress)
        finally:
            self._share_cores()

    async def _opened(self, name: str, on_progress: Callable[[float], None] | None) -> WorkerClient:
        self._check_open()
        if (config := self._model(name)).is_remote:
            raise EngineClosed(f"model {name} was configured anew, and a server has it now: open another session")
        if name not in self._served:
            self._served[name] = ServedModel(name, config, self._host, self._keeper)
        client = await self._served[name].client(on_progress)
        self._share_cores()
        return client

    def _share_cores(self) -> None:
        """Let the models that are at work share the cores: threads that wait for each other hold up all of them where
        there are more than cores. One that works alone has as many as it is configured to take.
        """
        working = self._keeper.in_use
        n_cores = max(1, usable_cores() // len(working)) if len(working) > 1 else MAX_THREADS
        for name in working:
            if name in self._served:
                self._served[name].share_cores(n_cores)

    async def _leave(self, name: str) -> None:
        """Give the memory of a model back that nobody uses. Memories that embed with it stay open."""
        if (served := self._served.get(name)) is not None:
            await served.unload()

    def _keep_alive_s(self, name: str) -> float:
        model = self._config.models.get(name)
        return model.keep_alive_s if model is not None else 0.0

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineClosed("the engine was shut down")

    def _describe(self, name: str) -> ModelInfo:
        config = self._config.models[name]
        if config.is_remote:
            return (self._remote.get(name) or RemoteModel(name, config)).about
        served = self._served.get(name)
        state = served.state if served else "unloaded"
        opened = served.opened if served else None
        path = config.file
        if path is None or config.is_to_be_pulled:
            return ModelInfo(name, config.place, state)
        try:
            header = self._headers.read(path)
            adapters = adapter_bytes(config.adapter_files)
            sizes = (served and served.sizes) or self._sizes(header, config)
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
            device=opened.device if opened else "gpu" if config.wants_gpu else "cpu",
            n_layers=header.n_layers,
            n_gpu_layers=opened.n_gpu_layers if opened else None,
            memory_bytes=memory_bytes(header, sizes, config.batch_size) + adapters,
            quantization=header.quantization or None,
            n_running=served.n_running if served else 0,
            problem=served.problem if served else None,
            idle_s=self._keeper.idle_s(name),
            expires_in_s=self._keeper.expires_in_s(name),
        )

    def _sizes(self, header: GgufHeader, config: ModelConfig) -> CacheSizes:
        return cache_sizes(header, config.context_size, config.cache_size, self._keeper.budget_bytes)


def _runs_alike(model: ModelConfig, other: ModelConfig | None) -> bool:
    """Whether what was loaded for one serves the other as well."""
    if other is None:
        return False
    return model.model_copy(update={"keep_alive": other.keep_alive, "warm": other.warm}) == other


def _thread_host() -> MakeHost:
    from poly_engine.batch.host import ThreadHost  # llama.cpp, which an engine whose models live elsewhere does without

    return ThreadHost
