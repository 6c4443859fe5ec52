"""Texts in parts: what the chunks of a document hold of it is not kept twice."""

from collections.abc import Iterable

__all__ = ["joined", "rest"]


def rest(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """What of a text is in no span, each of which is a start and an end."""
    parts, end = [], 0
    for first, last in sorted(spans):
        parts.append(text[end:first])
        end = max(end, last)
    return "".join([*parts, text[end:]])


def joined(remaining: str, chunks: Iterable[tuple[int, str]]) -> str:
    """The text of which `remaining` is the rest; each of `chunks` begins at a place of it."""
    parts, end, taken = [], 0, 0
    for start, chunk in sorted(chunks):
        if start > end:
            parts.append(remaining[taken : taken + start - end])
            taken += start - end
            end = start
        parts.append(chunk[end - start :])
        end = max(end, start + len(chunk))
    return "".join([*parts, remaining[taken:]])
