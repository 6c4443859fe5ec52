"""The schema dialect of the original Poly, translated to standard JSON schema (draft 2020-12).

    number    min, max, max_decimals    without max_decimals an integer
    string    max_length, enum          max_length counted bytes there and counts characters here
    array     items, min_items, max_items
    object    required, properties      only what is required is produced, in that order
    boolean, null

What that program could produce, its slips aside, fits the translation: decimals were at most max_decimals digits behind
a point and never an exponent, and such a number is a multiple of 10 to the power of -max_decimals. Its files
may hold null for a key that is not given.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from reprlib import repr as shortened
from typing import TypeAlias

from poly_engine.errors import InvalidSchema, suggestion

_Path: TypeAlias = tuple[str | int, ...]

_STANDARD_NAMES = {
    "min": "minimum",
    "max": "maximum",
    "max_decimals": "multipleOf",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
}
_KEYS_OF_TYPE = {
    "number": {"min", "max", "max_decimals"},
    "integer": {"min", "max", "max_decimals"},
    "string": {"max_length"},
    "array": {"min_items", "max_items"},
}
_COUNTS = _STANDARD_NAMES.keys() - {"min", "max"}
_MAY_BE_NULL = {*_STANDARD_NAMES, "enum"}
_STANDS_FOR_A_TYPE = {"$ref", "allOf", "anyOf", "const", "enum", "oneOf"}
_MOST_LEVELS = 64
_MOST_DECIMALS = 6


def is_original(schema: Mapping[str, object]) -> bool:
    """Whether any node of a schema has a key that only the dialect knows; names of properties are no keys.

    Raises InvalidSchema if the schema is nested more than 64 levels deep.
    """
    return any(not _STANDARD_NAMES.keys().isdisjoint(node) for node in _nodes(schema, (), 0))


def translate(schema: Mapping[str, object]) -> dict[str, object]:
    """Return the standard schema for one in the dialect; standard keys beside those of the dialect stay as they are.

    Raises InvalidSchema, with the path, for what the dialect does not allow and for more than 64 levels.
    """
    return _translated(schema, (), 0)


def _nodes(node: Mapping[str, object], where: _Path, level: int) -> Iterator[Mapping[str, object]]:
    _check_level(where, level)
    yield node
    for path, child in _children(node):
        if isinstance(child, Mapping):
            yield from _nodes(child, where + path, level + 1)


def _children(node: Mapping[str, object]) -> Iterator[tuple[_Path, object]]:
    properties = node.get("properties")
    if isinstance(properties, Mapping):
        for name, child in properties.items():
            yield ("properties", name), child
    yield ("items",), node.get("items")


def _translated(node: object, where: _Path, level: int) -> dict[str, object]:
    _check_level(where, level)
    if not isinstance(node, Mapping):
        raise InvalidSchema("a schema is missing: write for instance {type: string}", where)
    given = {key: value for key, value in node.items() if value is not None or key not in _MAY_BE_NULL}
    _check_keys(given, where)
    checked = {key: _checked(key, value, where) for key, value in given.items()}
    translated = {_STANDARD_NAMES.get(key, key): value for key, value in checked.items() if key != "max_decimals"}
    kind = given.get("type")
    if kind == "number" or "max_decimals" in given:
        translated |= _decimals(given, where)
    if kind == "array" or "items" in given:
        translated |= _items(given, where, level)
    if kind == "object" or "properties" in given:
        translated |= _properties(given, where, level)
    return translated


def _check_level(where: _Path, level: int) -> None:
    if level > _MOST_LEVELS:
        raise InvalidSchema(f"nested too deeply: a schema has at most {_MOST_LEVELS} levels", where)


def _check_keys(given: Mapping[str, object], where: _Path) -> None:
    """See to it that there is a type, that each key of the dialect suits it, and that none is there by both names."""
    kind = given.get("type")
    if kind is None and _STANDS_FOR_A_TYPE.isdisjoint(given):
        raise InvalidSchema("the type is missing: boolean, null, number, string, array or object", where)
    for key in (key for key in given if key in _STANDARD_NAMES):
        if _STANDARD_NAMES[key] in given:
            raise InvalidSchema(f"{key} and {_STANDARD_NAMES[key]} say the same: leave one out", where)
        if isinstance(kind, str) and key not in _KEYS_OF_TYPE.get(kind, set()):
            owners = " or ".join(owner for owner, keys in _KEYS_OF_TYPE.items() if key in keys)
            raise InvalidSchema(f"{key} belongs to the type {owners}, and this one is {kind}: leave it out", where)


def _checked(key: str, value: object, where: _Path) -> object:
    if key in {"min", "max"} and not _is_number(value):
        raise InvalidSchema(f"{shortened(value)} is no number: {key} is one, for instance {key} = 10", (*where, key))
    if key in _COUNTS and not _is_count(value):
        raise InvalidSchema(f"{shortened(value)} is no count: {key} is a whole number, 0 or more", (*where, key))
    return value


def _is_number(value: object) -> bool:
    # TOML has inf and nan, which JSON cannot write; isfinite fails on integers that are no float.
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and isfinite(value))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _decimals(given: Mapping[str, object], where: _Path) -> dict[str, object]:
    """The type or the step that holds a number to its decimals; one that has a step of its own keeps it."""
    kind, n_decimals = given.get("type"), given.get("max_decimals", 0)
    assert isinstance(n_decimals, int), "it was checked with the other keys"
    if "multipleOf" in given:
        return {}
    if n_decimals > _MOST_DECIMALS:
        raise InvalidSchema(f"{n_decimals} decimals are too many: at most {_MOST_DECIMALS}", (*where, "max_decimals"))
    if kind == "integer" or (kind == "number" and n_decimals == 0):
        return {"type": "integer"}
    # Read from text: json writes the nearest float to a short decimal as that decimal, which 0.1**6 is not.
    return {"multipleOf": float(f"1e-{n_decimals}") if n_decimals else 1}


def _items(given: Mapping[str, object], where: _Path, level: int) -> dict[str, object]:
    if "items" in given:
        return {"items": _translated(given["items"], (*where, "items"), level + 1)}
    if "prefixItems" in given:
        return {}
    raise InvalidSchema("items is missing: an array names the schema of its items", where)


def _properties(given: Mapping[str, object], where: _Path, level: int) -> dict[str, object]:
    """An object of the required properties, in the order of `required`; the others were never produced."""
    properties = given.get("properties", {})
    if not isinstance(properties, Mapping):
        raise InvalidSchema("properties is no object: it maps names to schemas", (*where, "properties"))
    required = _required(given, properties, where)
    return {
        "properties": {
            name: _translated(properties[name], (*where, "properties", name), level + 1) for name in required
        },
        "required": required,
        "additionalProperties": given.get("additionalProperties", False),
    }


def _required(given: Mapping[str, object], properties: Mapping[str, object], where: _Path) -> list[str]:
    if "required" not in given and properties:
        raise InvalidSchema("required is missing: it lists the properties to produce, in their order", where)
    required = given.get("required", [])
    if not isinstance(required, list | tuple) or not all(isinstance(name, str) for name in required):
        raise InvalidSchema("required is no list of names", (*where, "required"))
    seen: set[str] = set()
    for index, name in enumerate(required):
        if name not in properties:
            hint = suggestion(name, properties)
            raise InvalidSchema(f"there is no property {name}{hint}", (*where, "required", index))
        if name in seen:
            raise InvalidSchema(f"{name} is there twice: name it once", (*where, "required", index))
        seen.add(name)
    return list(required)
