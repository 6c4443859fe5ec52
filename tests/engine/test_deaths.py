"""How often a worker may die before none is started any more."""

from poly_engine.batch.deaths import Deaths

CAUSE = "it was ended by SIGSEGV"


def test_the_first_death_is_forgiven_and_pauses_grow_up_to_a_minute() -> None:
    deaths, pauses = Deaths(), []
    for time in range(0, 9000, 1000):  # so far apart that they are not too many
        deaths.add(time, 1.0, CAUSE)
        pauses.append(deaths.pause_s(time))
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert deaths.refusal(9000) == ""


def test_a_pause_counts_from_the_death() -> None:
    deaths = Deaths()
    for _ in range(4):
        deaths.add(100.0, 1.0, CAUSE)
    assert [deaths.pause_s(now) for now in (100.0, 103.0, 104.0, 1000.0)] == [4, 1, 0, 0]


def test_a_good_life_makes_a_death_the_first_again() -> None:
    deaths = Deaths()
    for _ in range(3):
        deaths.add(100.0, 1.0, CAUSE)
    deaths.add(200.0, 60.0, CAUSE)
    assert deaths.pause_s(200.0) == 0
    deaths.add(201.0, 1.0, CAUSE)
    assert deaths.pause_s(201.0) == 1


def test_five_deaths_within_ten_minutes_are_too_many_and_it_is_tried_again_after_a_minute() -> None:
    deaths = Deaths()
    for time in (0.0, 100.0, 200.0, 300.0):
        deaths.add(time, 99.0, CAUSE)
        assert deaths.refusal(time) == ""
    deaths.add(600.0, 99.0, CAUSE)
    assert deaths.refusal(610.0) == (
        "it died 5 times within 10 minutes, and is tried again in 50 s; the last time it was ended by SIGSEGV"
    )
    assert deaths.refusal(660.0) == ""
    deaths.add(661.0, 1.0, CAUSE)
    assert deaths.refusal_s(661.0) == 60.0


def test_deaths_long_ago_do_not_count() -> None:
    deaths = Deaths()
    for time in (0.0, 601.0, 602.0, 603.0, 604.0):
        deaths.add(time, 1.0, CAUSE)
    assert deaths.refusal(605.0) == ""
    deaths.add(606.0, 1.0, CAUSE)
    assert deaths.refusal(607.0)
