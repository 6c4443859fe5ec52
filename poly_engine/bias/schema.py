"""JSON schemas as trees: their subschemas with the paths to them, and the limits that keep a hostile one harmless."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from poly_engine.errors import InvalidSchema

__all__ = ["Where", "check_limits", "leads_to_subschema", "subschemas"]

Where: TypeAlias = tuple[str | int, ...]
"""The way to a subschema: keys and indices."""

_ONE = (
    *("items", "additionalItems", "unevaluatedItems", "contains"),
    *("additionalProperties", "unevaluatedProperties", "propertyNames"),
    *("not", "if", "then", "else", "contentSchema"),
)
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems", "items")

_DEEPEST = 64
_MOST_SUBSCHEMAS = 20_000
_MOST_PROPERTIES = 2_000  # of one object: what it takes to compile them grows with the square
_LONGEST_PATTERN = 2_000
_LARGEST_MINIMUM = 10_000
_LARGEST_MAXIMUM = 1_000_000
_LIMITS = {
    "minItems": _LARGEST_MINIMUM,
    "minLength": _LARGEST_MINIMUM,
    "minProperties": _LARGEST_MINIMUM,
    "maxItems": _LARGEST_MAXIMUM,
    "maxLength": _LARGEST_MAXIMUM,
    "maxProperties": _LARGEST_MAXIMUM,
}


def subschemas(schema: object) -> Iterator[tuple[Where, Mapping[str, Any]]]:
    """Yield all subschemas that are objects with the way to each, the outer before the inner: the whole comes first."""
    waiting: list[tuple[Where, object]] = [((), schema)]
    while waiting:
        where, node = waiting.pop()
        if isinstance(node, Mapping):
            yield where, node
            waiting += reversed([((*where, *step), child) for step, child in _children(node)])


def _children(node: Mapping[str, Any]) -> Iterator[tuple[Where, object]]:
    for key, value in node.items():
        if key in _ONE and isinstance(value, Mapping):
            yield (key,), value
        elif key in _BY_NAME and isinstance(value, Mapping):
            yield from (((key, name), child) for name, child in value.items())
        elif key in _SEVERAL and isinstance(value, Sequence) and not isinstance(value, str):
            yield from (((key, i), child) for i, child in enumerate(value))


def leads_to_subschema(steps: Sequence[str]) -> bool:
    """Whether a pointer of such steps leads from a schema to one that `subschemas` knows, whatever stands there."""
    i = 0
    while i < len(steps):
        is_named = steps[i] in _BY_NAME or (steps[i] in _SEVERAL and "".join(steps[i + 1 : i + 2]).isdecimal())
        if not is_named and steps[i] not in _ONE:
            return False
        i += 2 if is_named else 1
    return i == len(steps)


def check_limits(schema: object) -> None:
    """Raise InvalidSchema for what could take too long, or too much memory, to compile."""
    for n_subschemas, (where, node) in enumerate(subschemas(schema), 1):
        if n_subschemas > _MOST_SUBSCHEMAS:
            raise InvalidSchema(f"the schema has more than {_MOST_SUBSCHEMAS} parts: split it, or demand less")
        if len(where) > 2 * _DEEPEST:
            raise InvalidSchema(f"the schema is nested more than {_DEEPEST} levels deep, which is not supported")
        if len(_names(node.get("properties"))) > _MOST_PROPERTIES:
            raise InvalidSchema(f"an object has at most {_MOST_PROPERTIES} properties", (*where, "properties"))
        for key, limit in _LIMITS.items():
            value = node.get(key)
            if isinstance(value, int | float) and value > limit:
                raise InvalidSchema(f"must be at most {limit}", (*where, key))
        patterns = {("pattern",): node.get("pattern")} | {
            ("patternProperties", name): name for name in _names(node.get("patternProperties"))
        }
        for key_path, pattern in patterns.items():
            if isinstance(pattern, str) and len(pattern) > _LONGEST_PATTERN:
                raise InvalidSchema(f"must be at most {_LONGEST_PATTERN} characters long", (*where, *key_path))


def _names(table: object) -> tuple[str, ...]:
    return tuple(table) if isinstance(table, Mapping) else ()
