"""A conversation with one task, as the terminal leads it: load, open, answer one prompt after the other.

It knows the engine but no widget. What happens is told as news, in the order in which it happens.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from poly_engine.errors import ConfigError, EngineUnreachable, PolyError, TaskNotFound
from poly_engine.interface import Engine, Session
from poly_engine.types import Event, ModelInfo, Overrides, PromptPart, TaskInfo, Turn
from poly_tui.backend import Backend

__all__ = ["Asked", "Conversation", "Failed", "Loading", "News", "Opened", "Queued", "Stopped"]

log = logging.getLogger(__name__)

EVENTS_PER_TURN = 32
"""After so many events the loop is free for a key press, even if the engine has more at hand."""


@dataclass(frozen=True, slots=True)
class Loading:
    """The model of `task` is being loaded; `share` of it is there, 0 to 1."""

    task: TaskInfo
    share: float


@dataclass(frozen=True, slots=True)
class Opened:
    """The session is ready."""

    task: TaskInfo
    model: ModelInfo


@dataclass(frozen=True, slots=True)
class Queued:
    """`prompts` wait for their turn."""

    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """`prompt` was sent to the engine. The events of its answer follow, at the end Done, Stopped or Failed."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The user stopped what was going on. `prompts` come back: the ones that waited for a model to load."""

    prompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """Something did not work. `prompts` come back: the one that failed and those behind it."""

    message: str
    prompts: tuple[str, ...]
    is_unreachable: bool = False
    """Whether it is the server that is not there."""


News: TypeAlias = Loading | Opened | Queued | Asked | Event | Stopped | Failed


class Conversation:
    """Prompts in, news out. `run` does the work until it is cancelled; the other methods only leave word for it."""

    def __init__(
        self,
        backend: Backend,
        task: str | None,
        tell: Callable[[News], None],
        history: Sequence[Turn] = (),
        overrides: Callable[[], Overrides] = Overrides,
    ) -> None:
        """`history` is what was said before; `overrides` are asked for before each turn."""
        self._backend = backend
        self._history = history
        self._task = task
        self._tell = tell
        self._overrides = overrides
        self._tasks: tuple[TaskInfo, ...] = ()
        self._queue: deque[str] = deque()
        self._has_prompts = asyncio.Event()
        self._asked: str | None = None
        self._session: Session | None = None
        self._work: asyncio.Task[None] | None = None
        self._is_stopping = False

    @property
    def task(self) -> str | None:
        """The name of the task, None until it is known."""
        return self._task

    @property
    def tasks(self) -> tuple[TaskInfo, ...]:
        """The tasks there are, none until the engine was asked."""
        return self._tasks

    def ask(self, prompt: str) -> None:
        """Say `prompt` as soon as those before it are answered."""
        self._queue.append(prompt)
        self._queue_changed()

    def take_back(self) -> str | None:
        """Take the newest prompt that still waits out of the queue."""
        if not self._queue:
            return None
        prompt = self._queue.pop()
        self._queue_changed()
        return prompt

    def stop(self) -> bool:
        """Stop the loading or the answer that is going on; False if there is none."""
        if self._work is None:
            return False
        self._is_stopping = True
        self._work.cancel()
        return True

    async def sent(self) -> Sequence[PromptPart]:
        """The prompt of the last turn that began, part by part; nothing before the first. Raises a PolyError."""
        return await self._session.sent() if self._session is not None else ()

    def leave(self) -> tuple[str, ...]:
        """Tell nothing more; return the prompts that still wait. Cancelling `run` is up to whoever runs it."""
        self._tell = _nobody_listens
        return tuple(self._queue)

    async def run(self) -> None:
        """Load the model, open a session, and answer the prompts in order, until cancelled."""
        try:
            while not await self._attempt(self._open()):
                await self._has_prompts.wait()  # the next prompt tries again
            while True:
                await self._has_prompts.wait()
                await self._attempt(self._answer())
        finally:
            if self._session is not None:
                await self._session.close()

    async def _attempt(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do `work` so that it can be stopped. Whatever goes wrong is told, and the conversation goes on."""
        self._work = asyncio.create_task(work)
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._is_stopping or _is_cancelled():
                raise
            self._tell(Stopped(() if self._asked else self._give_back()))
        except PolyError as error:
            self._tell(Failed(str(error), self._give_back(), isinstance(error, EngineUnreachable)))
        except Exception as error:  # the edge of the conversation: the user gets the message, the log the traceback
            log.exception("a conversation with %s failed", self._task)
            self._tell(Failed(f"unexpected {type(error).__name__}: {error}", self._give_back()))
        else:
            return True
        finally:
            self._work = None
            self._asked = None
            self._is_stopping = False
        return False

    async def _open(self) -> None:
        engine = await self._backend.engine()
        task = await self._find_task(engine)
        self._task = task.name
        self._tell(Loading(task, 0.0))
        model = await engine.load(task.model, lambda share: self._tell(Loading(task, share)))
        session = engine.session(task.name, history=self._history)
        await session.open()
        self._session = session
        self._tell(Opened(task, model))

    async def _find_task(self, engine: Engine) -> TaskInfo:
        self._tasks = tuple(await engine.tasks())
        if not self._tasks:
            raise ConfigError(["no task is configured: there is nothing to talk to"])
        if self._task is None:
            return self._tasks[0]
        for task in self._tasks:
            if task.name == self._task:
                return task
        raise TaskNotFound(self._task, [task.name for task in self._tasks])

    async def _answer(self) -> None:
        assert self._session is not None
        self._asked = self._queue.popleft()
        self._queue_changed()
        self._tell(Asked(self._asked))
        n_events = 0
        async with self._session.send(self._asked, self._overrides()) as events:
            async for event in events:
                self._tell(event)
                n_events += 1
                if n_events % EVENTS_PER_TURN == 0:
                    await asyncio.sleep(0)

    def _give_back(self) -> tuple[str, ...]:
        """Empty the queue; return what was in it, and before it the prompt that was being answered."""
        prompts = (*([self._asked] if self._asked else []), *self._queue)
        self._queue.clear()
        self._queue_changed()
        return prompts

    def _queue_changed(self) -> None:
        if self._queue:
            self._has_prompts.set()
        else:
            self._has_prompts.clear()
        self._tell(Queued(tuple(self._queue)))


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _nobody_listens(_: News) -> None:
    """Hear the news of a conversation that was left."""
