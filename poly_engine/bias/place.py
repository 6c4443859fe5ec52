"""Where a text that is written byte by byte stands in its JSON, and what the choices on the way there cost."""

from dataclasses import dataclass, replace
from typing import TypeAlias

__all__ = ["CLOSERS", "COMMA", "QUOTE", "Levels", "Place"]

Levels: TypeAlias = tuple[tuple[int, bytes], ...]
"""For each bracket that is open, how many commas lie behind it, and the key of the member that is being written. In an
object commas are not counted: which members lie behind is of no account for those ahead.
"""

QUOTE, COMMA, COLON = b'",:'
OPENERS, CLOSERS = b"[{", b"]}"

_IN_OBJECT = -1
_OUTSIDE = -1000  # commas: the brackets that were open before the beginning are not known


@dataclass(frozen=True, slots=True)
class Place:
    """How far one way was followed: what was written, and where in the JSON it leads, if it is JSON.

    `member` is what was written of the current member, `costs` what the choices in it cost, for each level.
    """

    text: bytes = b""
    member: bytes = b""
    levels: Levels = ((0, b""),)
    costs: tuple[int, ...] = (0,)

    @property
    def cost(self) -> int:
        """What the choices cost that were made since the last member was complete, on all levels."""
        return sum(self.costs)

    @property
    def is_in_value(self) -> bool:
        """Whether it is known which member is being written: in an object that is behind its key."""
        return self.levels[-1] != (_IN_OBJECT, b"")

    def behind(self, text: bytes) -> "Place":
        """The place after more text."""
        member, levels, costs = self.member, self.levels, self.costs
        for byte in text:
            (n_commas, key), outer = levels[-1], levels[:-1]
            match byte:
                case _ if byte in OPENERS:
                    member, levels, costs = b"", (*levels, (0, b"")), (*costs, 0)
                case _ if byte in CLOSERS:
                    member, levels, costs = b"", outer or ((n_commas + _OUTSIDE, b""),), costs[:-1] or costs
                case _ if byte == COMMA:
                    n_commas += n_commas != _IN_OBJECT
                    member, levels, costs = b"", (*outer, (n_commas, b"")), (*costs[:-1], 0)
                case _ if byte == COLON and not key:
                    member, levels = b"", (*outer, (_IN_OBJECT, member))
                case _:
                    member += bytes([byte])
        return Place(self.text + text, member, levels, costs)

    def chosen(self, byte: int, price: int, *, is_text: bool) -> "Place":
        """The place after a byte that was chosen among others, at a price; in a text, it means nothing."""
        *outer, last = self.costs
        if byte == COMMA and outer and not is_text:
            # One more member, where there could be an end: that counts for what is around it.
            return replace(self.behind(b","), costs=(*outer[:-1], outer[-1] + price, 0))
        costs = (*outer, last + price)
        if is_text or byte == COMMA:
            return Place(self.text + bytes([byte]), self.member + bytes([byte]), self.levels, costs)
        return replace(self, costs=costs).behind(bytes([byte]))
