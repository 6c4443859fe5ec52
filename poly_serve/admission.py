"""Who is answered next: so many at once by each model, so many wait, and nobody waits behind all that somebody else has
asked.
"""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from statistics import fmean

from aiohttp import web

from poly_engine.config import Config
from poly_engine.errors import Overloaded
from poly_serve.access import Kind
from poly_serve.lifecycle import Lifecycle
from poly_serve.routing import PRINCIPAL, REQUEST_ID
from poly_serve.served import SERVED, Asked, Served
from poly_serve.stats import count_turn

__all__ = ["ADMISSION", "Admission", "Line", "admitted", "admitted_to_memory", "check_admission", "n_tokens_of"]

_BYTES_PER_TOKEN = 4
_N_REMEMBERED = 32
_LONGEST_RETRY_S = 120
_LONGEST_PATH = 200


def n_tokens_of(texts: Iterable[str]) -> int:
    """About how many tokens texts have. It is only estimated, as nothing is to be done for who may be refused: four
    bytes are one.
    """
    return sum(_n_bytes(text) // _BYTES_PER_TOKEN + 1 for text in texts)


def _n_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


class Admission:
    """Admits requests, each to the line of a model, or of a memory that takes in documents. A crowd in one line holds
    up no other.

    In each line `max_concurrent` are admitted at once, and `max_waiting` more wait, with `max_waiting_tokens` among
    them, in turns of whoever asks: one with a hundred requests holds up another's first by one of them. When a line is
    full, whoever has most in it makes room for who has less.
    """

    def __init__(self, config: Config, lifecycle: Lifecycle) -> None:
        self._config = config
        self._lifecycle = lifecycle
        self._lines: dict[tuple[Kind, str], Line] = {}

    @property
    def n_waiting(self) -> int:
        """How many requests wait."""
        return sum(line.n_waiting for line in self._lines.values())

    @property
    def n_admitted(self) -> int:
        """How many requests are worked on."""
        return sum(line.n_admitted for line in self._lines.values())

    def use(self, config: Config) -> None:
        """Go on with the limits, and the tasks, of another configuration."""
        self._config = config
        for line in self._lines.values():
            line.config = config
            line.move_up()

    @asynccontextmanager
    async def admit(self, subject: str, kind: Kind, name: str, n_tokens: int = 0) -> AsyncIterator[None]:
        """Wait for a place, and keep it while in the block. Raises Overloaded, or EngineClosed when it drains."""
        with self._lifecycle.work():
            line = self._lines.setdefault((kind, name), Line(self._config))
            try:
                await line.enter(subject, n_tokens)
                begin = time.monotonic()
                try:
                    yield
                finally:
                    line.leave(time.monotonic() - begin)
            finally:
                if line.is_empty and not self._is_known(name):  # names that are asked for may be without end
                    self._lines.pop((kind, name), None)

    def check(self, subject: str, kind: Kind, name: str) -> None:
        """Raise Overloaded if not even a short prompt would be admitted, before anything is done for it."""
        if (line := self._lines.get((kind, name))) is not None:
            line.check(subject)

    def model_of(self, kind: Kind, name: str) -> str:
        """The model that is behind a task or a memory."""
        if kind is Kind.TASK and (task := self._config.tasks.get(name)) is not None:
            return task.model
        if kind is Kind.MEMORY and (memory := self._config.memories.get(name)) is not None:
            return memory.embedding_model
        return name

    def _is_known(self, name: str) -> bool:
        return name in self._config.models or name in self._config.memories


@dataclass(frozen=True, slots=True)
class _Turn:
    """A request that waits."""

    n_tokens: int
    place: asyncio.Future[None]
    """Is done when it is given."""


@dataclass(slots=True)
class Line:
    """Those that are admitted by one model, and those that wait, by who they are."""

    config: Config
    n_admitted: int = 0
    took_s: deque[float] = field(default_factory=lambda: deque(maxlen=_N_REMEMBERED))
    """How long those took that left lately."""
    _waiting: OrderedDict[str, deque[_Turn]] = field(default_factory=OrderedDict)

    @property
    def n_waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in it."""
        return not self.n_admitted and not self._waiting

    async def enter(self, subject: str, n_tokens: int) -> None:
        """Wait for a place. Raises Overloaded if that would be too long, or if who comes later has more right to."""
        if self.n_admitted < self.config.max_concurrent and not self._waiting:
            self.n_admitted += 1
            return
        while not self._has_room(n_tokens):
            self._make_room(self._greediest(subject, n_tokens))
        turn = _Turn(n_tokens, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(subject, deque()).append(turn)
        try:
            await turn.place
        except asyncio.CancelledError:
            if turn.place.cancelled() or turn.place.exception() is not None:
                self._forget(subject, turn)
            else:
                self.leave()  # the place was given, and nobody takes it
            raise

    def check(self, subject: str) -> None:
        """Raise Overloaded if there is no place for one more."""
        if self._waiting and not self._has_room(1):
            self._greediest(subject, 1)

    def leave(self, took_s: float | None = None) -> None:
        """Give a place back, which was used for so long, if it was."""
        if took_s is not None:
            self.took_s.append(took_s)
        self.n_admitted -= 1
        self.move_up()

    def move_up(self) -> None:
        """Give free places to those that wait, in turns of whoever asks."""
        while self.n_admitted < self.config.max_concurrent and self._waiting:
            subject, turns = next(iter(self._waiting.items()))
            turn = turns.popleft()
            self._waiting.move_to_end(subject)
            if not turns:
                del self._waiting[subject]
            if not turn.place.done():
                self.n_admitted += 1
                turn.place.set_result(None)

    def _has_room(self, n_tokens: int) -> bool:
        # One alone may wait, however long it is: else it could only be asked when nobody else does.
        return not self._waiting or (
            self.n_waiting < self.config.max_waiting
            and self._n_waiting_tokens + n_tokens <= self.config.max_waiting_tokens
        )

    @property
    def _n_waiting_tokens(self) -> int:
        return sum(turn.n_tokens for turns in self._waiting.values() for turn in turns)

    def _greediest(self, subject: str, n_tokens: int) -> str:
        """Who has most in the line. Raises Overloaded if that would be `subject`."""
        greediest = max(self._waiting, key=lambda one: self._share(self._waiting[one]))
        mine = self._share(self._waiting.get(subject, ()), 1, n_tokens)
        if greediest == subject or mine >= self._share(self._waiting[greediest]):
            raise self._refusal()
        return greediest

    def _make_room(self, greediest: str) -> None:
        """Refuse the last request of whoever has most in the line."""
        turn = self._waiting[greediest][-1]
        self._forget(greediest, turn)
        if not turn.place.done():
            turn.place.set_exception(self._refusal())

    def _share(self, turns: Iterable[_Turn], n: int = 0, n_tokens: int = 0) -> float:
        """How much of what may wait that is, beside `n` more."""
        for turn in turns:
            n, n_tokens = n + 1, n_tokens + turn.n_tokens
        return max(n / self.config.max_waiting, n_tokens / self.config.max_waiting_tokens)

    def _refusal(self) -> Overloaded:
        """Says when all who wait now will have been admitted, if things go on as they lately did."""
        wait_s = fmean(self.took_s) * (self.n_waiting + 1) / self.config.max_concurrent if self.took_s else 1.0
        words = f"{self.n_waiting} requests are waiting already: try again later"
        return Overloaded(words, min(_LONGEST_RETRY_S, math.ceil(wait_s)) or 1)

    def _forget(self, subject: str, turn: _Turn) -> None:
        turns = self._waiting.get(subject)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[subject]


ADMISSION = web.AppKey("admission", Admission)


@asynccontextmanager
async def admitted(request: web.Request, kind: Kind, name: str, texts: Iterable[str]) -> AsyncIterator[Served]:
    """A place at the model of a task or a memory, for whoever asks it to read texts. Raises as `Admission.admit`, and
    RequestCancelled.
    """
    admission = request.app[ADMISSION]
    model = admission.model_of(kind, name)
    with _served(request, kind, name, model) as served:
        async with admission.admit(request[PRINCIPAL].subject, Kind.MODEL, model, n_tokens_of(texts)):
            served.begin()
            yield served


def check_admission(request: web.Request, kind: Kind, name: str) -> None:
    """Raise Overloaded if there is no hope of a place, before a body is read or anything is done for it."""
    admission = request.app[ADMISSION]
    admission.check(request[PRINCIPAL].subject, Kind.MODEL, admission.model_of(kind, name))


@asynccontextmanager
async def admitted_to_memory(request: web.Request, name: str) -> AsyncIterator[None]:
    """A place at a memory for a document, which may take long, and so waits in a line of its own. Raises as above."""
    admission = request.app[ADMISSION]
    with _served(request, Kind.MEMORY, name, admission.model_of(Kind.MEMORY, name)) as served:
        async with admission.admit(request[PRINCIPAL].subject, Kind.MEMORY, name):
            served.begin()
            yield


def _served(request: web.Request, kind: Kind, name: str, model: str) -> AbstractContextManager[Served]:
    """A request as one that is worked on, in the block."""
    task = name if kind is Kind.TASK else ""
    asked = Asked(
        request.get(REQUEST_ID, ""),
        request.method,
        request.rel_url.raw_path[:_LONGEST_PATH],
        task,
        model,
        request[PRINCIPAL].subject,
    )

    def cut() -> None:
        if request.transport is not None:
            request.transport.abort()

    return request.app[SERVED].serve(asked, cut, lambda done: count_turn(request, task, done))
