"""The interface that every front end sees: `Engine` and `Session`, implemented in-process and over the wire."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from poly_engine.content import Content
from poly_engine.types import (
    Bias,
    ChunkInfo,
    DocumentInfo,
    Embeddings,
    Event,
    Ingested,
    IngestJob,
    IngestProgress,
    MemoryInfo,
    ModelInfo,
    Overrides,
    PromptPart,
    Recalled,
    RecallOptions,
    TaskInfo,
    TokenPiece,
    ToolResult,
    Tools,
    Turn,
)

__all__ = ["Engine", "Session"]

NO_OVERRIDES = Overrides()
NO_OPTIONS = RecallOptions()


class Session(ABC):
    """A conversation with one task. It remembers its turns; `async with` opens and closes it.

    A session takes one turn at a time. Opening it loads the model of its task.
    """

    @abstractmethod
    async def open(self) -> None:
        """Make the session ready. Raises TaskNotFound, ModelLoadFailed or EngineClosed."""

    @abstractmethod
    def send(
        self,
        prompt: str,
        overrides: Overrides = NO_OVERRIDES,
        *,
        schema: Bias | Mapping[str, object] | None = None,
        tools: Tools | None = None,
        results: Sequence[ToolResult] = (),
    ) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Say `prompt`, and get the events of the answer:

            async with session.send("hello") as events:
                async for event in events: ...

        `schema` is what this one answer has to look like, in place of what the task says: a JSON schema, or any
        `Bias`. Such an answer always fits it, also at a limit of tokens.

        `tools` are what the model may call, or has to, in this turn. What came of the calls of the turn before is given
        as `results`; then the prompt may be empty. Whatever a tool returned cannot become a part of the prompt's form.

        Events come in the order `Recalled?, Truncated?, Progress*, (Thinking*, Progress*)?, Token*, Done`, and calls of
        tools before the last one: `Progress*, (Calling*, ToolCall)*`. Leaving the block early, or cancelling the task
        that is in it, stops the generation and frees its slot before the next statement; the session keeps the part of
        the answer that was generated, and the calls that are complete.

        Raises IllegalToken, ContextExceeded, InvalidSchema, LimitTooLow or SessionBusy on entering, InvalidRequest
        also where the model cannot call tools, and EngineFailed or EngineClosed while iterating. A turn that raised is
        not remembered.
        """

    @property
    @abstractmethod
    def turns(self) -> Sequence[Turn]:
        """The turns that the session remembers, oldest first."""

    @abstractmethod
    async def sent(self) -> Sequence[PromptPart]:
        """The prompt of the last turn that began, part by part, as the model read it; empty before the first one, and
        where a server that was asked is gone. What a model reads between its thoughts and its answer is not in it.

        Raises EngineClosed if the session was closed.
        """

    @abstractmethod
    async def close(self) -> None:
        """Stop a running turn and forget the conversation. A closed session cannot be used again."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class Engine(ABC):
    """Models and tasks, ready to be used by any number of callers at once."""

    @abstractmethod
    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, by name."""

    @abstractmethod
    async def tasks(self) -> Sequence[TaskInfo]:
        """The tasks, in the order in which they are configured: the first one is what a front end begins with."""

    @abstractmethod
    async def settings(self, task: str) -> Mapping[str, object]:
        """The settings of a task that are in effect, by their names in the configuration. Raises TaskNotFound."""

    @abstractmethod
    async def load(self, model: str, on_progress: Callable[[float], None] | None = None) -> ModelInfo:
        """Load a model unless it is loaded. `on_progress` is told the loaded share, 0 to 1, on the caller's loop.

        All that uses a model loads it, too, and keeps it in memory meanwhile; when nobody uses it, it leaves after a
        time, or for another model. Raises ModelNotFound, ModelLoadFailed, EngineClosed, or Overloaded if it did not get
        room beside models that are in use.
        """

    @abstractmethod
    async def unload(self, model: str) -> None:
        """Give the memory of a model back: its turns end with EngineClosed, and so does who waits for it to load.

        Whoever uses it next loads it again: sessions and memories go on. What is on its way into a memory that embeds
        with it waits until that is used. Raises ModelNotFound.
        """

    @abstractmethod
    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> Session:
        """A new conversation with `task`, to be entered with `async with`.

        `system` replaces the system message of a task that uses the chat template of its model. `history` is
        what was said before. `settings` are a draft: all the settings of the task, by their names in the configuration,
        in place of those that are configured; then the task need not be there yet. Raises ConfigError for a draft that
        could not be configured, and InvalidRequest where the engine is a server, which takes none.
        """

    @abstractmethod
    async def prompt_parts(
        self,
        task: str,
        prompt: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[PromptPart]:
        """What the model would read if a session with all that was sent `prompt`, part by part: with what the memory of
        the task holds on it, and without the turns that would be left out. Raises as `session` and `Session.send`.
        """

    @abstractmethod
    async def tokenize(self, model: str, text: str) -> Sequence[TokenPiece]:
        """The tokens of `text` as plain text (no special tokens are parsed), with a leading BOS token where the
        model wants one. Raises ModelNotFound or ModelLoadFailed.
        """

    @abstractmethod
    async def detokenize(self, model: str, ids: Sequence[int]) -> str:
        """The text that tokens spell, with the texts of special ones in it; lossy where a character is not whole.

        Raises InvalidRequest for an id that is no token, ModelNotFound or ModelLoadFailed.
        """

    @abstractmethod
    async def embed(self, model: str, texts: Sequence[str], *, normalize: bool = True) -> Embeddings:
        """One vector per text, pooled as the model says (the last token if it says nothing).

        Raises ContextExceeded when a text is longer than the model can read at once, ModelNotFound or
        ModelLoadFailed.
        """

    @abstractmethod
    async def memories(self) -> Sequence[MemoryInfo]:
        """The configured memories, by name."""

    @abstractmethod
    async def ingest(
        self,
        memory: str,
        content: Content,
        *,
        source: str,
        media_type: str | None = None,
        on_progress: Callable[[IngestProgress], None] | None = None,
    ) -> Ingested:
        """Take a document into a memory, in place of the one of the same `source`; the same content again is a no-op.

        When this returns, the document is durable. `media_type` is told by the name of the source and by the content
        unless it is given. Raises MemoryNotFound, UnreadableDocument, a MemoryFailed, ModelNotFound or ModelLoadFailed.
        """

    @abstractmethod
    async def submit(self, memory: str, content: Content, *, source: str, media_type: str | None = None) -> None:
        """Accept a document, to be taken into a memory later: when this returns, it is in a queue on the disk.

        Waits while the queue is full. Raises as `recall`.
        """

    @abstractmethod
    async def jobs(self, memory: str) -> Sequence[IngestJob]:
        """The documents that were accepted and are not in the memory yet, and those that could not be taken in."""

    @abstractmethod
    async def settle(self, memory: str) -> None:
        """Wait until all that was accepted is taken in or has failed, also what others left when they were killed."""

    @abstractmethod
    async def recall(self, memory: str, prompt: str, options: RecallOptions = NO_OPTIONS) -> Recalled:
        """The chunks of a memory that answer `prompt` best, best first; one, unless the options say more.

        Raises MemoryNotFound, a MemoryFailed, ModelNotFound or ModelLoadFailed.
        """

    @abstractmethod
    async def documents(self, memory: str) -> Sequence[DocumentInfo]:
        """The documents of a memory, in the order in which they came. Raises as `recall`."""

    @abstractmethod
    async def chunks(self, memory: str, source: str) -> Sequence[ChunkInfo]:
        """The chunks of a document, in their order. Raises as `recall`, and InvalidRequest for an unknown source."""

    @abstractmethod
    async def faults(self, memory: str) -> Sequence[str]:
        """What is wrong with a memory, in sentences, after looking at all of it. Raises as `recall`."""

    @abstractmethod
    async def reindex(self, memory: str, on_done: Callable[[Ingested], None]) -> None:
        """Cut and embed all of a memory anew, as the configuration says now; `on_done` is told of each document.

        Until all is embedded the memory is as it was; then the new takes the place of the old at once. What was begun
        and interrupted is gone on with. Raises as `recall`, and InvalidRequest where a store cannot do that.
        """

    @abstractmethod
    def export(self, memory: str) -> AsyncGenerator[bytes, None]:
        """A memory as lines of JSON, which `restore` reads: the first on its embedding model, then one for each
        document with its chunks and their vectors. Raises as `recall`.
        """

    @abstractmethod
    async def restore(self, memory: str, lines: AsyncIterator[bytes], on_done: Callable[[Ingested], None]) -> None:
        """Take in what was exported from any memory; `on_done` is told of each document.

        Raises as `recall`, and InvalidRequest for lines that were not exported; the documents before them stay.
        """

    @abstractmethod
    async def forget(self, memory: str, source: str | None = None) -> int:
        """Forget the document of a source, or all; return how many that were. Raises as `recall`."""

    async def refusals(self) -> Mapping[str, str]:
        """The models that are not loaded for a while because they died too often, each with a sentence that says so.
        Quick: no file is looked at.
        """
        return {}

    @abstractmethod
    async def close(self) -> None:
        """Stop all work and give the memory back. Running turns end with EngineClosed."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
