"""What is known of a turn besides its texts, as JSON holds it: put down while the answer comes, and read again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TypeAlias

from poly_engine.types import Hit

__all__ = ["Facts", "forced_of", "hits_of", "note_forced", "recalled_fact", "thought_fact", "thought_of"]

Facts: TypeAlias = Mapping[str, object]

_TRACE = ("vector_rank", "vector_score", "words_rank", "words_score")
"""How a hit was found is of no use any more once it is said."""


def recalled_fact(hits: Sequence[Hit]) -> list[dict[str, object]]:
    """What was recalled for an answer, such that its citations can be opened again."""
    return [
        {"origin": hit.origin}
        | {name: value for name, value in asdict(hit).items() if name not in _TRACE}
        | {"score": round(hit.score, 4)}
        for hit in hits
    ]


def hits_of(facts: Facts) -> tuple[Hit, ...]:
    """The sources of an answer, in the order of their numbers."""
    recalled = facts.get("recalled")
    return tuple(_hit(one) for one in recalled if isinstance(one, dict)) if isinstance(recalled, list) else ()


def thought_fact(n_tokens: int, duration_s: float) -> dict[str, object]:
    """How much was thought, and how long, before the answer."""
    return {"n_tokens": n_tokens, "duration_s": round(duration_s, 2)}


def thought_of(facts: Facts) -> tuple[int, float] | None:
    """The tokens that were thought, and the seconds; None if they were not counted."""
    match facts.get("thought"):
        case {"n_tokens": int(n_tokens), "duration_s": int() | float() as duration_s}:
            return n_tokens, duration_s
    return None


def forced_of(facts: Facts) -> tuple[tuple[int, int], ...]:
    """The spans of the answer that the model had no choice about."""
    spans = facts.get("forced")
    return tuple(filter(None, map(_span, spans))) if isinstance(spans, list) else ()


def note_forced(facts: dict[str, object], start: int, end: int) -> None:
    """Put down that the model had no choice about the next span of its answer."""
    spans = facts.setdefault("forced", [])
    assert isinstance(spans, list)
    if spans and spans[-1][1] == start:
        spans[-1] = spans[-1][0], end
    else:
        spans.append((start, end))


def _span(value: object) -> tuple[int, int] | None:
    match value:
        case [int(start), int(end)]:
            return start, end
    return None


def _hit(fact: Mapping[str, object]) -> Hit:
    return Hit(
        text=_text(fact, "text"),
        source=_text(fact, "source"),
        score=float(_number(fact, "score") or 0),
        place=int(_number(fact, "place") or 0),
        start=int(_number(fact, "start") or 0),
        end=int(_number(fact, "end") or 0),
        title=_text(fact, "title"),
        headings=_texts(fact, "headings"),
        first_page=_page(fact, "first_page"),
        last_page=_page(fact, "last_page"),
    )


def _text(fact: Mapping[str, object], name: str) -> str:
    return str(fact.get(name, ""))


def _texts(fact: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = fact.get(name)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _number(fact: Mapping[str, object], name: str) -> int | float | None:
    value = fact.get(name)
    return value if isinstance(value, int | float) else None


def _page(fact: Mapping[str, object], name: str) -> int | None:
    number = _number(fact, name)
    return None if number is None else int(number)
