"""Which models may be in memory: a budget, who leaves for whom, and when who is not used leaves.

Pure: no clock, no threads, no I/O. Times are given, and what is to be done is told.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["Room", "Stay", "Steps"]


class Place(Enum):
    """Where a model is with regard to the memory."""

    WAITING = "waiting"
    HELD = "held"
    LEAVING = "leaving"
    GONE = "gone"


@dataclass(slots=True, eq=False)
class Stay:
    """A model in memory once, from when it asks for its place until its memory is free again."""

    name: str
    n_bytes: int
    place: Place = Place.WAITING
    idle_since: float = 0.0
    """Counts while nobody uses it."""
    entered: float = 0.0
    """When somebody last began to use it."""
    spared_until: float | None = None
    """Until when nobody makes it leave, once it was loaded; None before."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What is to be done: those that `entered` may take their memory, those that are `leaving` have to give it back.
    Those that are `refused` waited, and do not fit into a budget that became smaller.
    """

    entered: tuple[Stay, ...] = ()
    leaving: tuple[Stay, ...] = ()
    refused: tuple[Stay, ...] = ()


@dataclass(slots=True)
class Room:
    """The memory for models: `budget_bytes` of it, or without end.

    Models that do not fit wait in line, first come, first served. For the first of them those that nobody uses leave,
    the one that was not used for longest first, and none that need not. If that is not enough, it waits for some that
    are in use, which nobody else may begin to use meanwhile: so it waits no longer than those who use them now. All who
    want a model at the moment when it has its place use it together, so that two models that do not fit beside each
    other take turns, and not at every request. Who has a model loaded is about to use it: for `spare_s` it stays for
    that, once.
    """

    budget_bytes: int | None = None
    spare_s: float = 0.0
    _stays: dict[str, Stay] = field(default_factory=dict)
    """Of each name the last one that is not gone; those that wait are in their order."""
    _users: Counter[str] = field(default_factory=Counter)

    def stay(self, name: str) -> Stay | None:
        """The place of a model, if it has or wants one."""
        return self._stays.get(name)

    def n_users(self, name: str) -> int:
        """How many use a model, or wait until it has its place."""
        return self._users[name]

    def may_use(self, name: str, now: float) -> bool:
        """Whether a model may be begun to be used, or asked for. If not, it is about to leave, and then it may."""
        stay = self._stays.get(name)
        if stay is None or stay.place is Place.WAITING:
            return True
        return stay.place is Place.HELD and (_is_spared(stay, now) or stay not in self._wanted_gone())

    def use(self, name: str, now: float) -> None:
        """Somebody begins to use a model, or to wait for it."""
        self._users[name] += 1
        if (stay := self._stays.get(name)) is not None:
            stay.entered = now

    def leave(self, name: str, now: float, *, has_worked: bool = True) -> None:
        """Somebody does not use a model any more, or only had it loaded."""
        self._users[name] -= 1
        assert self._users[name] >= 0, f"{name} is used by nobody"
        if not self._users[name]:
            del self._users[name]
        if (stay := self._stays.get(name)) is not None:
            stay.idle_since = now
            if has_worked:
                stay.spared_until = now
            elif stay.spared_until is None:
                stay.spared_until = now + self.spare_s

    def can_hold(self, n_bytes: int) -> bool:
        """Whether a model of that size fits alone."""
        return self.budget_bytes is None or n_bytes <= self.budget_bytes

    def ask(self, name: str, n_bytes: int) -> Stay:
        """Get in line. The memory that the model had before has to be free."""
        assert name not in self._stays, f"{name} is there already"
        stay = self._stays[name] = Stay(name, n_bytes)
        return stay

    def end(self, stay: Stay) -> None:
        """The memory of a model is free, or it wants none any more. Once more is no harm."""
        if stay.place is not Place.GONE:
            stay.place = Place.GONE
            del self._stays[stay.name]

    def next_steps(self, now: float) -> Steps:
        """What is to be done now. It counts as done, but those that leave are to be ended when their memory is free."""
        refused = [stay for stay in self._at(Place.WAITING) if not self.can_hold(stay.n_bytes)]
        for stay in refused:
            self.end(stay)
        entered: list[Stay] = []
        while (first := self._first()) is not None and self._lacking(first) <= 0:
            first.place, first.idle_since, first.entered = Place.HELD, now, now
            entered.append(first)
        victims = self._wanted_gone()
        if not all(self._is_idle(stay) and not _is_spared(stay, now) for stay in victims):
            victims = []  # none leaves for nothing, should who waits lose patience
        for stay in victims:
            self.expel(stay)
        for stay in (over := self._above_budget()):
            self.expel(stay)
        return Steps(tuple(entered), (*victims, *over), tuple(refused))

    def spared_until(self, now: float) -> float | None:
        """When the next model is not spared any more; None if none is."""
        times = [stay.spared_until for stay in self._at(Place.HELD) if stay.spared_until is not None]
        return min((time for time in times if time > now), default=None)

    def idle(self) -> Sequence[Stay]:
        """Those in memory that nobody uses, first the one that was not used for longest."""
        return sorted(filter(self._is_idle, self._at(Place.HELD)), key=lambda stay: stay.idle_since)

    def names_in_memory(self) -> Sequence[str]:
        """The models that have their place, by name."""
        return sorted(stay.name for stay in self._at(Place.HELD))

    def expel(self, stay: Stay) -> None:
        """Let a model leave that nobody uses."""
        assert self._is_idle(stay), f"{stay.name} is in use"
        stay.place = Place.LEAVING

    def check_integrity(self) -> None:
        """Raise AssertionError if the books are wrong."""
        assert all(name == stay.name and stay.place is not Place.GONE for name, stay in self._stays.items())
        assert all(n > 0 for n in self._users.values())
        assert self._n_taken >= 0

    @property
    def _n_taken(self) -> int:
        """Bytes that are not free, or not yet."""
        return sum(stay.n_bytes for stay in self._stays.values() if stay.place in (Place.HELD, Place.LEAVING))

    def _first(self) -> Stay | None:
        """Whose turn it is: who is waited for, before who was given up, for whom nobody leaves."""
        waiting = self._at(Place.WAITING)
        return next((stay for stay in waiting if self._users[stay.name]), waiting[0] if waiting else None)

    def _at(self, place: Place) -> list[Stay]:
        return [stay for stay in self._stays.values() if stay.place is place]

    def _is_idle(self, stay: Stay) -> bool:
        return stay.place is Place.HELD and not self._users[stay.name]

    def _lacking(self, stay: Stay) -> float:
        """Bytes that are missing for a model to have its place."""
        return -math.inf if self.budget_bytes is None else self._n_taken + stay.n_bytes - self.budget_bytes

    def _wanted_gone(self) -> list[Stay]:
        """Those that have to leave for the first in line: if need be also some that are in use, those first whose last
        use began longest ago, which nobody prolongs.
        """
        if (first := self._first()) is None or not self._users[first.name]:
            return []
        lacking = self._lacking(first) - sum(stay.n_bytes for stay in self._at(Place.LEAVING))
        busy = sorted((stay for stay in self._at(Place.HELD) if not self._is_idle(stay)), key=lambda one: one.entered)
        return _enough([*self.idle(), *busy], lacking)

    def _above_budget(self) -> list[Stay]:
        """Those that leave because the budget has become smaller, and nobody uses them."""
        if self.budget_bytes is None:
            return []
        leaving = sum(stay.n_bytes for stay in self._at(Place.LEAVING))
        over = self._n_taken - leaving - self.budget_bytes
        return _enough(self.idle(), over)


def _is_spared(stay: Stay, now: float) -> bool:
    return stay.spared_until is not None and now < stay.spared_until


def _enough(stays: Sequence[Stay], n_bytes: float) -> list[Stay]:
    """So many of the first that they take `n_bytes` together, and none of them that is not needed for that."""
    chosen: list[Stay] = []
    for stay in stays:
        if sum(one.n_bytes for one in chosen) >= n_bytes:
            break
        chosen.append(stay)
    for stay in chosen[::-1]:
        if sum(one.n_bytes for one in chosen) - stay.n_bytes >= n_bytes:
            chosen.remove(stay)
    return chosen
