"""What is known of a turn besides its texts, as JSON holds it: put down while the answer comes, and read again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias, get_args

from poly_engine.types import BiasState, Dropped, DropReason, Hit, Timings, Usage

__all__ = [
    "MOST_DROPPED",
    "Facts",
    "Measured",
    "dropped_fact",
    "dropped_of",
    "forced_of",
    "hits_of",
    "measured_fact",
    "measured_of",
    "note_forced",
    "recalled_fact",
    "thought_fact",
    "thought_of",
    "timings_of",
    "usage_of",
]

Facts: TypeAlias = Mapping[str, object]

MOST_DROPPED = 20
LONGEST_DROPPED = 500
"""Of what was left out, so many are kept, and so many characters of each."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of an answer while it came, for when the engine does not tell: it was stopped, or failed."""

    speeds: tuple[float, ...] = ()
    peak: float | None = None
    n_tokens: int | None = None
    tokens_per_s: float | None = None
    first_token_s: float | None = None
    forced_share: float | None = None
    bias_state: BiasState | None = None
    context_used: int | None = None
    context_size: int | None = None


def measured_fact(measured: Measured) -> dict[str, object]:
    """What was measured of an answer."""
    return _rounded(asdict(measured)) | {"speeds": [round(speed, 1) for speed in measured.speeds]}


def measured_of(facts: Facts) -> Measured:
    """What was measured of an answer, as far as it is there."""
    fact = facts.get("measured")
    if not isinstance(fact, dict):
        return Measured()
    speeds, state = fact.get("speeds"), fact.get("bias_state")
    return Measured(
        speeds=tuple(float(one) for one in speeds if isinstance(one, int | float)) if isinstance(speeds, list) else (),
        peak=_number(fact, "peak"),
        n_tokens=_count(fact, "n_tokens"),
        tokens_per_s=_number(fact, "tokens_per_s"),
        first_token_s=_number(fact, "first_token_s"),
        forced_share=_number(fact, "forced_share"),
        bias_state=state if state in get_args(BiasState) else None,
        context_used=_count(fact, "context_used"),
        context_size=_count(fact, "context_size"),
    )


def usage_of(facts: Facts) -> Usage | None:
    """The tokens that the engine counted; None of an answer that it did not bring to an end."""
    fact = facts.get("usage")
    if not isinstance(fact, dict):
        return None
    return Usage(
        prompt_tokens=_count(fact, "prompt_tokens") or 0,
        cached_tokens=_count(fact, "cached_tokens") or 0,
        completion_tokens=_count(fact, "completion_tokens") or 0,
        context_tokens=_count(fact, "context_tokens") or 0,
        context_size=_count(fact, "context_size") or 0,
        thinking_tokens=_count(fact, "thinking_tokens") or 0,
        forced_tokens=_count(fact, "forced_tokens") or 0,
    )


def timings_of(facts: Facts) -> Timings | None:
    """The seconds that the engine measured."""
    fact = facts.get("timings")
    if not isinstance(fact, dict):
        return None
    names = ("queued_s", "prefill_s", "decode_s")
    return Timings(*(float(_number(fact, name) or 0) for name in names))


def recalled_fact(hits: Sequence[Hit]) -> list[dict[str, object]]:
    """What was recalled for an answer, such that its citations can be opened again, and it is seen why."""
    return [_hit_fact(hit) for hit in hits]


def dropped_fact(dropped: Sequence[Dropped]) -> list[dict[str, object]]:
    """What was found and left out, and why."""
    return [
        {"reason": one.reason} | _hit_fact(replace(one.hit, text=_cut(one.hit.text))) for one in dropped[:MOST_DROPPED]
    ]


def dropped_of(facts: Facts) -> tuple[Dropped, ...]:
    """What was found for an answer and left out."""
    dropped = facts.get("dropped")
    kept = [one for one in dropped if isinstance(one, dict)] if isinstance(dropped, list) else []
    return tuple(Dropped(_hit(one), one["reason"]) for one in kept if one.get("reason") in get_args(DropReason))


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


def _hit_fact(hit: Hit) -> dict[str, object]:
    return {"origin": hit.origin} | {name: value for name, value in _rounded(asdict(hit)).items() if value is not None}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_DROPPED else f"{text[: LONGEST_DROPPED - 1]}…"


def _rounded(fact: Mapping[str, object]) -> dict[str, object]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in fact.items()}


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
        first_page=_count(fact, "first_page"),
        last_page=_count(fact, "last_page"),
        vector_rank=_count(fact, "vector_rank"),
        vector_score=_number(fact, "vector_score"),
        words_rank=_count(fact, "words_rank"),
        words_score=_number(fact, "words_score"),
    )


def _text(fact: Mapping[str, object], name: str) -> str:
    return str(fact.get(name, ""))


def _texts(fact: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = fact.get(name)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _number(fact: Mapping[str, object], name: str) -> int | float | None:
    value = fact.get(name)
    return value if isinstance(value, int | float) else None


def _count(fact: Mapping[str, object], name: str) -> int | None:
    number = _number(fact, name)
    return None if number is None else int(number)
