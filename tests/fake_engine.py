"""A scripted engine: what it answers, when each token comes and what goes wrong is up to the test."""

import asyncio
import math
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from poly_engine.config import Config, MemoryConfig, ModelConfig, task_draft
from poly_engine.errors import (
    ContextExceeded,
    EngineClosed,
    ModelLoadFailed,
    ModelNotFound,
    PolyError,
    TaskNotFound,
)
from poly_engine.overrides import check_ids
from poly_engine.types import (
    Bias,
    Embeddings,
    ModelInfo,
    PromptPart,
    TaskInfo,
    TokenPiece,
    Tools,
    Turn,
)
from tests.fake_memories import FakeMemories
from tests.fake_reply import N_VOCAB, Reply, echo, split, token_id
from tests.fake_session import FakeSession
from tests.gate import Gate

__all__ = ["FakeEngine", "FakeSession", "Gate", "Reply", "split"]

EMBEDDING_SIZE = 8


class FakeEngine(FakeMemories):
    """Answers by script. Loading waits at `load_gate`, every token at `gate`; both are open unless given."""

    def __init__(
        self,
        reply: Callable[[str], Reply] = echo,
        *,
        tasks: Sequence[TaskInfo] = (TaskInfo("echo", "fake", "Says what you say"),),
        context_size: int = 4096,
        private_tokens: Sequence[str] = (),
        gate: Gate | None = None,
        load_gate: Gate | None = None,
        n_load_steps: int = 4,
        memories: Sequence[str] = (),
        settings: Mapping[str, Mapping[str, object]] | None = None,
        postfix: str = "",
    ) -> None:
        self.reply = reply
        self.gate = gate or Gate(math.inf)
        self.load_gate = load_gate or Gate(math.inf)
        self.load_failure: PolyError | None = None
        self.asked: list[tuple[str, str]] = []
        """Task and prompt of every turn that began."""
        self.schemas: list[Bias | Mapping[str, object] | None] = []
        """What the answers of these turns had to look like in place of what their task says."""
        self.tools: list[Tools | None] = []
        """What could be called in these turns."""
        self.cancelled: list[str] = []
        """The prompts of the turns that were left before their end."""
        self.drafts: list[Mapping[str, object]] = []
        """The settings that sessions and prompts were tried with in place of those of their task."""
        self.postfix = postfix
        """What the model reads behind each prompt."""
        self.n_unloads: Counter[str] = Counter()
        """How often each model was unloaded."""
        super().__init__(memories)
        self.n_running = 0
        self.is_closed = False
        self.context_size = context_size
        self.private_tokens = tuple(private_tokens)
        self._tasks = {task.name: task for task in tasks}
        names = sorted({task.model for task in tasks})
        self._models = {name: _unloaded(name) for name in names}
        self._locks = {name: asyncio.Lock() for name in names}
        self._n_load_steps = n_load_steps
        self._settings = settings or {}
        self._spellings: dict[int, str] = {}

    async def models(self) -> Sequence[ModelInfo]:
        return tuple(
            replace(
                model,
                n_running=self.n_running if model.state == "loaded" else 0,
                idle_s=0.0 if model.state == "loaded" and not self.n_running else None,
            )
            for model in self._models.values()
        )

    async def tasks(self) -> Sequence[TaskInfo]:
        return tuple(self._tasks.values())

    async def settings(self, task: str) -> Mapping[str, object]:
        return {"model": self.task(task).model, "temperature": 0, **self._settings.get(task, {})}

    async def load(self, model: str, on_progress: Callable[[float], None] | None = None) -> ModelInfo:
        self.check_open()
        if model not in self._models:
            raise ModelNotFound(model, self._models)
        async with self._locks[model]:
            if self._models[model].state != "loaded":
                await self._load(model, on_progress or (lambda _: None))
        return self._models[model]

    async def unload(self, model: str) -> None:
        if model not in self._models:
            raise ModelNotFound(model, self._models)
        self.n_unloads[model] += 1
        self.gate.knock()
        self.load_gate.knock()
        async with self._locks[model]:
            self._models[model] = _unloaded(model)

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> FakeSession:
        if settings is None:
            return FakeSession(self, task, system, history)
        model = self._draft(task, settings)
        return FakeSession(self, task, system or _text(settings.get("system")), history, model)

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
            return session.preview(prompt)

    async def tokenize(self, model: str, text: str) -> Sequence[TokenPiece]:
        await self.load(model)
        pieces = tuple(TokenPiece(token_id(piece), piece) for piece in split(text))
        self._spellings |= {piece.id: piece.text for piece in pieces}
        return pieces

    async def detokenize(self, model: str, ids: Sequence[int]) -> str:
        await self.load(model)
        check_ids(ids, N_VOCAB, "tokens")
        return "".join(self._spellings.get(token, "?") for token in ids)

    async def embed(self, model: str, texts: Sequence[str], *, normalize: bool = True) -> Embeddings:
        await self.load(model)
        counts = [len(split(text)) for text in texts]
        for count in counts:
            if count > self.context_size:
                raise ContextExceeded(count, self.context_size)
        vectors = np.array([_vector(text) for text in texts], dtype=np.float32).reshape(len(texts), EMBEDDING_SIZE)
        if normalize:
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Embeddings(vectors, sum(counts))

    async def close(self) -> None:
        self.is_closed = True
        self.gate.knock()
        self.load_gate.knock()

    def check_open(self) -> None:
        """Raise EngineClosed if it is so."""
        if self.is_closed:
            raise EngineClosed("the engine was shut down")

    def task(self, name: str) -> TaskInfo:
        """The task of that name. Raises TaskNotFound."""
        if name not in self._tasks:
            raise TaskNotFound(name, self._tasks)
        return self._tasks[name]

    def model(self, name: str) -> ModelInfo:
        """The model of that name."""
        return self._models[name]

    def _draft(self, task: str, settings: Mapping[str, object]) -> str:
        """The model of a draft, which is checked as the configuration is. Raises ConfigError."""
        models = {name: ModelConfig(model_path=f"/models/{name}.gguf") for name in self._models}
        first = next(iter(models), "")
        memories = {name: MemoryConfig(embedding_model=first) for name in self.documents_of}
        model = task_draft(task, settings, Config(models=models, memories=memories), None).model
        self.drafts.append(settings)
        return model

    async def _load(self, model: str, tell: Callable[[float], None]) -> None:
        unloaded, n_unloads = self._models[model], self.n_unloads[model]
        self._models[model] = replace(unloaded, state="loading", problem=None)
        try:
            for step in range(self._n_load_steps + 1):
                tell(step / self._n_load_steps)
                await self.load_gate.admit(lambda: self.is_closed or self.n_unloads[model] > n_unloads)
                self.check_open()
                if self.n_unloads[model] > n_unloads:
                    raise EngineClosed("the model was unloaded")
            if self.load_failure is not None:
                raise self.load_failure
        except BaseException as error:
            has_failed = isinstance(error, ModelLoadFailed)
            self._models[model] = replace(
                unloaded, state="failed" if has_failed else "unloaded", problem=str(error) if has_failed else None
            )
            raise
        self._models[model] = replace(
            unloaded,
            state="loaded",
            architecture="fake",
            n_params=1000,
            context_size=self.context_size,
            train_context_size=self.context_size,
            embedding_size=EMBEDDING_SIZE,
            device="cpu",
            quantization="F16",
            problem=None,
            n_layers=3,
            n_gpu_layers=0,
        )


def _unloaded(name: str) -> ModelInfo:
    return ModelInfo(name, f"/models/{name}.gguf", "unloaded", 1_000_000, memory_bytes=1_500_000)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _vector(text: str) -> list[float]:
    return [1.0 + zlib.crc32(f"{place}{text}".encode()) % 1000 for place in range(EMBEDDING_SIZE)]
