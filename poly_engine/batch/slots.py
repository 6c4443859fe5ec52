"""The slots of a KV cache: who uses which sequence number, what is cached in it, and what can be reused."""

from dataclasses import dataclass
from typing import TypeAlias

from poly_engine.batch.cells import CellLedger
from poly_engine.batch.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Copy:
    """Let slot `target` refer to the cells of the first `n` tokens of `source`, too."""

    source: int
    target: int
    n: int


@dataclass(frozen=True, slots=True)
class Trim:
    """Let go of the tokens of a slot from position `n` on."""

    slot: int
    n: int


CacheEdit: TypeAlias = Copy | Trim


@dataclass(slots=True)
class Slot:
    """A sequence number of llama.cpp. `tokens` are cached in it; with no owner it is idle, and kept for whoever
    comes with the same beginning until its cells are wanted.
    """

    number: int
    owner: Sequence | None = None
    last_used: int = 0

    tokens: tuple[int, ...] | list[int] = ()

    @property
    def is_idle(self) -> bool:
        """Whether something is cached that nobody uses."""
        return self.owner is None and bool(self.tokens)

    @property
    def is_empty(self) -> bool:
        """Whether it is free to be taken."""
        return self.owner is None and not self.tokens


@dataclass(frozen=True, slots=True)
class Admission:
    """How a sequence begins: with the first `n` tokens of `source`, in a copy or in its place."""

    source: Slot | None
    n: int
    takes_over: bool


class Slots:
    """Gives slots to sequences, with as much of their beginning as any slot holds, and evicts what was idle longest.

    Every change to the cache is recorded in order, to be taken by `take_edits` and carried out before the next decode.
    """

    def __init__(self, n_slots: int, n_cells: int) -> None:
        self._slots = [Slot(number) for number in range(n_slots)]
        self._cells = CellLedger(n_cells, n_slots)
        self._edits: list[CacheEdit] = []
        self._clock = 0

    def take_edits(self) -> list[CacheEdit]:
        """Return what is to be done to the cache since the last call."""
        edits, self._edits = self._edits, []
        return edits

    def longest_promise(self, tokens: list[int]) -> int:
        """Return how much of the beginning of `tokens` is in the prompt of a running sequence, computed or not."""
        running = [slot.owner for slot in self._slots if slot.owner is not None]
        return max((shared_prefix(other.tokens, tokens, other.n_prompt) for other in running), default=0)

    def plan(self, tokens: list[int], n_promised: int) -> Admission | None:
        """Say how a sequence of `tokens` could begin, while `n_promised` more cells belong to others; None if it
        must wait.
        """
        source, n = self._best_source(tokens)
        n = min(n, len(tokens) - 1)  # the last token is always computed: its logits are wanted
        idle = [slot for slot in self._slots if slot.is_idle]
        others = [slot for slot in idle if slot is not source]
        if self._can_obtain(len(tokens) - n + n_promised, others):
            if source is not None and source.is_idle and n == len(source.tokens):
                return Admission(source, n, takes_over=True)
            if others or any(slot.is_empty for slot in self._slots):
                return Admission(source, n, takes_over=False)
        if source is not None and source.is_idle and self._can_obtain(len(tokens) + n_promised, idle):
            return Admission(source, n, takes_over=True)
        return None

    def admit(self, sequence: Sequence, admission: Admission) -> None:
        """Give `sequence` a slot, as planned for it."""
        source, n = admission.source, admission.n
        if admission.takes_over:
            assert source is not None, "nothing to take over"
            slot = source
            self._trim(slot, n)
        else:
            slot = self._empty_slot(except_for=source)
            if source is not None and n:
                self._cells.share(source.number, slot.number, n)
                self._edits.append(Copy(source.number, slot.number, n))
        slot.owner = sequence
        slot.tokens = sequence.tokens
        sequence.slot = slot.number
        sequence.n_computed = n

    def obtainable(self, n: int) -> int:
        """Return how many of `n` cells could be had, by evicting what is idle."""
        if n <= self._cells.n_free:
            return n
        idle = [slot.number for slot in self._slots if slot.is_idle]
        return min(n, self._cells.n_free + self._cells.n_released(idle))

    def reserve(self, sequence: Sequence, n: int) -> None:
        """Take cells for the next `n` tokens of a sequence, evicting idle slots; at most what is `obtainable`."""
        while self._cells.n_free < n:
            evicted = self._evict_oldest(except_for=None)
            assert evicted, f"{n} cells cannot be had"
        assert sequence.slot is not None
        self._cells.append(sequence.slot, n)

    def release(self, sequence: Sequence) -> None:
        """Leave the slot of a sequence idle, with what was computed of it."""
        slot = self._owned(sequence)
        self._clock += 1
        slot.owner, slot.last_used = None, self._clock
        slot.tokens = tuple(sequence.tokens[: sequence.n_computed])
        sequence.slot = None

    def preempt(self, sequence: Sequence) -> None:
        """Take the slot and the cells of a sequence away; it must be computed anew."""
        slot = self._owned(sequence)
        self.release(sequence)
        self._trim(slot, 0)
        sequence.n_computed = 0

    def forget(self) -> None:
        """Drop everything that is cached for nobody."""
        for slot in self._slots:
            if slot.is_idle:
                self._trim(slot, 0)

    def check_integrity(self) -> None:
        """Assert that slots, sequences and cells agree."""
        self._cells.check_integrity()
        for slot in self._slots:
            n = self._cells.length(slot.number)
            if slot.owner is None:
                assert n == len(slot.tokens), f"slot {slot.number} holds {n} cells for {len(slot.tokens)} tokens"
            else:
                assert slot.owner.slot == slot.number, f"slot {slot.number} and its sequence disagree"
                assert n == slot.owner.n_computed, f"slot {slot.number}: {n} cells, {slot.owner.n_computed} computed"

    def _owned(self, sequence: Sequence) -> Slot:
        assert sequence.slot is not None, "the sequence has no slot"
        return self._slots[sequence.slot]

    def _best_source(self, tokens: list[int]) -> tuple[Slot | None, int]:
        """Return the slot that holds the longest beginning of `tokens` in the cache, and its length."""
        best, longest = None, 0
        for slot in self._slots:
            n = shared_prefix(slot.tokens, tokens, self._cells.length(slot.number))
            if n > longest:
                best, longest = slot, n
        return best, longest

    def _empty_slot(self, except_for: Slot | None) -> Slot:
        while not any(slot.is_empty for slot in self._slots):
            evicted = self._evict_oldest(except_for)
            assert evicted, "no slot can be had: the plan is stale"
        return next(slot for slot in self._slots if slot.is_empty)

    def _evict_oldest(self, except_for: Slot | None) -> bool:
        idle = [slot for slot in self._slots if slot.is_idle and slot is not except_for]
        if not idle:
            return False
        self._trim(min(idle, key=lambda slot: slot.last_used), 0)
        return True

    def _trim(self, slot: Slot, n: int) -> None:
        if n < self._cells.length(slot.number):
            self._cells.trim(slot.number, n)
            self._edits.append(Trim(slot.number, n))
        slot.tokens = slot.tokens[:n]

    def _can_obtain(self, n: int, idle: list[Slot]) -> bool:
        """Whether `n` cells are free, or would be if all of `idle` were evicted."""
        n_free = self._cells.n_free
        return n <= n_free or n <= n_free + self._cells.n_released([slot.number for slot in idle])


def shared_prefix(a: tuple[int, ...] | list[int], b: tuple[int, ...] | list[int], limit: int) -> int:
    """Return the length of the longest common beginning of `a[:limit]` and `b`, by bisection over slices: slices are
    compared in C, so that 800 tokens take microseconds.
    """
    low, high = 0, min(len(a), len(b), limit)
    a, b = tuple(a[:high]), tuple(b[:high])
    if a == b:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low
