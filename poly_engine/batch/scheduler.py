"""Who computes what in the next step. Pure: no threads, no clock, no I/O."""

from collections import deque
from collections.abc import Iterator, Sequence as Values
from dataclasses import dataclass, field

from poly_engine.batch.messages import Failed, Generate, Prefilled, Report
from poly_engine.batch.sequence import Pieces, Sequence
from poly_engine.batch.slots import CacheEdit, Slots
from poly_engine.bias.taken import Taken

NOTHING = Taken()

_WORTH_WAITING_FOR = 16
"""Tokens of a common beginning that make it worth waiting until a running sequence has computed them."""


@dataclass(slots=True)
class Batch:
    """One step: first `edits` to the cache, then one decode of the rows, then one sample for each of `outputs`.

    `tokens`, `positions` and `slots` have one entry per row. `outputs` names the rows whose logits are wanted and the
    request that they are for. `reports` can be sent before the step is computed.
    """

    edits: list[CacheEdit]
    reports: list[Report]
    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    outputs: list[tuple[int, int]] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        """How many tokens are computed in this step."""
        return len(self.tokens)


class Scheduler:
    """Lets any number of requests share one KV cache.

    The policy: requests are admitted in order, up to `n_parallel` at once. One that shares a long beginning with a
    prompt that is being read waits for it and copies it. Every step takes what is pending of each sequence that writes,
    mostly one token, and fills up with prompt tokens of those that read, oldest first. When the cache is full, idle
    slots are evicted, then the youngest sequence gives its cells back and is computed anew later.
    """

    def __init__(
        self, pieces: Pieces, *, context_size: int, n_cells: int, n_slots: int, n_parallel: int, n_batch: int
    ) -> None:
        assert n_cells >= context_size, "one full context must fit the cache"
        assert n_slots >= n_parallel, "each running sequence needs a slot"
        assert n_batch >= n_parallel, "each running sequence needs a row"
        self._pieces = pieces
        self._context_size = context_size
        self._n_parallel = n_parallel
        self._n_batch = n_batch
        self._slots = Slots(n_slots, n_cells)
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []  # by arrival, oldest first
        self._outputs: list[Sequence] = []
        self._readers: list[Sequence] = []
        self._n_arrived = 0

    @property
    def has_work(self) -> bool:
        """Whether a request is waiting or running."""
        return bool(self._waiting or self._running)

    def submit(self, request: Generate, opening: Taken = NOTHING) -> list[Report]:
        """Put a request at the end of the queue. `opening` is what its answer begins with in any case."""
        if not 0 < len(request.tokens) < self._context_size:
            return [Failed(request.id, f"{len(request.tokens)} tokens do not fit a context of {self._context_size}")]
        sequence = Sequence(request, self._n_arrived, self._context_size)
        self._n_arrived += 1
        sequence.begin(opening, self._pieces)
        if sequence.is_over:
            return [_prefilled(sequence), *sequence.outcome()]
        if request.continues:
            self._waiting.appendleft(sequence)
        else:
            self._waiting.append(sequence)
        return []

    def cancel(self, request_id: int) -> list[Report]:
        """Stop a request wherever it is; one that is over already stays as it ended."""
        for sequence in (*self._running, *self._waiting):
            if sequence.request.id == request_id:
                sequence.cancel()
                return self._close(sequence)
        return []

    def next_batch(self, n_prefill: int) -> Batch:
        """Choose the work of the next step, with at most `n_prefill` prompt tokens. Without work it has no rows."""
        reports = self._admit_waiting()
        rows = list(self._choose_rows(n_prefill))
        batch = Batch(self._slots.take_edits(), reports)
        self._outputs = []
        for sequence, n in rows:
            self._add_rows(batch, sequence, n)
        return batch

    def accept(self, taken: Values[Taken]) -> list[Report]:
        """Take what came of the batch, one for each output in their order, and say what may be shown of it."""
        assert len(taken) == len(self._outputs), f"{len(taken)} results for {len(self._outputs)} outputs"
        reports: list[Report] = [_prefilled(sequence) for sequence in self._readers]
        for sequence, its in zip(self._outputs, taken, strict=True):
            reports += sequence.take(its, self._pieces)
            if sequence.is_over:
                reports += self._close(sequence)
        self._outputs, self._readers = [], []
        return reports

    def fail(self, message: str) -> list[Report]:
        """Give up everything that runs, because the step could not be computed; what waits may still go on. The
        content of the cache is unknown then, and forgotten.
        """
        failed: list[Report] = [Failed(sequence.request.id, message) for sequence in self._running]
        for sequence in self._running:
            self._slots.preempt(sequence)
        self._slots.forget()
        self._running, self._outputs, self._readers = [], [], []
        return failed

    def check_integrity(self) -> None:
        """Assert that nothing was lost: every slot and cell is accounted for, every sequence is where it should be."""
        self._slots.check_integrity()
        assert all(sequence.slot is not None for sequence in self._running), "a running sequence has no slot"
        assert all(sequence.slot is None for sequence in self._waiting), "a waiting sequence has a slot"
        assert len(self._running) <= self._n_parallel, "more sequences run than may"

    def _admit_waiting(self) -> list[Report]:
        reports: list[Report] = []
        for sequence in tuple(self._waiting):
            if len(self._running) >= self._n_parallel:
                break
            promised = sum(other.n_pending for other in self._running)
            admission = self._slots.plan(sequence.tokens, promised)
            if admission is None:
                break
            if self._slots.longest_promise(sequence.tokens) >= admission.n + _WORTH_WAITING_FOR:
                continue
            self._waiting.remove(sequence)
            self._slots.admit(sequence, admission)
            self._running.append(sequence)
            self._running.sort(key=lambda other: other.arrival)
            if sequence.n_cached is None:
                sequence.n_cached = admission.n
            reports.append(_prefilled(sequence))
        return reports

    def _choose_rows(self, n_prefill: int) -> Iterator[tuple[Sequence, int]]:
        """Yield who computes how many of its pending tokens, writers first. Whoever was not served yet may lose its
        cells to somebody before it, the last one first.
        """
        served = [s for s in self._running if s.is_writing] + [s for s in self._running if not s.is_writing]
        room = self._n_batch
        while served:
            sequence = served.pop(0)
            while not self._slots.obtainable(1) and served:
                self._preempt(served.pop())
            limit = room if sequence.is_writing else min(room, n_prefill)
            if sequence.is_writing and sequence.n_pending > 1:
                limit -= sum(other.is_writing for other in served)  # each of them gets a row
            n = self._slots.obtainable(min(sequence.n_pending, limit))
            if n:
                self._slots.reserve(sequence, n)
                room -= n
                n_prefill -= 0 if sequence.is_writing else n
                yield sequence, n
            elif sequence.is_writing:
                self._preempt(sequence)

    def _preempt(self, sequence: Sequence) -> None:
        self._slots.preempt(sequence)
        self._running.remove(sequence)
        self._waiting.appendleft(sequence)

    def _add_rows(self, batch: Batch, sequence: Sequence, n: int) -> None:
        assert sequence.slot is not None
        if not sequence.is_writing:
            self._readers.append(sequence)
        begin, sequence.n_computed = sequence.n_computed, sequence.n_computed + n
        batch.tokens += sequence.tokens[begin : begin + n]
        batch.positions += range(begin, begin + n)
        batch.slots += [sequence.slot] * n
        if not sequence.n_pending:
            batch.outputs.append((batch.n_rows - 1, sequence.request.id))
            self._outputs.append(sequence)

    def _close(self, sequence: Sequence) -> list[Report]:
        if sequence.slot is None:
            self._waiting.remove(sequence)
        else:
            self._slots.release(sequence)
            self._running.remove(sequence)
        return sequence.outcome()


def _prefilled(sequence: Sequence) -> Prefilled:
    done = min(sequence.n_computed, sequence.n_prompt)
    return Prefilled(sequence.request.id, done, sequence.n_prompt, min(sequence.n_cached or 0, sequence.n_prompt))
