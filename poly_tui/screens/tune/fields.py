"""The fields of a task, as the schema of the configuration describes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias

from poly_engine.config.describe import schema

__all__ = ["BIASER", "MEMORY", "MODEL", "OVERRIDABLE", "Field", "Kind", "Scale", "Where", "fields", "scale_of"]

Where: TypeAlias = tuple[str, ...]
"""The way to a value in the table of a task: one key, or two where a table lies in it."""

MODEL: Where = ("model",)
BIASER: Where = ("biaser",)
MEMORY: Where = ("memorization", "memory")

OVERRIDABLE = frozenset(
    {
        "max_tokens",
        "seed",
        "temperature",
        "top_k",
        "top_p",
        "min_p",
        "repeat_penalty",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty_last_n",
        "stop_sequences",
    }
)
"""What a single turn can set in place of its task, also of one that a server has."""


class Kind(Enum):
    """What sort of value a field takes, and so how it is changed."""

    TEXT = "text"
    TEXTS = "a list of texts"
    NAME = "a name"
    SWITCH = "yes or no"
    WHOLE = "a whole number"
    NUMBER = "a number"
    BIASER = "what the answer has to look like"

    @property
    def is_number(self) -> bool:
        """Whether it can be stepped up and down."""
        return self in (Kind.WHOLE, Kind.NUMBER)


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a task: where it stands, and what the configuration says about it."""

    where: Where
    kind: Kind
    about: str
    default: object = None
    low: float | None = None
    high: float | None = None
    is_open: bool = False
    """Whether `low` itself is too low."""
    is_required: bool = False

    @property
    def name(self) -> str:
        """The name as one says it: memorization.retrieve."""
        return ".".join(self.where)

    @property
    def limits(self) -> str:
        """The range of a number in words, nothing if it has none."""
        if self.low is None or self.high is None:
            return ""
        return f"{'more than ' if self.is_open else ''}{self.low:g} to {_short(self.high)}"

    def clamped(self, value: float) -> float:
        """The nearest number that the field takes, to four decimals."""
        low = float("-inf") if self.low is None else self.low
        high = float("inf") if self.high is None else self.high
        least = low + 0.01 if self.is_open else low
        nearest = min(max(value, least), high)
        return round(nearest) if self.kind is Kind.WHOLE else round(nearest, 4)


@dataclass(frozen=True, slots=True)
class Scale:
    """The stretch of numbers that a slider shows, and its steps. Numbers beyond it can still be set."""

    low: float
    high: float
    step: float
    big_step: float

    def share(self, value: float) -> float:
        """Where a value lies, from 0 at the left to 1 at the right end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


_SCALES: Mapping[str, Scale] = {
    "temperature": Scale(0, 2, 0.05, 0.25),
    "top_k": Scale(0, 100, 1, 10),
    "top_p": Scale(0, 1, 0.01, 0.1),
    "min_p": Scale(0, 1, 0.01, 0.1),
    "repeat_penalty": Scale(0.8, 1.8, 0.01, 0.1),
    "frequency_penalty": Scale(-2, 2, 0.1, 0.5),
    "presence_penalty": Scale(-2, 2, 0.1, 0.5),
    "repetition_penalty_last_n": Scale(0, 512, 8, 64),
}
"""The schema says what is possible, which goes far beyond what is of use."""

_COUNT = Scale(0, 2048, 1, 16)


def scale_of(field: Field) -> Scale | None:
    """The slider of a field; None for a number without a useful end, such as a seed."""
    return _SCALES.get(field.name)


def steps_of(field: Field) -> tuple[float, float]:
    """A step, and a big one."""
    scale = scale_of(field) or _COUNT
    return scale.step, scale.big_step


@lru_cache(maxsize=1)
def fields() -> tuple[Field, ...]:
    """All fields of a task, in the order of the schema. Reading it takes a tenth of a second, once."""
    definitions: Any = schema()["$defs"]  # JSON
    return tuple(_fields(definitions["TaskConfig"], (), definitions))


def _fields(table: Any, within: Where, definitions: Any) -> Iterator[Field]:  # JSON
    for name, described in table["properties"].items():
        where = (*within, name)
        if "$ref" in described and where != BIASER:
            yield from _fields(definitions[described["$ref"].rpartition("/")[2]], where, definitions)
        else:
            yield Field(
                where,
                _kind(where, described),
                described["description"],
                described.get("default"),
                described.get("minimum", described.get("exclusiveMinimum")),
                described.get("maximum"),
                "exclusiveMinimum" in described,
                name in table.get("required", ()),
            )


def _kind(where: Where, described: Mapping[str, object]) -> Kind:
    if where == BIASER:
        return Kind.BIASER
    if where in (MODEL, MEMORY):
        return Kind.NAME
    return _KINDS[str(described["type"])]


_KINDS = {
    "string": Kind.TEXT,
    "array": Kind.TEXTS,
    "boolean": Kind.SWITCH,
    "integer": Kind.WHOLE,
    "number": Kind.NUMBER,
}


def _short(number: float) -> str:
    return f"{number:g}" if number < 1e6 else f"{round(number):,}".replace(",", " ")
