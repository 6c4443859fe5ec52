"""A scripted engine: what it answers, when each token comes and what goes wrong is up to the test."""

import asyncio
import math
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from poly_engine.errors import (
    ContextExceeded,
    EngineClosed,
    IllegalToken,
    ModelLoadFailed,
    ModelNotFound,
    PolyError,
    SessionBusy,
    TaskNotFound,
)
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.overrides import check_ids, check_overrides
from poly_engine.types import (
    Bias,
    Calling,
    Done,
    Embeddings,
    Event,
    ModelInfo,
    Overrides,
    Progress,
    TaskInfo,
    Thinking,
    Timings,
    Token,
    TokenPiece,
    ToolCall,
    ToolResult,
    Tools,
    Truncated,
    Turn,
    Usage,
)
from tests.fake_memories import FakeMemories
from tests.fake_reply import N_VOCAB, Reply, as_wanted, echo, split, token_id
from tests.fake_tools import check_tools
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
        super().__init__(memories)
        self.n_running = 0
        self.is_closed = False
        self.context_size = context_size
        self.private_tokens = tuple(private_tokens)
        self._tasks = {task.name: task for task in tasks}
        names = sorted({task.model for task in tasks})
        self._models = {name: ModelInfo(name, f"/models/{name}.gguf", "unloaded", 1_000_000) for name in names}
        self._locks = {name: asyncio.Lock() for name in names}
        self._n_load_steps = n_load_steps
        self._spellings: dict[int, str] = {}

    async def models(self) -> Sequence[ModelInfo]:
        return tuple(self._models.values())

    async def tasks(self) -> Sequence[TaskInfo]:
        return tuple(self._tasks.values())

    async def settings(self, task: str) -> Mapping[str, object]:
        return {"model": self.task(task).model, "temperature": 0}

    async def load(self, model: str, on_progress: Callable[[float], None] | None = None) -> ModelInfo:
        self.check_open()
        if model not in self._models:
            raise ModelNotFound(model, self._models)
        async with self._locks[model]:
            if self._models[model].state != "loaded":
                await self._load(model, on_progress or (lambda _: None))
        return self._models[model]

    def session(self, task: str, *, system: str | None = None, history: Sequence[Turn] = ()) -> "FakeSession":
        return FakeSession(self, task, system, history)

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

    async def _load(self, model: str, tell: Callable[[float], None]) -> None:
        unloaded = self._models[model]
        self._models[model] = replace(unloaded, state="loading")
        try:
            for step in range(self._n_load_steps + 1):
                tell(step / self._n_load_steps)
                await self.load_gate.admit(lambda: self.is_closed)
                self.check_open()
            if self.load_failure is not None:
                raise self.load_failure
        except BaseException as error:
            self._models[model] = replace(
                unloaded, state="failed" if isinstance(error, ModelLoadFailed) else "unloaded"
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
        )


@dataclass(slots=True)
class _Exchange:
    """One turn in the making: the plan, and what came of it."""

    prompt: str
    results: tuple[ToolResult, ...]
    reply: Reply
    n_prompt: int
    written: list[Token] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    is_over: bool = False
    has_failed: bool = False

    def script(self) -> Iterator[Event]:
        """The events of the turn but for its end."""
        if self.reply.truncated is not None:
            yield self.reply.truncated
        if self.reply.recalled is not None:
            yield self.reply.recalled
        yield Progress(0, self.n_prompt)
        yield Progress(self.n_prompt, self.n_prompt)
        for thought in self.reply.thoughts:
            yield Thinking(thought, token_id(thought))
        if self.reply.thoughts:
            n_read = self.n_prompt + len(self.reply.thoughts)
            yield Progress(n_read, n_read)
        yield from self.reply.answer
        for number, call in enumerate(self.reply.calls):
            yield Calling(number, call.id, call.name, "")
            for piece in split(call.arguments):
                yield Calling(number, call.id, call.name, piece)
            yield call


class FakeSession(Session):
    """A conversation with a scripted engine. It really drops old turns when the context is full."""

    def __init__(self, engine: FakeEngine, task: str, system: str | None, history: Sequence[Turn]) -> None:
        self.system = system
        self._engine = engine
        self._task = task
        self._turns = list(history)
        self._n_left_out = 0
        self._is_busy = False
        self._is_closed = False

    async def open(self) -> None:
        await self._engine.load(self._engine.task(self._task).model)

    @property
    def turns(self) -> Sequence[Turn]:
        return tuple(self._turns)

    @asynccontextmanager
    async def send(
        self,
        prompt: str,
        overrides: Overrides = NO_OVERRIDES,
        *,
        schema: Bias | Mapping[str, object] | None = None,
        tools: Tools | None = None,
        results: Sequence[ToolResult] = (),
    ) -> AsyncIterator[AsyncIterator[Event]]:
        if self._is_busy:
            raise SessionBusy("the session is in the middle of a turn")
        self._check_open()
        check_tools(tools, results, schema, self._turns)
        exchange = self._begin(prompt, overrides, schema, tools, tuple(results))
        self._is_busy = True
        self._engine.n_running += 1
        try:
            async with aclosing(self._events(exchange)) as events:
                yield events
        finally:
            self._is_busy = False
            self._engine.n_running -= 1
            self._end(exchange)

    async def close(self) -> None:
        self._is_closed = True
        self._turns.clear()
        self._engine.gate.knock()

    def _begin(
        self,
        prompt: str,
        overrides: Overrides,
        schema: Bias | Mapping[str, object] | None,
        tools: Tools | None,
        results: tuple[ToolResult, ...],
    ) -> _Exchange:
        for token in self._engine.private_tokens:
            if token in prompt:
                raise IllegalToken(f"the prompt holds {token}, which the task keeps private")
        check_overrides(overrides, N_VOCAB)
        reply = as_wanted(self._engine.reply(prompt), overrides, schema, tools)
        if reply.refusal is not None:
            raise reply.refusal
        dropped, n_prompt = self._fit(prompt)
        room = max(0, self._engine.context_size - n_prompt - len(reply.thoughts))
        if len(reply.tokens) > room:
            reply = replace(reply, tokens=reply.tokens[:room], finish_reason="length")
        self._engine.asked.append((self._task, prompt))
        self._engine.schemas.append(schema)
        self._engine.tools.append(tools)
        return _Exchange(prompt, results, replace(reply, truncated=reply.truncated or dropped), n_prompt)

    def _fit(self, prompt: str) -> tuple[Truncated | None, int]:
        """Leave out the oldest turns until the prompt fits."""
        size = self._engine.context_size
        n_alone = len(split(prompt))
        if n_alone >= size:
            raise ContextExceeded(n_alone, size)
        seen = [len(split(turn.prompt)) + len(split(turn.answer)) for turn in self._turns[self._n_left_out :]]
        n_turns = 0
        while sum(seen[n_turns:]) + n_alone >= size:
            n_turns += 1
        self._n_left_out += n_turns
        return Truncated(sum(seen[:n_turns]), n_turns) if n_turns else None, sum(seen[n_turns:]) + n_alone

    async def _events(self, exchange: _Exchange) -> AsyncGenerator[Event, None]:
        try:
            for event in exchange.script():
                if isinstance(event, Thinking | Token):
                    await self._engine.gate.admit(self._is_over)
                    self._check_open()
                if isinstance(event, Token):
                    exchange.written.append(event)
                if isinstance(event, ToolCall):
                    exchange.calls.append(event)
                yield event
            if exchange.reply.failure is not None:
                raise exchange.reply.failure
        except Exception:  # whatever it is, the turn is not remembered
            exchange.has_failed = True
            raise
        exchange.is_over = True
        yield self._done(exchange)

    def _done(self, exchange: _Exchange) -> Done:
        n_thought = len(exchange.reply.thoughts)
        n_written = n_thought + len(exchange.written)
        n_forced = sum(token.is_forced for token in exchange.written)
        n_context = exchange.n_prompt + n_written
        usage = Usage(exchange.n_prompt, 0, n_written, n_context, self._engine.context_size, n_thought, n_forced)
        return Done(exchange.reply.finish_reason, usage, Timings(0.0, 0.25, n_written / 50))

    def _end(self, exchange: _Exchange) -> None:
        if not exchange.is_over and not exchange.has_failed:
            self._engine.cancelled.append(exchange.prompt)
        if not exchange.has_failed and not self._is_closed:
            text = "".join(token.text for token in exchange.written)
            self._turns.append(Turn(exchange.prompt, text, tuple(exchange.calls), exchange.results))

    def _is_over(self) -> bool:
        return self._is_closed or self._engine.is_closed

    def _check_open(self) -> None:
        self._engine.check_open()
        if self._is_closed:
            raise EngineClosed("the session was closed")


def _vector(text: str) -> list[float]:
    return [1.0 + zlib.crc32(f"{place}{text}".encode()) % 1000 for place in range(EMBEDDING_SIZE)]
