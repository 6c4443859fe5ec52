"""The JSON-Schema-Test-Suite, and what our grammars make of each group of its cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product
from pathlib import Path
from typing import Any, TypeAlias

from llguidance import LLMatcher

from poly_engine.bias.grammar import grammar
from poly_engine.bias.matching import byte_tokenizer
from poly_engine.errors import InvalidSchema
from poly_engine.types import Bias

FOLDER = Path(__file__).parent / "json_schema_suite"

Json: TypeAlias = Any  # what the json module reads
Accepts: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Case:
    """An instance, in JSON with the keys of its objects in every order, and whether it fits the schema."""

    description: str
    texts: tuple[str, ...]
    is_valid: bool

    def is_accepted(self, accepts: Accepts) -> bool:
        """Whether it is accepted in some order: a grammar fixes one, which is not always that of the instance."""
        return any(map(accepts, self.texts))


@dataclass(frozen=True, slots=True)
class Group:
    """The cases of one schema. `keyword` names the file: each file is about one."""

    keyword: str
    description: str
    bias: Bias
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a group: its schema was refused, or some of its cases (none, ideally) ended differently."""

    group: Group
    refusal: InvalidSchema | None = None
    let_pass: tuple[str, ...] = ()
    turned_down: tuple[str, ...] = ()

    @property
    def is_enforced(self) -> bool:
        """Whether everything is as the suite says."""
        return not (self.refusal or self.let_pass or self.turned_down)


def groups(keyword: str) -> Iterator[Group]:
    """Yield the groups of a file."""
    for group in json.loads((FOLDER / f"{keyword}.json").read_text(encoding="utf-8")):
        cases = (Case(case["description"], _texts(case["data"]), case["valid"]) for case in group["tests"])
        yield Group(keyword, group["description"], Bias.of_schema(group["schema"]), tuple(cases))


@cache
def outcomes(keyword: str) -> tuple[Outcome, ...]:
    """Return what becomes of each group of a file over single bytes."""
    return tuple(map(_outcome, groups(keyword)))


def keywords() -> list[str]:
    """Return the names of all files."""
    return sorted((path.stem for path in FOLDER.glob("*.json")), key=str.lower)


def differences(group: Group, accepts: Accepts) -> Outcome:
    """Compare what is accepted with what the suite says."""
    wrong = [case for case in group.cases if case.is_accepted(accepts) != case.is_valid]
    return Outcome(
        group,
        let_pass=tuple(case.description for case in wrong if not case.is_valid),
        turned_down=tuple(case.description for case in wrong if case.is_valid),
    )


def _outcome(group: Group) -> Outcome:
    try:
        matcher = LLMatcher(byte_tokenizer(), grammar(group.bias).text, log_level=0)
    except InvalidSchema as refusal:
        return Outcome(group, refusal)
    end = byte_tokenizer().eos_token
    return differences(group, lambda text: fits(matcher, [*text.encode(), end]))


def fits(matcher: LLMatcher, tokens: list[int]) -> bool:
    """Whether a matcher takes all tokens, of which the last one ends the text."""
    return matcher.validate_tokens(tokens) == len(tokens)


def _texts(instance: Json) -> tuple[str, ...]:
    # Compact, since that is how answers are written.
    return tuple(json.dumps(value, separators=(",", ":"), ensure_ascii=False) for value in _orders(instance))


def _orders(value: Json) -> Iterator[Json]:
    """Yield a value with the keys of all objects in it in every order."""
    if isinstance(value, dict):
        for keys in permutations(value):
            for children in product(*(tuple(_orders(value[key])) for key in keys)):
                yield dict(zip(keys, children, strict=True))
    elif isinstance(value, list):
        yield from map(list, product(*map(tuple, map(_orders, value))))
    else:
        yield value
