"""Schemas through which an answer could slip that does not fit them: what llguidance compiles, but not exactly."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import unquote

from poly_engine.bias.keywords import is_of_an_older_draft
from poly_engine.bias.schema import Where, leads_to_subschema, subschemas
from poly_engine.errors import InvalidSchema

__all__ = ["check_gaps"]

_Node: TypeAlias = Mapping[str, Any]  # JSON

_LARGEST_EXACT = 1 << 53
_LARGEST_EXPONENT = 22  # its reader takes powers of ten from a table, and rounds twice for what lies beyond
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_CONTROL = frozenset(map(chr, (*range(0x20), 0x7F))) - frozenset("\b\t\n\f\r")
"""Characters that only \\u could write, which names of properties must not use: see grammar.py."""


def check_gaps(schema: object) -> None:
    """Raise InvalidSchema, with the path, for what would be compiled to a grammar that lets other answers pass."""
    is_older = is_of_an_older_draft(schema)
    for where, node in subschemas(schema):
        _check_bounds(node, where)
        _check_values(node, where)
        _check_names(node, where)
        _check_reference(node, where)
        if not is_older:
            _check_items(node, where)


def _check_bounds(node: _Node, where: Where) -> None:
    for key in _BOUNDS:
        _check_number(node.get(key, 0), (*where, key))
        if isinstance(node.get(key), bool):
            raise InvalidSchema("must be a number, the bound itself", (*where, key))
    numbers = {key: node[key] for key in _BOUNDS if isinstance(node.get(key), int | float)}
    least = [numbers[key] for key in ("minimum", "exclusiveMinimum") if key in numbers]
    most = [numbers[key] for key in ("maximum", "exclusiveMaximum") if key in numbers]
    # It writes the part behind the point as optional there, by which the excluded number itself is allowed.
    low, high = numbers.get("exclusiveMinimum"), numbers.get("exclusiveMaximum")
    if low is not None and low >= 0 and low % 1 == 0 and any(low < bound < low + 1 for bound in most):
        raise InvalidSchema("cannot be held beside a maximum that is less than 1 away", (*where, "exclusiveMinimum"))
    if high is not None and high <= 0 and high % 1 == 0 and any(high - 1 < bound < high for bound in least):
        raise InvalidSchema("cannot be held beside a minimum that is less than 1 away", (*where, "exclusiveMaximum"))


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
