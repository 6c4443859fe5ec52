"""The status line and its figures."""

from dataclasses import replace

import pytest
from textual.content import Content

from poly_engine.types import BiasState, Done, Progress, Thinking, Timings, Token, Usage
from poly_tui.screens.meter import Meter
from poly_tui.widgets.status import Phase, Status
from poly_tui.widgets.status_line import fitted

WRITING = Status(
    Phase.WRITING, tokens_per_s=47.23, n_tokens=312, first_token_s=0.412, context_used=1900, context_size=4100
)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (78, "⠋ writing  47.2 tok/s  312 tok  ttft 0.41 s  ctx ███░░░ 1.9k/4.1k  ↓ following"),
        (65, "⠋ writing  47.2 tok/s  312 tok  ctx ███░░░ 1.9k/4.1k  ↓ following"),
        (58, "⠋ writing  47.2 tok/s  312 tok  ctx 1.9k/4.1k  ↓ following"),
        (44, "⠋ writing  47.2 tok/s  ctx 46%  ↓ following"),
        (38, "⠋ writing  47.2 tok/s  ctx 46%       ↓"),
        (26, "⠋ writing  47.2 tok/s    ↓"),
        (14, "⠋ writing    ↓"),
        (8, "⠋ writing"),
    ],
)
def test_the_figures_that_matter_least_give_way_first(width: int, line: str) -> None:
    assert " ".join(fitted(WRITING, width).plain.split()) == " ".join(line.split())
    assert fitted(WRITING, max(width, 12)).cell_length == max(width, 12) or width == 8


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (105, "⠋ writing valid so far 38 % forced 47.2 tok/s 312 tok ttft 0.41 s ctx ███░░░ 1.9k/4.1k ↓ following"),
        (78, "⠋ writing valid so far 38 % forced 47.2 tok/s ctx 46% ↓ following"),
        (60, "⠋ writing valid so far 47.2 tok/s ctx 46% ↓ following"),
        (38, "⠋ writing valid so far 47.2 tok/s ↓"),
        (28, "⠋ writing valid so far ↓"),
        (14, "⠋ writing ↓"),
    ],
)
def test_how_far_an_answer_with_a_bias_is_matters_most_of_the_figures(width: int, line: str) -> None:
    biased = replace(WRITING, bias_state="open", forced_share=0.38)
    assert fitted(biased, width).plain.split() == line.split()
    assert fitted(biased, width).cell_length == width


@pytest.mark.parametrize(
    ("state", "words"), [("open", "valid so far"), ("closing", "closing"), ("complete", "complete")]
)
def test_the_state_of_a_bias_is_shown_during_the_answer_and_after_it(state: BiasState, words: str) -> None:
    for phase in (Phase.WRITING, Phase.READY):
        assert f"{phase.value}  {words}" in fitted(Status(phase, bias_state=state), 80).plain


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status(), "○ not loaded"),
        (Status(Phase.LOADING, loaded_share=0.4), "⠋ loading 40 %"),
        (Status(Phase.READY), "● ready"),
        (Status(Phase.WAITING), "⠋ waiting"),
        (Status(Phase.READING, n_prompt_read=120, n_prompt=800), "⠋ reading prompt 120/800"),
        (Status(Phase.THINKING), "⠋ thinking"),
        (Status(Phase.FAILED), "✗ failed"),
    ],
)
def test_every_state_is_a_sign_and_a_word(status: Status, words: str) -> None:
    assert fitted(status, 80).plain.startswith(words)


@pytest.mark.parametrize("width", [80, 40, 30])
def test_what_has_the_keys_stands_before_everything_else(width: int) -> None:
    line = fitted(WRITING, width, mode="TRANSCRIPT")
    assert line.plain.startswith(" TRANSCRIPT  ⠋ writing")
    assert line.cell_length <= width


def test_a_session_that_goes_on_begins_with_its_context_as_full_as_it_was() -> None:
    meter = Meter(Clock())
    meter.open(4096, 1924)
    assert (meter.status.context_used, meter.status.context_size) == (1924, 4096)


def test_a_reader_who_left_the_end_is_told_what_is_new() -> None:
    away = Status(is_following=False, n_new_rows=128)
    assert fitted(away, 80).plain.endswith("↓ 128 new · ^end")


@pytest.mark.parametrize(("used", "style"), [(10, "$text-success"), (80, "$text-warning"), (95, "$text-error")])
def test_the_gauge_warns_before_the_context_is_full(used: int, style: str) -> None:
    line: Content = fitted(Status(context_used=used, context_size=100), 80)
    assert any(span.style == style and "█" in line.plain[span.start : span.end] for span in line.spans)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_speed_is_measured_from_the_first_token_on_and_the_wait_before_it_apart() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.open(4096)
    meter.ask()
    meter.hear(Progress(800, 800))
    for _ in range(11):
        clock.now += 0.5
        meter.hear(Token("x", 1))
    status = meter.status
    assert (status.phase, status.n_tokens, status.first_token_s, status.tokens_per_s) == (Phase.WRITING, 11, 0.5, 2.0)
    assert (status.context_used, status.context_size) == (811, 4096)


def test_the_figures_of_the_engine_replace_the_measured_ones() -> None:
    meter = Meter(Clock())
    meter.open(4096)
    meter.ask()
    meter.hear(Token("x", 1))
    meter.hear(Done("stop", Usage(800, 0, 300, 1100, 2048), Timings(0.1, 0.3, 6.0)))
    status = meter.status
    assert (status.phase, status.n_tokens, status.tokens_per_s, status.first_token_s) == (Phase.READY, 300, 50.0, 0.4)
    assert (status.context_used, status.context_size) == (1100, 2048)


def test_a_stopped_answer_keeps_its_figures() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.open(4096)
    meter.ask()
    for _ in range(3):
        clock.now += 1
        meter.hear(Token("x", 1))
    meter.stop()
    clock.now += 1000
    assert (meter.status.phase, meter.status.n_tokens, meter.status.tokens_per_s) == (Phase.READY, 3, 1.0)


def test_thoughts_count_as_tokens_and_become_a_part_of_the_prompt() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.open(4096)
    meter.ask()
    meter.hear(Progress(800, 800))
    for _ in range(5):
        clock.now += 0.5
        meter.hear(Thinking("x", 1))
    thinking = meter.status
    assert (thinking.phase, thinking.n_tokens, thinking.first_token_s) == (Phase.THINKING, 5, 0.5)
    assert (thinking.tokens_per_s, thinking.context_used) == (2.0, 805)
    meter.hear(Progress(815, 815))
    assert (meter.status.phase, meter.status.n_tokens, meter.status.context_used) == (Phase.READING, 5, 815)
    meter.hear(Token("x", 1))
    assert (meter.status.phase, meter.status.n_tokens, meter.status.context_used) == (Phase.WRITING, 6, 816)
    assert meter.status.first_token_s == 0.5


def test_the_share_of_forced_tokens_is_that_of_the_answer_without_the_thoughts() -> None:
    meter = Meter(Clock())
    meter.ask()
    meter.hear(Thinking("x", 1))
    for is_forced in (True, False, False, True, False):
        meter.hear(Token("x", 1, is_forced, "open"))
    assert (meter.status.bias_state, meter.status.forced_share) == ("open", 0.4)
    meter.hear(Token("x", 1, is_forced=False, bias_state="complete"))
    meter.hear(Done("stop", Usage(8, 0, 7, 15, 2048, 1, 2), Timings(0.1, 0.3, 6.0)))
    assert (meter.status.bias_state, meter.status.forced_share) == ("complete", 2 / 6)
    meter.ask()
    assert (meter.status.bias_state, meter.status.forced_share) == (None, None)


def test_an_answer_without_a_bias_has_no_state_and_no_share() -> None:
    meter = Meter(Clock())
    meter.ask()
    meter.hear(Token("x", 1))
    assert (meter.status.bias_state, meter.status.forced_share) == (None, None)
