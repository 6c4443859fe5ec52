"""Requests to models that share a room, played without time passing by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from poly_engine.holding.room import Room, Stay, Steps

SIZES = {"a": 4, "b": 3, "c": 5, "d": 1}


@dataclass(eq=False, slots=True)
class Request:
    """Somebody who wants to use a model once."""

    name: str
    is_entered: bool = False
    """Whether it counts as one that uses the model or waits for its place."""
    is_served: bool = False
    is_over: bool = False


@dataclass
class World:
    """What stands around a room: who asks, and memory that becomes free later."""

    room: Room
    now: float = 0.0
    requests: list[Request] = field(default_factory=list)
    leaving: list[Stay] = field(default_factory=list)
    evicted: list[str] = field(default_factory=list)
    n_loads: Counter[str] = field(default_factory=Counter)

    def ask(self, name: str) -> Request:
        """Somebody comes."""
        request = Request(name)
        self.requests.append(request)
        self.settle()
        return request

    def finish(self, request: Request) -> None:
        """Somebody is done, or gives up."""
        if request.is_entered and not request.is_over:
            request.is_over = True
            self.room.leave(request.name, self.now)
        request.is_over = True
        self.settle()

    def free(self) -> None:
        """The memory of the model that left first is free."""
        if self.leaving:
            self.room.end(self.leaving.pop(0))
        self.settle()

    def crash(self, name: str) -> None:
        """The memory of a model is free, although it was to stay."""
        stay = self.room.stay(name)
        if stay is not None and name in self.room.names_in_memory():
            self.room.end(stay)
        self.settle()

    def expire(self) -> None:
        """Those that nobody uses leave."""
        for stay in self.room.idle():
            self.room.expel(stay)
            self.leaving.append(stay)
        self.settle()

    def settle(self) -> None:
        """Let in who may enter, and do what the room says, until nothing changes."""
        self.now += 1
        while self._let_in() or self._obey(self.room.next_steps(self.now)):
            self.check()
        for request in self.requests:
            if request.is_entered and not request.is_over and request.name in self.room.names_in_memory():
                request.is_served = True
        self.check()

    def check(self) -> None:
        """Raise AssertionError if what was promised does not hold."""
        self.room.check_integrity()
        held = sum(SIZES[name] for name in self.room.names_in_memory()) + sum(stay.n_bytes for stay in self.leaving)
        assert self.room.budget_bytes is None or held <= self.room.budget_bytes

    @property
    def waiting(self) -> list[Request]:
        """Who was not served yet."""
        return [one for one in self.requests if not one.is_served and not one.is_over]

    @property
    def served(self) -> list[Request]:
        """Who uses a model now."""
        return [one for one in self.requests if one.is_served and not one.is_over]

    def _let_in(self) -> bool:
        has_changed = False
        for request in self.waiting:
            if not request.is_entered and self.room.may_use(request.name, self.now):
                request.is_entered = has_changed = True
                self.room.use(request.name, self.now)
            if request.is_entered and self.room.stay(request.name) is None:
                self.room.ask(request.name, SIZES[request.name])
                has_changed = True
        return has_changed

    def _obey(self, steps: Steps) -> bool:
        for stay in steps.leaving:
            assert not self.room.n_users(stay.name), "who is in use does not leave"
            self.leaving.append(stay)
            self.evicted.append(stay.name)
        self.n_loads.update(stay.name for stay in steps.entered)
        return bool(steps.leaving or steps.entered)
