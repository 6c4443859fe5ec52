"""The schemas of the original Poly: how they are told from standard ones, and what they become."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator

from poly_engine.bias.dialect import is_original, translate
from poly_engine.errors import InvalidSchema

ORIGINAL_KEYS = ("min", "max", "max_decimals", "max_length", "min_items", "max_items")


def optional(**keys: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({}, optional=keys)


COUNTS = st.none() | st.integers(0, 9)
NUMBERS = optional(min=st.none() | st.integers(), max=st.floats(-9, 9), max_decimals=st.none() | st.integers(0, 6))
STRINGS = optional(max_length=COUNTS, enum=st.none() | st.lists(st.text(), min_size=1, unique=True))
LEAVES = (
    st.sampled_from([{"type": "boolean"}, {"type": "null"}])
    | NUMBERS.map(lambda keys: {"type": "number", **keys})
    | STRINGS.map(lambda keys: {"type": "string", **keys})
)


def arrays_of(items: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[dict[str, object]]:
    counts = optional(min_items=COUNTS, max_items=COUNTS)
    return st.tuples(items, counts).map(lambda drawn: {"type": "array", "items": drawn[0], **drawn[1]})


@st.composite
def objects_of(draw: st.DrawFn, values: st.SearchStrategy[dict[str, object]]) -> dict[str, object]:
    names = st.sampled_from(ORIGINAL_KEYS) | st.text(max_size=3)
    properties = draw(st.dictionaries(names, values, max_size=3))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    return {"type": "object", "properties": properties, "required": required}


SCHEMAS = st.recursive(LEAVES, lambda inner: arrays_of(inner) | objects_of(inner), max_leaves=6)


@st.composite
def original_decimals(draw: st.DrawFn, n_decimals: int) -> str:
    """A number as the original could write it: no 0 in front, no exponent, up to so many digits behind a point."""
    sign = draw(st.sampled_from(["", "-"]))
    whole = draw(st.integers(1, 2**32))
    decimals = draw(st.text("0123456789", max_size=n_decimals))
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def nested(depth: int, innermost: dict[str, object]) -> dict[str, object]:
    schema = innermost
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize("key", ORIGINAL_KEYS)
def test_a_key_that_only_the_original_knows_gives_a_schema_away_at_any_depth(key: str) -> None:
    node = {"type": "number", key: 1}
    assert is_original(node)
    assert is_original({"type": "object", "properties": {"a": {"type": "array", "items": node}}})


@pytest.mark.parametrize("key", ORIGINAL_KEYS)
def test_a_property_that_is_named_like_a_key_of_the_original_is_no_sign_of_it(key: str) -> None:
    assert not is_original({"type": "object", "properties": {key: {"type": "number"}}, "required": [key]})


@pytest.mark.parametrize("keyword", ["const", "default", "enum", "examples"])
def test_values_are_no_sign_of_the_original(keyword: str) -> None:
    value = {"min": 1, "properties": {"a": {"max": 2}}}
    assert not is_original({keyword: [value] if keyword in {"enum", "examples"} else value})


def test_a_property_named_properties_is_walked_as_the_schema_that_it_is() -> None:
    assert is_original({"properties": {"properties": {"type": "number", "max": 3}}})
    assert not is_original({"properties": {"properties": {"type": "string"}}})


def test_a_schema_without_such_a_key_is_standard() -> None:
    assert not is_original({"type": "object", "properties": {"a": {"type": "number", "minimum": 1}}, "items": True})


@pytest.mark.parametrize(
    ("original", "standard"),
    [
        ({"type": "boolean"}, {"type": "boolean"}),
        ({"type": "null"}, {"type": "null"}),
        ({"type": "number"}, {"type": "integer"}),
        ({"type": "number", "min": -1, "max": 2.5}, {"type": "integer", "minimum": -1, "maximum": 2.5}),
        ({"type": "number", "max_decimals": 0}, {"type": "integer"}),
        ({"type": "number", "max_decimals": 2}, {"type": "number", "multipleOf": 0.01}),
        ({"type": "string", "max_length": 3}, {"type": "string", "maxLength": 3}),
        ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
        (
            {"type": "array", "items": {"type": "number"}, "min_items": 1, "max_items": 3},
            {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
        ),
        (
            {"type": "object"},
            {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
        ),
    ],
)
def test_each_type_has_its_translation(original: dict[str, object], standard: dict[str, object]) -> None:
    assert translate(original) == standard


def test_an_object_holds_only_what_is_required_in_that_order() -> None:
    properties = {"a": {"type": "null"}, "max": {"type": "number"}, "c": {"type": "boolean"}}
    schema = translate({"type": "object", "required": ["c", "max"], "properties": properties})
    assert json.dumps(schema["properties"]) == '{"c": {"type": "boolean"}, "max": {"type": "integer"}}'
    assert (schema["required"], schema["additionalProperties"]) == (["c", "max"], False)


def test_null_means_that_a_key_is_not_given() -> None:
    assert is_original({"type": "number", "min": None, "max": None, "max_decimals": None})
    assert translate({"type": "number", "min": None, "max_decimals": None}) == {"type": "integer"}
    assert translate({"type": "string", "max_length": None, "enum": None}) == {"type": "string"}
    assert translate({"const": None, "description": "x"}) == {"const": None, "description": "x"}


def test_annotations_and_standard_keys_stay() -> None:
    node = {"title": "T", "description": "D", "type": "number", "exclusiveMinimum": 1, "max": 3}
    assert translate(node) == {**{key: node[key] for key in node if key != "max"}, "type": "integer", "maximum": 3}
    assert translate({"$ref": "#/$defs/n", "max": 3}) == {"$ref": "#/$defs/n", "maximum": 3}
    assert translate({"type": "number", "multipleOf": 0.5}) == {"type": "number", "multipleOf": 0.5}
    assert translate({"type": "integer", "max_decimals": 2, "max": 3}) == {"type": "integer", "maximum": 3}
    assert translate({"anyOf": [{"type": "null"}], "max_decimals": 0}) == {"anyOf": [{"type": "null"}], "multipleOf": 1}
    assert translate({"type": ["number", "null"], "max": 3}) == {"type": ["number", "null"], "maximum": 3}
    assert translate({"type": "array", "prefixItems": [{}], "max_items": 1})["maxItems"] == 1


def test_a_bound_may_be_any_whole_number() -> None:
    assert translate({"type": "number", "max": 10**400}) == {"type": "integer", "maximum": 10**400}


@pytest.mark.parametrize("n_decimals", range(1, 7))
def test_the_step_of_a_number_is_written_as_the_decimal_that_it_is(n_decimals: int) -> None:
    written = json.dumps(translate({"type": "number", "max_decimals": n_decimals})["multipleOf"])
    assert Decimal(written) == Decimal(10) ** -n_decimals


@given(st.integers(0, 6).flatmap(lambda n: st.tuples(st.just(n), original_decimals(n))))
def test_every_number_that_the_original_could_write_is_accepted(drawn: tuple[int, str]) -> None:
    n_decimals, text = drawn
    schema = json.loads(json.dumps(translate({"type": "number", "max_decimals": n_decimals})), parse_float=Decimal)
    # As decimals on both sides: 1.15 is no multiple of 0.01 in floats.
    value: object = json.loads(text, parse_float=Decimal)
    Draft202012Validator(schema).validate(value)


@given(SCHEMAS)
def test_any_schema_of_the_original_becomes_a_valid_one_without_its_keys(schema: dict[str, object]) -> None:
    translated = translate(schema)
    Draft202012Validator.check_schema(translated)
    assert not is_original(translated)


@pytest.mark.parametrize(
    ("schema", "where", "reason"),
    [
        ({"type": "string", "max_length": -1}, ("max_length",), "-1 is no count: max_length is a whole number"),
        ({"type": "string", "max_length": 1.5}, ("max_length",), "1.5 is no count"),
        ({"type": "string", "max_length": "5"}, ("max_length",), "'5' is no count"),
        ({"type": "array", "items": {"type": "null"}, "min_items": True}, ("min_items",), "True is no count"),
        ({"type": "number", "min": "1"}, ("min",), "'1' is no number: min is one, for instance min = 10"),
        ({"type": "number", "max": True}, ("max",), "True is no number"),
        ({"type": "number", "max": float("nan")}, ("max",), "nan is no number"),
        ({"type": "number", "max_decimals": 7}, ("max_decimals",), "7 decimals are too many: at most 6"),
        ({"type": "number", "min": 1, "minimum": 2}, (), "min and minimum say the same: leave one out"),
        ({"type": "number", "max_decimals": 1, "multipleOf": 2}, (), "max_decimals and multipleOf say the same"),
        ({"type": "string", "max": 3}, (), "max belongs to the type number or integer, and this one is string"),
        ({"max": 3}, (), "the type is missing: boolean, null, number, string, array or object"),
        ({"type": "array"}, (), "items is missing: an array names the schema of its items"),
        ({"type": "array", "items": True}, ("items",), "a schema is missing"),
        ({"type": "object", "properties": [], "required": []}, ("properties",), "properties is no object"),
        ({"type": "object", "properties": {"a": {}}}, (), "required is missing"),
        ({"type": "object", "properties": {}, "required": "a"}, ("required",), "required is no list of names"),
        ({"type": "object", "properties": {}, "required": [1]}, ("required",), "required is no list of names"),
        (
            {"type": "object", "properties": {"age": {"type": "null"}}, "required": ["aeg"]},
            ("required", 0),
            "there is no property aeg (did you mean age?)",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a", "a"]},
            ("required", 1),
            "a is there twice",
        ),
    ],
)
def test_a_mistake_is_named_with_its_path(schema: dict[str, object], where: tuple[str | int, ...], reason: str) -> None:
    outer = {"type": "object", "required": ["x"], "properties": {"x": {"type": "array", "items": schema}}}
    with pytest.raises(InvalidSchema) as caught:
        translate(outer)
    assert caught.value.where == ("properties", "x", "items", *where)
    assert caught.value.reason.startswith(reason)


def test_more_than_sixty_four_levels_are_refused() -> None:
    innermost: dict[str, object] = {"type": "number", "max": 3}
    assert is_original(nested(64, innermost))
    assert translate(nested(64, innermost))["type"] == "array"
    with pytest.raises(InvalidSchema, match="nested too deeply: a schema has at most 64 levels"):
        translate(nested(65, innermost))
    with pytest.raises(InvalidSchema, match="nested too deeply"):
        is_original(nested(10_000, innermost))
