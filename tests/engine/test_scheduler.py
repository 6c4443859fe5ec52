"""The scheduler alone: random scripts against a model of llama.cpp's cache, and the policy in single steps."""

import itertools
from collections import defaultdict
from dataclasses import dataclass, field, replace
from zlib import crc32

import pytest
from hypothesis import given, settings, strategies as st

from poly_engine.batch.cells import CellLedger
from poly_engine.batch.messages import Failed, Finished, Generate, Generated, Prefilled, Report
from poly_engine.batch.scheduler import Batch, Scheduler
from poly_engine.batch.slots import Copy, Trim, shared_prefix
from poly_engine.bias.taken import Step, Taken
from poly_engine.sampling import Greedy

END = 0
CONTEXT = 32


class Letters:
    """A vocabulary of one letter a token; token 0 ends."""

    def piece(self, token: int) -> bytes:
        return bytes([96 + token % 26 + 1])

    def is_end(self, token: int) -> bool:
        return token == END


@dataclass
class FakeCache:
    """What llama.cpp would hold: the tokens of each slot. Asserts that every step is one that it could compute, and
    "samples" a token that depends on all tokens before it."""

    n_cells: int
    slots: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    n_computed: int = 0
    forces: bool = False

    def decode(self, batch: Batch) -> list[Taken]:
        for edit in batch.edits:
            match edit:
                case Copy(source, target, n):
                    assert not self.slots[target], "copied onto something"
                    assert len(self.slots[source]) >= n, "copied more than there is"
                    self.slots[target] = self.slots[source][:n]
                case Trim(slot, n):
                    del self.slots[slot][n:]
        for token, position, slot in zip(batch.tokens, batch.positions, batch.slots, strict=True):
            assert position == len(self.slots[slot]), "a gap or an overlap in a sequence"
            self.slots[slot].append(token)
        self.n_computed += batch.n_rows
        assert self.n_used() <= self.n_cells, "more cells are used than there are"
        return [taken_behind(self.slots[batch.slots[row]], forces=self.forces) for row, _ in batch.outputs]

    def n_used(self) -> int:
        """Cells in use if equal beginnings were shared as far as possible: what is used is never less."""
        return len({tuple(tokens[: i + 1]) for tokens in self.slots.values() for i in range(len(tokens))})

    @staticmethod
    def next_token(tokens: list[int]) -> int:
        return crc32(bytes(tokens)) % 50


def taken_behind(tokens: list[int], *, forces: bool = False) -> Taken:
    """The token that is sampled behind `tokens`; now and then some are forced behind it, as by a bias."""
    token = FakeCache.next_token(tokens)
    n_forced = token % 4 if forces and token != END and not token % 5 else 0
    return Taken((Step(token), *(Step(1 + (token + i) % 22, is_forced=True) for i in range(n_forced))))


def expected_answer(prompt: tuple[int, ...], n_max: int | None, *, forces: bool = False) -> tuple[list[int], str]:
    """What a request must give, computed alone."""
    tokens = list(prompt)
    room = CONTEXT - len(prompt)
    limit = room if n_max is None else min(n_max, room)
    while True:
        for step in taken_behind(tokens, forces=forces).steps:
            if step.token == END:
                return tokens[len(prompt) :], "stop"
            tokens.append(step.token)
            if len(tokens) - len(prompt) >= limit:
                return tokens[len(prompt) :], "length"


def scheduler(n_cells: int = CONTEXT, n_slots: int = 4, n_parallel: int = 2, n_batch: int = 8) -> Scheduler:
    return Scheduler(
        Letters(), context_size=CONTEXT, n_cells=n_cells, n_slots=n_slots, n_parallel=n_parallel, n_batch=n_batch
    )


def request(number: int, prompt: tuple[int, ...], n_max: int | None = None) -> Generate:
    return Generate(number, prompt, (Greedy(),), seed=0, max_tokens=n_max)


def run(subject: Scheduler, cache: FakeCache, n_prefill: int = 8, n_steps: int = 10_000) -> list[Report]:
    reports: list[Report] = []
    for _ in range(n_steps):
        if not subject.has_work:
            break
        batch = subject.next_batch(n_prefill)
        reports += batch.reports
        assert batch.n_rows, "there is work and nothing is done"
        reports += subject.accept(cache.decode(batch))
        subject.check_integrity()
    return reports


PREFIX = tuple(range(1, 12))
PROMPTS = st.tuples(st.integers(0, 11), st.lists(st.integers(1, 22), min_size=1, max_size=18)).map(
    lambda drawn: PREFIX[: drawn[0]] + tuple(drawn[1])
)
REQUESTS = st.lists(st.tuples(PROMPTS, st.none() | st.integers(1, 20)), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(
    requests=REQUESTS,
    n_cells=st.integers(CONTEXT, 3 * CONTEXT),
    n_parallel=st.integers(1, 4),
    n_spare=st.integers(0, 4),
    n_batch=st.integers(4, 40),
    n_prefill=st.integers(1, 40),
    script=st.lists(st.tuples(st.sampled_from(["step", "submit", "cancel"]), st.integers(0, 11)), max_size=60),
    forces=st.booleans(),
)
def test_whatever_the_order_every_request_gets_the_answer_it_would_get_alone(
    requests: list[tuple[tuple[int, ...], int | None]],
    n_cells: int,
    n_parallel: int,
    n_spare: int,
    n_batch: int,
    n_prefill: int,
    script: list[tuple[str, int]],
    *,
    forces: bool,
) -> None:
    subject = scheduler(n_cells, n_parallel + n_spare, n_parallel, n_batch)
    cache = FakeCache(n_cells, forces=forces)
    reports: list[Report] = []
    waiting = [request(number, prompt, n_max) for number, (prompt, n_max) in enumerate(requests)]
    cancelled = set()
    for deed, number in script:
        if deed == "step":
            reports += run(subject, cache, n_prefill, n_steps=1)
        elif deed == "submit" and waiting:
            reports += subject.submit(waiting.pop(0))
        elif deed == "cancel":
            cancelled.add(number)
            reports += subject.cancel(number)
        subject.check_integrity()
    for late in waiting:
        reports += subject.submit(late)
    reports += run(subject, cache, n_prefill)

    outcomes = {report.id: report for report in reports if isinstance(report, Finished)}
    assert sorted(outcomes) == list(range(len(requests)))
    for number, (prompt, n_max) in enumerate(requests):
        answer, reason = expected_answer(prompt, n_max, forces=forces)
        outcome = outcomes[number]
        if outcome.reason == "cancelled":
            assert number in cancelled
            assert list(outcome.kept) == answer[: len(outcome.kept)]
        else:
            assert (list(outcome.kept), outcome.reason) == (answer, reason)


def test_sixteen_requests_with_one_prelude_compute_it_once() -> None:
    prelude = tuple(1 + i % 20 for i in range(24))
    subject, cache = scheduler(n_cells=400, n_slots=16, n_parallel=16, n_batch=64), FakeCache(400)
    for number in range(16):
        subject.submit(request(number, (*prelude, 1 + number, 3), n_max=1))
    run(subject, cache, n_prefill=64)
    assert cache.n_computed == len(prelude) + 16 * 2


def test_a_second_turn_computes_only_what_is_new() -> None:
    subject, cache = scheduler(), FakeCache(CONTEXT)
    subject.submit(request(1, (5, 6, 7, 8), n_max=3))
    (first,) = (report for report in run(subject, cache) if isinstance(report, Finished))
    before = cache.n_computed
    subject.submit(request(2, (5, 6, 7, 8, *first.kept, 9, 9), n_max=1))
    run(subject, cache)
    assert cache.n_computed - before == 3  # the last token of the answer was sampled, not computed; and the two new


def test_a_long_prompt_does_not_stop_those_who_write() -> None:
    subject, cache = scheduler(n_cells=64, n_batch=8), FakeCache(64)
    subject.submit(request(1, (2, 2)))
    run(subject, cache, n_steps=1)
    subject.submit(request(2, tuple(range(1, 23)), n_max=1))
    reports = run(subject, cache, n_prefill=4, n_steps=4)
    assert sum(isinstance(report, Generated) and report.id == 1 for report in reports) == 4
    assert any(isinstance(report, Prefilled) and report.id == 2 for report in reports)


def test_requests_are_admitted_in_the_order_of_their_arrival() -> None:
    subject, cache = scheduler(n_parallel=1, n_slots=2), FakeCache(CONTEXT)
    for number in range(30):
        subject.submit(request(number, (1 + number % 20, 7), n_max=2))
    finished = [report.id for report in run(subject, cache) if isinstance(report, Finished)]
    assert finished == list(range(30))


@pytest.mark.parametrize("n_tokens", [0, CONTEXT, CONTEXT + 1])
def test_a_prompt_that_leaves_no_room_to_answer_is_refused(n_tokens: int) -> None:
    subject = scheduler()
    (report,) = subject.submit(request(1, (1,) * n_tokens))
    assert isinstance(report, Failed)
    assert not subject.has_work


def test_a_failed_step_ends_what_runs_and_spares_what_waits() -> None:
    subject, cache = scheduler(n_parallel=1, n_slots=2), FakeCache(CONTEXT)
    subject.submit(request(1, (1, 2, 3)))
    subject.submit(request(2, (4, 5), n_max=2))
    subject.next_batch(8)
    assert [report.id for report in subject.fail("out of order")] == [1]
    cache.slots.clear()
    (finished,) = (report for report in run(subject, cache) if isinstance(report, Finished))
    assert (finished.id, list(finished.kept)) == (2, expected_answer((4, 5), 2)[0])


def test_cancelling_twice_or_after_the_end_reports_once() -> None:
    subject = scheduler()
    subject.submit(request(1, (1, 2)))
    assert len(subject.cancel(1)) == 1
    assert subject.cancel(1) == []


@given(st.lists(st.integers(0, 2), max_size=30), st.lists(st.integers(0, 2), max_size=30), st.integers(0, 30))
def test_the_shared_prefix_is_the_longest_one(a: list[int], b: list[int], limit: int) -> None:
    n = shared_prefix(a, b, limit)
    assert a[:n] == b[:n]
    assert n == min(len(a), len(b), limit) or a[n] != b[n]


def test_a_ledger_that_lost_a_cell_is_noticed() -> None:
    ledger = CellLedger(4, 2)
    ledger.append(0, 2)
    ledger.share(0, 1, 1)
    ledger.check_integrity()
    ledger._references[0] += 1
    with pytest.raises(AssertionError, match="reference counts"):
        ledger.check_integrity()


def talkative_prompts(n: int) -> list[tuple[int, ...]]:
    """Prompts whose answers fill the whole context."""
    candidates = itertools.product(range(1, 23), repeat=2)
    return list(itertools.islice((prompt for prompt in candidates if expected_answer(prompt, None)[1] == "length"), n))


def test_when_the_cache_is_full_the_youngest_gives_way_and_is_next_again() -> None:
    subject, cache = scheduler(n_cells=CONTEXT, n_parallel=3), FakeCache(CONTEXT)
    for number, prompt in enumerate(talkative_prompts(5)):
        subject.submit(request(number, prompt))
    reports = run(subject, cache)
    finished = [report.id for report in reports if isinstance(report, Finished)]
    starts = [report.id for report in reports if isinstance(report, Prefilled) and report.done == report.cached]
    assert finished == [0, 1, 2, 3, 4]
    assert (starts.count(0), starts.count(1)) == (1, 1), "an older one was interrupted"
    assert len(starts) > 5, "nobody had to give way: the test tests nothing"


def test_what_an_answer_begins_with_is_read_with_the_prompt_and_told_with_the_first_token() -> None:
    subject, cache = scheduler(), FakeCache(CONTEXT)
    opening = Taken((Step(20, is_forced=True), Step(21, is_forced=True)))
    assert subject.submit(request(1, (5, 6, 7), n_max=4), opening) == []
    reports = run(subject, cache, n_steps=1)
    assert cache.slots[0] == [5, 6, 7, 20, 21]
    generated = [report for report in reports if isinstance(report, Generated)]
    assert [report.token for report in generated[:2]] == [20, 21]
    assert [report.is_forced for report in generated] == [True, True, False]
    (finished,) = (report for report in run(subject, cache) if isinstance(report, Finished))
    assert finished.kept[:2] == (20, 21)


def test_an_answer_that_is_over_before_it_begins_takes_no_slot() -> None:
    subject = scheduler()
    reports = subject.submit(request(1, (5, 6)), Taken((Step(7, is_forced=True),), "stop"))
    assert [type(report) for report in reports] == [Prefilled, Generated, Finished]
    assert not subject.has_work


def test_an_answer_that_cannot_begin_fails() -> None:
    subject = scheduler()
    (_, failed) = subject.submit(request(1, (5, 6)), Taken(failure="it is stuck"))
    assert failed == Failed(1, "it is stuck")
    assert not subject.has_work


def test_what_an_answer_begins_with_is_told_even_if_it_is_cancelled_at_once() -> None:
    subject = scheduler()
    subject.submit(request(1, (5, 6)), Taken((Step(7, is_forced=True),)))
    generated, finished = subject.cancel(1)
    assert isinstance(generated, Generated)
    assert isinstance(finished, Finished)
    assert finished.kept == (7,)


def test_a_request_that_continues_another_goes_before_those_that_wait() -> None:
    subject, cache = scheduler(n_parallel=1, n_slots=2), FakeCache(CONTEXT)
    for number in range(3):
        subject.submit(request(number, (1 + number, 7), n_max=2))
    run(subject, cache, n_steps=1)
    subject.submit(replace(request(3, (9, 9), n_max=2), continues=True))
    finished = [report.id for report in run(subject, cache) if isinstance(report, Finished)]
    assert finished == [0, 3, 1, 2]


def test_forced_tokens_of_one_leave_a_row_for_everybody_else() -> None:
    subject = scheduler(n_parallel=2, n_batch=3)
    for number in range(2):
        subject.submit(request(number, (1 + number, 7), n_max=10))
    subject.next_batch(3)
    subject.accept([Taken((Step(20),))])
    subject.next_batch(3)
    subject.accept([Taken((Step(20), Step(21, is_forced=True), Step(22, is_forced=True))), Taken((Step(20),))])
    batch = subject.next_batch(3)
    assert batch.slots == [0, 0, 1]
    assert not any(isinstance(edit, Trim) for edit in batch.edits)
