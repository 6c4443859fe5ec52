"""Schemas through which an answer could slip that does not fit them: what llguidance compiles, but not exactly."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from math import prod
from typing import Any, TypeAlias
from urllib.parse import unquote

from poly_engine.bias.keywords import is_of_an_older_draft
from poly_engine.bias.schema import Where, leads_to_subschema, subschemas
from poly_engine.errors import InvalidSchema

__all__ = ["check_gaps"]

_Node: TypeAlias = Mapping[str, Any]  # JSON

_LARGEST_EXACT = 1 << 53
_LARGEST_EXPONENT = 22  # its reader takes powers of ten from a table, and rounds twice for what lies beyond
_LARGEST_STEP = 1 << 31  # it counts in 32 bits what a number has to be a multiple of
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_CONTROL = frozenset(map(chr, (*range(0x20), 0x7F))) - frozenset("\b\t\n\f\r")
"""Characters that only \\u writes, which is switched off in grammar.py: they would be dropped from a text."""

_SET = re.compile(r"\\.|\[(?P<set>\^?\]?(?:\\.|[^\]\\])*)", re.DOTALL)
_ODD = re.compile(r"\^?(?P<first>\])|(?:\\.|[^\\])*?(?P<sign>\[|&&|--|~~)", re.DOTALL)
"""A set of a regular expression, and what llguidance takes for a set within it, or for a sign of it."""


def check_gaps(schema: object) -> None:
    """Raise InvalidSchema, with the path, for what would be compiled to a grammar that lets other answers pass."""
    is_older = is_of_an_older_draft(schema)
    nodes = list(subschemas(schema))
    for where, node in nodes:
        _check_bounds(node, where)
        _check_values(node, where)
        _check_names(node, where)
        _check_patterns(node, where)
        _check_reference(node, where)
        if not is_older:
            _check_items(node, where)
    _check_merged(nodes)


def _check_bounds(node: _Node, where: Where) -> None:
    for key in _BOUNDS:
        _check_number(node.get(key, 0), (*where, key))
        if isinstance(node.get(key), bool):
            raise InvalidSchema("must be a number, the bound itself", (*where, key))
    _check_exclusion(node, [node], where)


def _check_exclusion(node: _Node, beside: Sequence[_Node], where: Where) -> None:
    """The bounds of a node, `beside` those of others that may be merged with it, leave out what they exclude.

    Between a whole number and a bound that is less than 1 away, llguidance takes the part behind the point as optional,
    by which the excluded number itself is allowed.
    """
    low, high = _number(node, "exclusiveMinimum"), _number(node, "exclusiveMaximum")
    least = [_number(other, key) for other in beside for key in ("minimum", "exclusiveMinimum")]
    most = [_number(other, key) for other in beside for key in ("maximum", "exclusiveMaximum")]
    if low is not None and low >= 0 and low % 1 == 0 and any(bound and low < bound < low + 1 for bound in most):
        raise InvalidSchema("cannot be held beside a maximum that is less than 1 away", (*where, "exclusiveMinimum"))
    if high is not None and high <= 0 and high % 1 == 0 and any(bound and high - 1 < bound < high for bound in least):
        raise InvalidSchema("cannot be held beside a minimum that is less than 1 away", (*where, "exclusiveMaximum"))


def _check_merged(nodes: Sequence[tuple[Where, _Node]]) -> None:
    """Where subschemas are merged, any may meet any other: what would go wrong then is refused for all of them."""
    if not any("allOf" in node or ({"$ref", "anyOf", "oneOf"} & node.keys() and len(node) > 1) for _, node in nodes):
        return
    for where, node in nodes:
        _check_exclusion(node, [other for _, other in nodes], where)
    steps = {where: Decimal(str(step)) for where, node in nodes if (step := _number(node, "multipleOf"))}
    n_decimals = max((-int(step.as_tuple().exponent) for step in steps.values()), default=0)
    largest = sorted({step.scaleb(n_decimals) for step in steps.values()})[-2:]
    if len(largest) == 2 and prod(largest) > _LARGEST_STEP:
        raise InvalidSchema("is too large beside the other steps", (*max(steps, key=steps.__getitem__), "multipleOf"))


def _number(node: _Node, key: str) -> float | None:
    value = node.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _check_values(node: _Node, where: Where) -> None:
    for key in {"const", "enum"} & node.keys():
        for path, value in _leaves(node[key], (*where, key)):
            _check_number(value, path)
            if isinstance(value, str) and not _CONTROL.isdisjoint(value):
                raise InvalidSchema("has a control character that cannot be written", path)


def _leaves(value: object, where: Where) -> Iterator[tuple[Where, object]]:
    waiting: list[tuple[Where, object]] = [(where, value)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict):
            waiting += [((*path, key), child) for key, child in node.items()]
        elif isinstance(node, list):
            waiting += [((*path, i), child) for i, child in enumerate(node)]
        else:
            yield path, node


def _check_number(value: object, where: Where) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    written = Decimal(json.dumps(value))
    _, digits, exponent = written.as_tuple()
    is_exact = isinstance(exponent, int) and abs(exponent) <= _LARGEST_EXPONENT and len(digits) <= 16
    if not is_exact or abs(written.scaleb(-int(exponent))) > _LARGEST_EXACT:
        raise InvalidSchema("has more digits than can be held exactly: make it a text, or shorten it", where)


def _check_names(node: _Node, where: Where) -> None:
    least, required = node.get("minProperties"), node.get("required")
    n_required = len({name for name in required if isinstance(name, str)}) if isinstance(required, list) else 0
    if isinstance(least, int) and least > n_required + 1:
        raise InvalidSchema(
            "cannot be held, since one name could be given twice: list names under required", (*where, "minProperties")
        )


def _check_patterns(node: _Node, where: Where) -> None:
    """Refuse sets within sets, which JSON schema does not have: there they are made of the signs that write them."""
    named = node.get("patternProperties")
    names = named if isinstance(named, Mapping) else ()
    patterns: dict[Where, object] = {("patternProperties", name): name for name in names}
    patterns["pattern",] = node.get("pattern")
    for path, pattern in patterns.items():
        for found in _SET.finditer(pattern) if isinstance(pattern, str) else ():
            if odd := _ODD.match(found["set"] or ""):
                sign = odd["first"] or odd["sign"]
                reason = f"{sign} in a set has more than one meaning: put a backslash before it"
                raise InvalidSchema(reason, (*where, *path))


def _check_reference(node: _Node, where: Where) -> None:
    reference = node.get("$ref")
    _, _, pointer = reference.partition("#/") if isinstance(reference, str) else ("", "", "")
    steps = [unquote(step).replace("~1", "/").replace("~0", "~") for step in pointer.split("/")] if pointer else []
    if not leads_to_subschema(steps):
        raise InvalidSchema(f"{pointer[:80]} is no place for a schema: put it under $defs", (*where, "$ref"))


def _check_items(node: _Node, where: Where) -> None:
    if isinstance(node.get("items"), list):
        raise InvalidSchema("a list of schemas is written prefixItems", (*where, "items"))
    if "additionalItems" in node:
        raise InvalidSchema("is written items, beside prefixItems", (*where, "additionalItems"))
