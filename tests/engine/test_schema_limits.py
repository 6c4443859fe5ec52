"""Schemas that would take too long, never end, or constrain nothing by mistake are refused; none harms the process."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest

from poly_engine.bias.grammar import grammar
from poly_engine.bias.schema import check_limits, leads_to_subschema
from poly_engine.bias.source import read
from poly_engine.errors import InvalidSchema
from poly_engine.types import Bias, BiasKind

NULLS = {"type": "array", "items": {"type": "null"}}


def compiled(schema: object) -> None:
    grammar(Bias("json_schema", schema if isinstance(schema, str) else json.dumps(schema)))


def arrays(depth: int) -> str:
    return '{"type":"array","items":' * depth + "{}" + "}" * depth


def pattern(text: str) -> dict[str, object]:
    return {"type": "string", "pattern": text}


def properties(number: int, n_required: int) -> dict[str, object]:
    names = [f"p{i}" for i in range(number)]
    schemas = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": schemas, "required": names[:n_required]}


def boxes(sizes: list[int]) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    for size in sizes:
        schema = {"type": "array", "items": schema, "minItems": size}
    return schema


def doubling(depth: int) -> dict[str, object]:
    twice = [{"type": "array", "prefixItems": [{"$ref": f"#/$defs/a{i}"}] * 2, "minItems": 2} for i in range(depth)]
    leaf = {"a0": {"type": "null"}}
    return {"$ref": f"#/$defs/a{depth}", "$defs": leaf | {f"a{i}": schema for i, schema in enumerate(twice, 1)}}


def referring(**definitions: object) -> dict[str, object]:
    return {"$ref": "#/$defs/a", "$defs": definitions}


REFUSED: dict[str, tuple[Any, str]] = {
    "a reference to itself": ({"$ref": "#"}, "nothing fits it"),
    "mutual references": (referring(a={"$ref": "#/$defs/b"}, b={"$ref": "#/$defs/a"}), "nothing fits it"),
    "a reference to itself in allOf": (referring(a={"allOf": [{"$ref": "#/$defs/a"}, {"minLength": 1}]}), "circular"),
    "a required object in itself": ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, ""),
    "an array that is never empty in itself": ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, ""),
    "500 levels": (arrays(500), "nested more than 64 levels deep"),
    "30,000 levels": (arrays(30_000), "nested too deeply"),
    "60,000 levels": (arrays(60_000), "longer than 1 MiB"),
    "a pattern of 5,000 groups": (pattern("(" * 5000 + ")" * 5000), "at most 2000 characters long"),
    "maxItems of 64 bits": (NULLS | {"maxItems": 2**64 - 1}, "at most 1000000"),
    "maxItems of more": (NULLS | {"maxItems": 2**70}, "at most 1000000"),
    "minItems of a million": (NULLS | {"minItems": 10**6}, "at most 10000"),
    "minLength of 64 bits": ({"type": "string", "minLength": 2**64 - 1}, "at most 10000"),
    "20,000 properties": (properties(20_000, 0), "at most 2000 properties"),
    "5,000 required properties": (properties(5000, 5000), "at most 2000 properties"),
    "20,000 parts": ({"allOf": [{"title": f"{i}"} for i in range(20_000)]}, "more than 20000 parts"),
    "a huge step": ({"type": "number", "multipleOf": 1e300}, "too many digits"),
    "a tiny step": ({"type": "number", "multipleOf": 1e-300}, "too many digits"),
    "a bound of 400 digits": ({"type": "number", "minimum": 10**400 - 1}, "more digits than can be held exactly"),
    "a bound of 5,000 digits": ('{"minimum": ' + "9" * 5000 + "}", "not JSON"),
    "an infinite bound": ('{"type": "number", "minimum": 1e400}', "more digits than can be held exactly"),
    "a remote reference": ({"$ref": "https://example.com/s.json"}, "another document"),
    "half a character as a value": ('{"const": "\\ud800"}', "not JSON that can be used"),
    "half a character as a name": ({"properties": {"\ud800": {}}}, "not JSON that can be used"),
    "an empty range": ({"type": "integer", "minimum": 3, "maximum": 2}, "Unsatisfiable"),
    "an empty range of lengths": ({"type": "string", "minLength": 3, "maxLength": 2}, "Unsatisfiable"),
    "an empty range of counts": (NULLS | {"minItems": 3, "maxItems": 2}, "Unsatisfiable"),
}
COSTLY: dict[str, Any] = {
    "a star of stars": pattern("(a*)*"),
    "repetitions of repetitions": pattern("(((a{1,100}){1,100}){1,100})"),
    "a million letters": pattern("a{1000000}"),
    "990 nested groups": pattern("(" * 990 + "a" + ")" * 990),
    "an automaton that explodes": pattern("^.*a.{15}b.*c.{15}$"),
    "10,000 items": NULLS | {"minItems": 10_000},
    "10,000 letters": {"type": "string", "minLength": 10_000},
    "100,000 texts": {"enum": [f"text {i}" for i in range(50_000)] + [i * 7 for i in range(50_000)]},
    "2,000 properties": properties(2000, 0),
    "2,000 required properties": properties(2000, 2000),
    "20 objects of 900": {"properties": {f"o{i}": properties(900, 900) for i in range(20)}},
    "any of 3,000 objects": {"anyOf": [properties(1, 1) | {"title": f"{i}"} for i in range(3000)]},
    "any of 3,000 constants": {"anyOf": [{"type": "object", "properties": {"k": {"const": i}}} for i in range(3000)]},
    "one of 500": {"oneOf": [{"properties": {"k": {"const": i}}, "required": ["k"]} for i in range(500)]},
    "all of any": {"allOf": [{"anyOf": [{"minLength": i}, {"maxLength": 99 - i}, pattern("a")]} for i in range(16)]},
    "a prime of 32 bits as a step": {"type": "integer", "multipleOf": 4_294_967_291},
    "a prime of 17 bits as a step": {"type": "integer", "multipleOf": 99_991},
    "2 to the 39 items": doubling(39),
    "100 million items": boxes([100, 100, 100, 100]),
    "10,000 items in boxes": boxes([100, 100]),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("schema", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_held_is_refused(schema: object, reason: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        compiled(schema)
    assert reason in caught.value.reason


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("schema", "n_bytes"),
    [
        ({"type": "string", "minLength": 3000}, 3002),
        ({"type": "array", "items": {"type": "string", "minLength": 60}, "minItems": 20}, 1261),
        ({"type": "array", "items": {"type": "string", "minLength": 10}, "minItems": 200}, 2601),
    ],
)
def test_much_may_be_demanded(schema: object, n_bytes: int) -> None:
    assert len(grammar(Bias("json_schema", json.dumps(schema))).shortest) == n_bytes


@pytest.mark.parametrize(
    ("bias", "shortest"),
    [
        (Bias("choice", '["a long text indeed", "no"]'), "no"),
        (Bias("regex", "a{17}|b"), "b"),
        (Bias.of_schema({"type": "array", "items": {"enum": ["very good", "bad"]}, "minItems": 1}), '["bad"]'),
        (Bias.of_schema({"anyOf": [{"const": "a long text indeed"}, {"type": "null"}]}), "null"),
        (Bias.of_schema({"type": "boolean"}), "true"),
    ],
)
def test_a_limit_is_not_refused_if_any_answer_fits_it(bias: Bias, shortest: str) -> None:
    assert grammar(bias).shortest == shortest.encode()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("schema", COSTLY.values(), ids=COSTLY)
def test_what_is_costly_is_compiled_or_refused_soon(schema: object) -> None:
    with suppress(InvalidSchema):
        compiled(schema)


@pytest.mark.parametrize(
    ("source", "odd"),
    [
        ("start: <[65]>", "<[65]>"),
        ('start: word "."\nword[max_tokens=3]: /[a-z]+/', "max_tokens"),
        ('start: word "."\nword[capture, temperature = 0.5]: /[a-z]+/', "temperature"),
    ],
)
def test_a_grammar_that_depends_on_the_tokens_of_a_model_is_refused(source: str, odd: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        grammar(Bias("lark", source))
    assert caught.value.reason == f"{odd}: not supported, leave it out"


def test_what_only_looks_like_that_is_a_text() -> None:
    written = grammar(
        Bias("lark", 'start: "<[1]>" /max_tokens=/ temperature // max_tokens=3\ntemperature: "!"')
    ).shortest
    assert written == b"<[1]>max_tokens=!"


@pytest.mark.parametrize("kind", get_args(BiasKind))
def test_half_a_character_is_refused(kind: BiasKind) -> None:
    sources = {"choice": '["\\ud800"]', "json_schema": '{"const":"\\ud800"}', "regex": "\ud800"}
    with pytest.raises(InvalidSchema):
        grammar(Bias(kind, sources.get(kind, 'start: "\ud800"')))


def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(InvalidSchema, match="larger than 4 MiB"):
        read(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("misspelt", "keyword"),
    [
        ("maxlength", "maxLength"),
        ("max_length", "maxLength"),
        ("minitems", "minItems"),
        ("MIN-ITEMS", "minItems"),
        ("additional_properties", "additionalProperties"),
        ("one_of", "oneOf"),
        ("Enum", "enum"),
        ("exclusive_minimum", "exclusiveMinimum"),
        ("divisibleBy", "multipleOf"),
        ("disallow", "not"),
        ("extends", "allOf"),
    ],
)
def test_a_misspelt_keyword_is_named_with_its_path(misspelt: str, keyword: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        compiled({"anyOf": [{"type": "null"}, {"items": {misspelt: 3}}]})
    assert caught.value.where == ("anyOf", 1, "items", misspelt)
    assert caught.value.reason == f"unknown keyword; did you mean {keyword}?"


@pytest.mark.parametrize(("key", "keyword"), [("min", "minimum"), ("max", "maximum"), ("max_decimals", "multipleOf")])
@pytest.mark.parametrize("keeper", ["anyOf", "$defs", "additionalProperties"])
def test_a_key_of_the_original_is_named_where_its_dialect_is_not_read(keeper: str, key: str, keyword: str) -> None:
    number = {"type": "number", key: 2}
    within: dict[str, tuple[object, tuple[str | int, ...]]] = {
        "anyOf": ([number], ("anyOf", 0, key)),
        "$defs": ({"n": number}, ("$defs", "n", key)),
        "additionalProperties": (number, ("additionalProperties", key)),
    }
    value, where = within[keeper]
    with pytest.raises(InvalidSchema) as caught:
        compiled({"type": "object", keeper: value})
    assert (caught.value.where, caught.value.reason) == (where, f"unknown keyword; did you mean {keyword}?")


def test_a_dialect_that_is_read_leaves_no_key_of_its_own() -> None:
    compiled({"type": "array", "items": {"type": "number", "min": 0, "max_decimals": 2}, "max_items": 3})


@pytest.mark.parametrize(
    "key", ["x-order", "nullable", "markdownDescription", "Title", "read_only", "$comment", "unit"]
)
def test_other_unknown_keys_are_annotations(key: str) -> None:
    compiled({"type": "string", key: "max_length"})


def test_names_of_properties_and_values_are_no_keywords() -> None:
    compiled({"type": "object", "properties": {"max_length": {"const": {"min": 1}}, "min": {"default": {"max": 1}}}})


@pytest.mark.parametrize(
    ("draft", "keyword", "value"),
    [
        ("http://json-schema.org/draft-04/schema#", "const", 1),
        ("http://json-schema.org/draft-06/schema#", "if", {"type": "string"}),
        ("http://json-schema.org/draft-07/schema#", "prefixItems", [{"type": "string"}]),
        ("http://json-schema.org/draft-07/schema#", "dependentRequired", {"a": ["b"]}),
        ("https://json-schema.org/draft/2019-09/schema", "prefixItems", [{"type": "string"}]),
    ],
)
def test_a_keyword_that_the_named_draft_would_ignore_is_refused(draft: str, keyword: str, value: object) -> None:
    with pytest.raises(InvalidSchema) as caught:
        compiled({"$schema": draft, "items": {keyword: value}})
    assert caught.value.where == ("items", keyword)
    assert "which $schema names" in caught.value.reason


@pytest.mark.parametrize(
    "steps",
    [
        (),
        ("$defs", "any name"),
        ("definitions", "a", "properties", "items"),
        ("items",),
        ("items", "0"),
        ("items", "items", "not"),
        ("allOf", "12", "prefixItems", "0"),
        ("$defs", "x", "$defs", "y", "additionalProperties"),
    ],
)
def test_a_pointer_leads_to_a_subschema_by_keywords(steps: tuple[str, ...]) -> None:
    assert leads_to_subschema(steps)


@pytest.mark.parametrize(
    "steps", [("components", "schemas", "a"), ("$defs",), ("enum", "0"), ("allOf",), ("allOf", "x"), ("",), ("0",)]
)
def test_a_pointer_to_anything_else_leads_nowhere(steps: tuple[str, ...]) -> None:
    assert not leads_to_subschema(steps)


def test_what_a_reference_leads_to_has_been_checked() -> None:
    hidden = NULLS | {"minItems": 10**6}
    check_limits({"components": {"a": hidden}})
    with pytest.raises(InvalidSchema) as caught:
        compiled({"$ref": "#/components/a", "components": {"a": hidden}})
    assert caught.value.where == ("$ref",)
    assert caught.value.reason == "components/a is no place for a schema: put it under $defs"
