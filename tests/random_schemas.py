"""JSON schemas of many kinds, drawn at random: what the tests and the benches of bound answers are run on."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

DEEPEST = 3
PATTERNS = (
    *("^[a-z]{3,9}$", r"^\d{3}-\d{4}$", "^(foo|bar)+$", "[0-9]", "^[A-Z][a-z]*( [A-Z][a-z]*)*$", "^#[0-9a-f]{6}$"),
    *("^[一-龥]{2,5}$", "^(a*)*b$", "^.{5,9}$"),
)
FORMATS = ("date", "time", "date-time", "uuid", "ipv4", "ipv6", "email", "hostname", "duration", "uri")
VALUES = ("a", "bb", "ccc ccc", "ünï", "日本", '"q"', 1, 2.5, None, True, {"x": [1]}, "x" * 25, [1, {"a": None}])
NAMES = ("name", "x", "long_property_name", "日", "a b", 'q"x')


def random_schema(random: Random, depth: int = 0) -> Schema:
    """Return a schema that something short fits; `depth` says how deep in another one it lies."""
    kinds = LEAVES if depth >= DEEPEST else (*LEAVES, *NESTS, *NESTS)
    return random.choice(kinds)(random, depth)


def _text(random: Random, _: int) -> Schema:
    schema: Schema = {"type": "string"}
    if random.random() < 0.4:
        schema["minLength"] = random.randint(0, 12)
    if random.random() < 0.4:
        schema["maxLength"] = schema.get("minLength", 0) + random.randint(0, 20)
    return schema


def _integer(random: Random, _: int) -> Schema:
    low = random.randint(-(10 ** random.randint(0, 9)), 10 ** random.randint(0, 9))
    if random.random() < 0.15:
        return {"type": "integer", "multipleOf": random.randint(2, 30), "minimum": 0}
    bounds = {"minimum": low, "maximum": low + random.randint(0, 10 ** random.randint(0, 6))}
    return {"type": "integer", **{key: value for key, value in bounds.items() if random.random() < 0.6}}


def _number(random: Random, _: int) -> Schema:
    low = round(random.uniform(-100, 100), 2)
    if random.random() < 0.2:
        return {"type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 99}
    bounds = {"minimum": low, "exclusiveMaximum": round(low + random.uniform(1, 50), 2)}
    return {"type": "number", **{key: value for key, value in bounds.items() if random.random() < 0.5}}


def _plain(random: Random, _: int) -> Schema:
    return {"type": random.choice(["boolean", "null", ["string", "null", "integer"]])}


def _enum(random: Random, _: int) -> Schema:
    return {"enum": random.sample(VALUES, random.randint(1, 5))}


def _constant(random: Random, _: int) -> Schema:
    return {"const": random.choice(VALUES)}


def _pattern(random: Random, _: int) -> Schema:
    return {"type": "string", "pattern": random.choice(PATTERNS)}


def _format(random: Random, _: int) -> Schema:
    return {"type": "string", "format": random.choice(FORMATS)}


def _object(random: Random, depth: int) -> Schema:
    names = [f"{name}{i}" for i, name in enumerate(random.choices(NAMES, k=random.randint(0, 6)))]
    schema: Schema = {
        "type": "object",
        "properties": {name: random_schema(random, depth + 1) for name in names},
        "required": [name for name in names if random.random() < 0.6],
    }
    return schema | ({"additionalProperties": False} if random.random() < 0.6 else {})


def _map(random: Random, depth: int) -> Schema:
    return {"type": "object", "additionalProperties": random_schema(random, depth + 1)}


def _array(random: Random, depth: int) -> Schema:
    schema: Schema = {"type": "array", "items": random_schema(random, depth + 1)}
    if random.random() < 0.5:
        schema["minItems"] = random.randint(0, 3)
    if random.random() < 0.5:
        schema["maxItems"] = schema.get("minItems", 0) + random.randint(0, 4)
    if random.random() < 0.2:
        schema["prefixItems"] = [random_schema(random, depth + 1) for _ in range(random.randint(1, 3))]
    return schema


def _any_of(random: Random, depth: int) -> Schema:
    return {"anyOf": [random_schema(random, depth + 1) for _ in range(random.randint(1, 4))]}


def _one_of(random: Random, depth: int) -> Schema:
    def kind(name: str) -> Schema:
        properties = {"kind": {"const": name}, "value": random_schema(random, depth + 1)}
        required = list(properties)
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    return {"oneOf": [kind(f"kind{i}") for i in range(random.randint(1, 3))]}


def _all_of(random: Random, depth: int) -> Schema:
    def part(name: str) -> Schema:
        return {"type": "object", "properties": {name: random_schema(random, depth + 1)}, "required": [name]}

    return {"allOf": [part("a"), part("b")]}


def _recursive(random: Random, depth: int) -> Schema:
    if depth:  # a reference is to the root of the whole
        return _map(random, depth)
    node: Schema = {
        "type": "object",
        "properties": {
            "value": random_schema(random, DEEPEST),
            "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        },
        "required": ["value", "next"],
        "additionalProperties": False,
    }
    return {"$defs": {"node": node}, "$ref": "#/$defs/node"}


Draw: TypeAlias = Callable[[Random, int], Schema]
LEAVES: tuple[Draw, ...] = (_text, _text, _integer, _number, _plain, _enum, _constant, _pattern, _format)
NESTS: tuple[Draw, ...] = (_object, _object, _object, _array, _array, _map, _any_of, _one_of, _all_of, _recursive)
