"""The worker of one model: a message loop. Commands in, one list of reports a step out.

It knows neither asyncio nor who runs it; `host.py` does.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from poly_engine.batch.messages import (
    Cancel,
    Command,
    Embed,
    Embedded,
    Failed,
    Finished,
    Generate,
    Report,
    Stop,
    Threads,
)
from poly_engine.batch.scheduler import Batch, Scheduler
from poly_engine.bias.taken import Taken
from poly_engine.errors import EngineFailed, InvalidSchema, ModelLoadFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

_log = logging.getLogger(__name__)


class Runner(Protocol):
    """What computes the batches of a scheduler."""

    def prepare(self, request: Generate) -> Taken:
        """Make ready to sample for a request, and say what its answer begins with in any case."""

    def drop(self, request_id: int) -> None:
        """Let go of what a request needed."""

    def decode(self, batch: Batch) -> list[Taken]:
        """Compute a batch and return what comes of each of its outputs. Raises EngineFailed."""

    def clear(self) -> None:
        """Forget everything that is cached."""

    def set_threads(self, n: int) -> None:
        """Compute with so many threads."""


class Embedder(Protocol):
    """What computes embeddings."""

    def embed(self, texts: "Sequence[tuple[int, ...]]") -> "npt.NDArray[np.float32]":
        """Return one vector per text. Raises EngineFailed."""

    def set_threads(self, n: int) -> None:
        """Compute with so many threads."""


class Worker:
    """Serves the requests to one model until it is told to stop. Each request ends in `Finished`, `Embedded` or
    `Failed`, whatever happens.
    """

    def __init__(
        self,
        scheduler: Scheduler | None,
        runner: Runner | None,
        embedder: Callable[[], Embedder],
        commands: "SimpleQueue[Command]",
        emit: Callable[[list[Report]], None],
    ) -> None:
        self._scheduler = scheduler
        self._runner = runner
        self._embedder = embedder
        self._commands = commands
        self._emit = emit
        self._embeds: deque[Embed] = deque()
        self._pace = PrefillPace()
        self._stop: Stop | None = None
        self._known: set[int] = set()
        self._n_threads: int | None = None
        self._busy_since: float | None = None

    @property
    def stuck_s(self) -> float:
        """For how many seconds it has been in the same step; 0 while it waits for work. Any thread may ask."""
        since = self._busy_since
        return time.monotonic() - since if since is not None else 0.0

    def run(self) -> bool:
        """Serve until `Stop` comes or a bug of ours ends it; then fail what is left. Return whether it was told to."""
        try:
            while self._stop is None:
                self._take_commands()
                self._busy_since = time.monotonic()
                self._embed_next()
                self._step()
        except Exception:  # noqa: BLE001 - the edge of the worker: whoever waits is told
            _log.exception("the worker failed")
            self._fail_all("the engine failed; its log says why", is_broken=True)
            return False
        self._fail_all(self._stop.reason, is_closed=True)
        return True

    def _step(self) -> None:
        if self._scheduler is None or self._runner is None or not self._scheduler.has_work:
            return
        batch = self._scheduler.next_batch(self._pace.n_prefill())
        self._send(batch.reports)
        if batch.n_rows:
            self._send(self._compute(batch))
        if not self._scheduler.has_work:
            self._scheduler.check_integrity()

    def _compute(self, batch: Batch) -> list[Report]:
        assert self._scheduler is not None
        assert self._runner is not None
        begin = time.perf_counter()
        try:
            taken = self._runner.decode(batch)
        except EngineFailed as error:
            self._runner.clear()
            return self._scheduler.fail(str(error))
        self._pace.learn(batch.n_rows, time.perf_counter() - begin)
        return self._scheduler.accept(taken)

    def _take_commands(self) -> None:
        """Take all commands that are there; wait for one if there is nothing else to do."""
        is_idle = not self._embeds and not (self._scheduler and self._scheduler.has_work)
        try:
            while self._stop is None:
                if is_idle:
                    self._busy_since = None
                command = self._commands.get(block=is_idle)
                self._busy_since = time.monotonic()
                self._obey(command)
                is_idle = False
        except Empty:
            pass

    def _obey(self, command: Command) -> None:
        match command:
            case Generate():
                self._known.add(command.id)
                self._begin(command)
            case Cancel():
                self._cancel(command.id)
            case Embed():
                self._known.add(command.id)
                self._embeds.append(command)
            case Threads():
                self._set_threads(command.n)
            case Stop():
                self._stop = command

    def _set_threads(self, n: int) -> None:
        self._n_threads = n  # for the embedder, which may not be open yet
        if self._runner is not None:
            self._runner.set_threads(n)

    def _cancel(self, request_id: int) -> None:
        for waiting in [request for request in self._embeds if request.id == request_id]:
            self._embeds.remove(waiting)
            self._known.discard(request_id)
        if self._scheduler is not None:
            self._send(self._scheduler.cancel(request_id))

    def _begin(self, request: Generate) -> None:
        if self._scheduler is None or self._runner is None:
            self._send([Failed(request.id, "this model computes embeddings only, it cannot write")])
            return
        try:
            opening = self._runner.prepare(request)
        except InvalidSchema as error:
            self._send([Failed(request.id, str(error))])
        else:
            self._send(self._scheduler.submit(request, opening))

    def _embed_next(self) -> None:
        if self._embeds:
            request = self._embeds.popleft()
            try:
                embedder = self._embedder()
                if self._n_threads is not None:
                    embedder.set_threads(self._n_threads)
                self._send([Embedded(request.id, embedder.embed(request.texts))])
            except (EngineFailed, ModelLoadFailed) as error:  # the latter when its context is opened
                self._send([Failed(request.id, str(error))])

    def _send(self, reports: list[Report]) -> None:
        for report in reports:
            if isinstance(report, Finished | Failed | Embedded):
                self._known.discard(report.id)
                if self._runner is not None:
                    self._runner.drop(report.id)
        if reports:
            self._emit(reports)

    def _fail_all(self, message: str, *, is_closed: bool = False, is_broken: bool = False) -> None:
        self._send([Failed(request_id, message, is_closed, is_broken) for request_id in sorted(self._known)])


class PrefillPace:
    """How many prompt tokens a step may read, so that it stays short: streams that write must not stall behind a
    long prompt, and a cancelled prompt must not be read to its end.
    """

    _LONGEST_STEP_S = 0.3
    _FEWEST = 64  # fewer are read no faster: the weights have to be read for them all the same
    _MOST = 2048

    def __init__(self) -> None:
        self._seconds_per_token = 0.005

    def n_prefill(self) -> int:
        """How many prompt tokens to read in the next step."""
        return max(self._FEWEST, min(int(self._LONGEST_STEP_S / self._seconds_per_token), self._MOST))

    def learn(self, n_tokens: int, seconds: float) -> None:
        """Note how long a step took. Short ones say nothing: there the weights are read for few tokens."""
        if n_tokens >= self._FEWEST:
            self._seconds_per_token += 0.3 * (seconds / n_tokens - self._seconds_per_token)
