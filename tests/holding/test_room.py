"""Who may be in memory, and who leaves for whom."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from poly_engine.holding.room import Room
from tests.holding.script import SIZES, World

NAMES = st.sampled_from(sorted(SIZES))
ACTIONS = st.one_of(
    st.tuples(st.just("ask"), NAMES),
    st.tuples(st.just("crash"), NAMES),
    st.tuples(st.sampled_from(["finish", "give up"]), st.integers(0, 9)),
    st.tuples(st.sampled_from(["free", "expire"])),
)


def play(world: World, action: tuple[str, ...] | tuple[str, int]) -> None:
    match action:
        case ("ask", str(name)):
            world.ask(name)
        case ("crash", str(name)):
            world.crash(name)
        case ("finish", int(n)) if world.served:
            world.finish(world.served[n % len(world.served)])
        case ("give up", int(n)) if world.waiting:
            world.finish(world.waiting[n % len(world.waiting)])
        case ("free",):
            world.free()
        case ("expire",):
            world.expire()


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([5, 6, 8, 10, 13, None]), st.lists(ACTIONS, max_size=60))
def test_whatever_happens_the_budget_is_kept_and_everybody_is_served(
    budget: int | None, script: list[tuple[str, ...] | tuple[str, int]]
) -> None:
    world = World(Room(budget))
    for action in script:
        play(world, action)
    for _ in range(4 * len(script) + 4):  # nobody comes any more, and everybody has an end
        for request in world.served:
            world.finish(request)
        world.free()
    assert not world.waiting


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abd"), min_size=1, max_size=30))
def test_a_crowd_before_one_model_does_not_keep_another_one_out(crowd: list[str]) -> None:
    world = World(Room(5))
    first = [world.ask("a") for _ in range(3)]
    late = world.ask("c")
    for name in crowd:
        world.ask(name)
    for request in first:
        assert not late.is_served
        world.finish(request)
    while world.leaving:
        world.free()
    assert late.is_served
    assert world.n_loads["c"] == 1


def test_the_one_that_was_not_used_for_longest_leaves_first() -> None:
    world = World(Room(8))
    for name in "abd":  # 4 + 3 + 1
        world.finish(world.ask(name))
    world.finish(world.ask("a"))
    world.ask("c")
    assert world.evicted == ["b", "a"]  # 5 are needed: with d in place of the one or the other it would not be enough


def test_none_leaves_that_need_not() -> None:
    world = World(Room(10))
    for name in "dab":  # 1 + 4 + 3 of 10
        world.finish(world.ask(name))
    world.ask("c")  # 5: there are 2, so that 3 are needed; d was not used for longest, but would not be enough
    assert world.evicted == ["a"]


def test_one_in_use_is_waited_for_and_nobody_else_may_begin_to_use_it() -> None:
    world = World(Room(5))
    using = world.ask("a")
    waiting, after = world.ask("b"), world.ask("a")
    assert not world.evicted
    world.finish(using)
    assert world.evicted == ["a"]
    assert not waiting.is_served
    world.free()
    assert (waiting.is_served, after.is_served) == (True, False)
    world.finish(waiting)
    world.free()
    assert after.is_served


def test_one_that_waits_does_not_hold_up_those_that_it_does_not_need() -> None:
    world = World(Room(9))
    for name in "ac":
        world.ask(name)
    waiting, other = world.ask("b"), world.ask("c")
    assert (waiting.is_served, other.is_served) == (False, True)


def test_two_models_that_do_not_fit_take_turns_and_not_at_every_request() -> None:
    world = World(Room(5))
    world.ask("a")
    for name in "bababa":
        world.ask(name)
    while world.served or world.leaving:
        for request in world.served:
            world.finish(request)
        world.free()
    assert not world.waiting
    assert world.n_loads == {"a": 2, "b": 1}


def test_who_is_given_up_sends_nobody_away() -> None:
    world = World(Room(5))
    using, given_up = world.ask("a"), world.ask("b")
    world.finish(given_up)
    world.finish(using)
    assert not world.evicted
    assert world.ask("a").is_served


def test_who_has_a_model_loaded_comes_to_use_it_before_it_leaves() -> None:
    room = Room(5, spare_s=2)
    room.use("a", 0)
    stay = room.ask("a", 4)
    assert room.next_steps(0).entered == (stay,)
    room.use("b", 1)
    room.ask("b", 3)
    room.leave("a", 1, has_worked=False)
    assert not room.next_steps(1).leaving
    assert room.spared_until(1) == 3
    assert room.may_use("a", 2.9)
    room.use("a", 2.9)
    room.leave("a", 5)
    assert room.next_steps(5).leaving == (stay,)


def test_who_only_has_a_model_loaded_again_and_again_keeps_nobody_out() -> None:
    room = Room(5, spare_s=2)
    room.use("a", 0)
    stay = room.ask("a", 4)
    room.next_steps(0)
    room.use("b", 0)
    room.ask("b", 3)
    for now in (0.5, 1.0, 1.5):
        room.leave("a", now, has_worked=False)
        room.use("a", now)
    room.leave("a", 2, has_worked=False)
    assert not room.next_steps(2.4).leaving
    assert not room.may_use("a", 2.5)
    assert room.next_steps(2.5).leaving == (stay,)


def test_a_smaller_budget_sends_away_who_is_idle_and_refuses_who_never_fits() -> None:
    world = World(Room(12))
    world.finish(world.ask("a"))
    using = world.ask("b")
    world.room.budget_bytes = 3
    steps = world.room.next_steps(world.now)
    assert [stay.name for stay in steps.leaving] == ["a"]
    assert using.is_served
    world.room.end(steps.leaving[0])
    world.finish(using)
    large, small = world.room.ask("c", SIZES["c"]), world.room.ask("d", SIZES["d"])
    world.room.end(world.room.stay("b") or large)
    steps = world.room.next_steps(world.now)
    assert (steps.refused, steps.entered) == ((large,), (small,))
    assert not world.room.can_hold(SIZES["c"])
