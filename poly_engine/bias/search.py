"""The ways on from a state of a matcher over bytes, the most promising first."""

import heapq
import itertools
from collections import Counter
from collections.abc import Sequence

from llguidance import LLMatcher

from poly_engine.bias.choices import Choices, choices
from poly_engine.bias.matching import LONGEST, completes
from poly_engine.bias.place import Levels, Place

__all__ = ["Search"]

_MARGIN = 1  # which a dearer way to write a member may cost more, and still be followed


class Search:
    """Follows one way at a time, the cheapest first: a choice has its price, and what is forced costs nothing.

    When a member of an array or object is complete, its choices no longer count, so that what lies ahead is followed
    before other ways to write what lies behind; and those that are much dearer are given up. Of the places that look
    alike, in the same member with as much written of it and the same bytes to follow, only the first `n_alike` are
    followed.
    """

    def __init__(
        self, matcher: LLMatcher, endings: Sequence[bytes], alphabet: frozenset[int], n_alike: int = 1
    ) -> None:
        self._endings = endings
        self._alphabet = alphabet
        self._n_alike = n_alike
        self._order = itertools.count()
        self._frontier: list[tuple[int, int, Place, LLMatcher, bytes]] = [(0, next(self._order), Place(), matcher, b"")]
        self._seen: Counter[tuple[Levels, int, bytes]] = Counter()
        self._complete: dict[Levels, int] = {}
        self.error = ""
        """What llguidance said when a way could not be followed, if it did."""

    @property
    def is_over(self) -> bool:
        """Whether all ways were followed."""
        return not self._frontier

    def step(self) -> bytes | None:
        """Follow the cheapest way to where it ends, and return what was written; or to where there is a choice."""
        _, _, place, before, chosen = heapq.heappop(self._frontier)
        state = before.deep_copy()
        state.consume_tokens([*chosen])
        while len(place.text) <= LONGEST and not self._is_outdone(place):
            if forced := state.compute_ff_bytes():
                state.consume_tokens(list(forced))
                place = self._noted(place, place.behind(forced))
            mask = state.compute_bitmask()
            self.error = state.get_error() or self.error
            ways = choices(mask, self._alphabet, n_member=len(place.member), is_thorough=self._n_alike > 1)
            if len(ways.prices) > 1 and self._looks_known(place, mask, is_text=ways.is_text):
                break
            for ending in self._endings:
                if _may_follow(ending, mask) and completes(state, ending):
                    return place.text + ending
            if len(ways.prices) != 1 or not state.consume_tokens([*ways.prices]):
                self._branch(place, state, ways)
                break
            place = self._noted(place, place.behind(bytes(ways.prices)))
        return None

    def _looks_known(self, place: Place, mask: bytes, *, is_text: bool) -> bool:
        """Whether enough places were followed that look like this one."""
        look = place.levels, len(place.member), mask
        self._seen[look] += 1
        return self._seen[look] > (1 if is_text else self._n_alike)

    def _branch(self, place: Place, state: LLMatcher, ways: Choices) -> None:
        for byte, price in ways.prices.items():
            following = self._noted(place, place.chosen(byte, price, is_text=ways.is_text))
            heapq.heappush(self._frontier, (following.cost, next(self._order), following, state, bytes([byte])))

    def _noted(self, before: Place, after: Place) -> Place:
        """Take note if a member became complete on the way."""
        has_ended = after.levels != before.levels and len(after.levels) <= len(before.levels)
        if has_ended and before.is_in_value:
            self._complete.setdefault(before.levels, before.costs[-1])
        return after

    def _is_outdone(self, place: Place) -> bool:
        """Whether the member that is being written, or one around it, has been written for much less."""
        for i in range(len(place.levels)):
            cost = self._complete.get(place.levels[: i + 1])
            if cost is not None and sum(place.costs[i:]) > cost + _MARGIN:
                return True
        return False


def _may_follow(text: bytes, mask: bytes) -> bool:
    return not text or bool(mask[text[0] >> 3] >> (text[0] & 7) & 1)
