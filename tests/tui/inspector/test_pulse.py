"""How fast an answer came, in slices."""

from poly_tui.inspector.pulse import MOST_SLICES, Pulse
from tests.tui.inspector.steps import Clock


def test_a_slice_has_the_speed_between_two_beats_and_the_highest_one_is_the_peak() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for n_tokens in (0, 1, 11, 41, 46):
        pulse.beat(n_tokens)
        clock.now += 1.0
    assert pulse.speeds == (10.0, 30.0, 5.0)
    assert pulse.peak == 30.0


def test_beats_within_a_slice_are_one_slice() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for n_tokens in range(1, 12):
        pulse.beat(n_tokens)
        clock.now += 0.125
    assert pulse.speeds == (8.0, 8.0)


def test_nothing_is_known_before_the_first_slice_is_over() -> None:
    pulse = Pulse(Clock())
    pulse.beat(0)
    pulse.beat(5)
    assert (pulse.speeds, pulse.peak) == ((), None)


def test_a_long_answer_is_shown_whole_in_ever_longer_slices_and_keeps_its_peak() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    n_tokens = 1
    for second in range(200):
        pulse.beat(n_tokens)
        n_tokens += 100 if second == 7 else 10
        clock.now += 1.0
    assert len(pulse.speeds) <= MOST_SLICES
    assert pulse.peak == 100.0
    assert max(pulse.speeds) < 100.0
    assert pulse.speeds[-1] == 10.0
