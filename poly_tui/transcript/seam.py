"""Where a line without end may be cut in two, so that its beginning need not be looked at again."""

from collections.abc import Iterator

__all__ = ["seam"]

FIRST_WIDE = "\u2e80"
"""From here on characters are written without spaces between words."""


def seam(line: str, earliest: int) -> int | None:
    """Return an offset behind `earliest` to cut `line` at: best between words and outside of emphasis, code and links.

    A letter follows, so that the rest of the line is no markup that only has a meaning at the beginning of a line.
    None if there is no such place.
    """
    spots = [offset for offset in range(len(line) - 1, earliest, -1) if line[offset].isalpha()]
    between_words = [offset for offset in spots if _begins_word(line, offset)]
    return next(_balanced(line, between_words), None) or next(iter(between_words + spots), None)


def _begins_word(line: str, offset: int) -> bool:
    return line[offset - 1] == " " or min(line[offset - 1 : offset + 1]) >= FIRST_WIDE


def _balanced(line: str, offsets: list[int]) -> Iterator[int]:
    """Those of `offsets` before which whatever opens seems to be closed."""
    for offset in offsets:
        before = line[:offset]
        is_even = all(before.count(sign) % 2 == 0 for sign in "*_`~")
        if is_even and before.count("[") == before.count("]"):
            yield offset
