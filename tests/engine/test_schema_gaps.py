"""Where a grammar could let an answer pass that does not fit, the schema is refused, or the way is closed."""

from __future__ import annotations

import json

import pytest
from llguidance import LLMatcher

from poly_engine.bias.grammar import grammar
from poly_engine.bias.matching import byte_tokenizer, completes
from poly_engine.bias.verify import fault
from poly_engine.errors import InvalidSchema
from poly_engine.types import Bias


def bias(schema: object) -> Bias:
    return Bias("json_schema", schema if isinstance(schema, str) else json.dumps(schema))


def accepts(schema: object, text: str) -> bool:
    return completes(LLMatcher(byte_tokenizer(), grammar(bias(schema)).text, log_level=0), text.encode())


@pytest.mark.parametrize(
    ("schema", "where", "reason"),
    [
        ({"const": 2**53 + 1}, ("const",), "has more digits than can be held exactly"),
        ({"enum": ["a", 123456789012345678]}, ("enum", 1), "has more digits"),
        ({"const": {"a": [1.5963494716426923]}}, ("const", "a", 0), "has more digits"),
        ({"const": 4.55119205873642e-09}, ("const",), "has more digits"),
        ({"type": "integer", "maximum": 2**63 - 1}, ("maximum",), "has more digits"),
        ({"exclusiveMinimum": 0, "maximum": 0.5}, ("exclusiveMinimum",), "cannot be held beside a maximum"),
        ({"exclusiveMinimum": 3, "exclusiveMaximum": 3.5}, ("exclusiveMinimum",), "cannot be held beside a maximum"),
        ({"exclusiveMaximum": 0, "minimum": -0.5}, ("exclusiveMaximum",), "cannot be held beside a minimum"),
        ({"minimum": 5, "exclusiveMinimum": True}, ("exclusiveMinimum",), "must be a number"),
        ({"allOf": [{"exclusiveMinimum": 0}, {"maximum": 0.5}]}, ("allOf", 0, "exclusiveMinimum"), "cannot be held"),
        ({"allOf": [{"multipleOf": 65537}, {"multipleOf": 65539}]}, ("allOf", 1, "multipleOf"), "is too large beside"),
        ({"enum": ["a\x7f"]}, ("enum", 0), "has a control character"),
        ({"const": {"a": "\x00"}}, ("const", "a"), "has a control character"),
        ({"minProperties": 2}, ("minProperties",), "cannot be held, since one name could be given twice"),
        ({"minProperties": 3, "required": ["a", "a"]}, ("minProperties",), "cannot be held"),
        ({"items": [{"type": "null"}]}, ("items",), "a list of schemas is written prefixItems"),
        ({"prefixItems": [{"type": "null"}], "additionalItems": False}, ("additionalItems",), "is written items"),
        ({"pattern": "^[[:alpha:]]+$"}, ("pattern",), "[ in a set has more than one meaning"),
        ({"pattern": r"[\[a][a&&b]"}, ("pattern",), "&& in a set"),
        ({"patternProperties": {"^[a-z--b]": {}}}, ("patternProperties", "^[a-z--b]"), "-- in a set"),
        ({"pattern": "^[^]a]$"}, ("pattern",), "] in a set"),
        ({"x-guidance": {"json_allowed_escapes": "u"}}, ("x-guidance", "json_allowed_escapes"), "would let answers"),
    ],
)
def test_what_would_let_other_answers_pass_is_refused(
    schema: dict[str, object], where: tuple[str | int, ...], reason: str
) -> None:
    with pytest.raises(InvalidSchema) as caught:
        grammar(bias(schema))
    assert (caught.value.where, caught.value.reason[: len(reason)]) == (where, reason)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"const": 2**53}, "9007199254740992"),
        ({"enum": [0.1, -123456.789]}, "-123456.789"),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, "0.5"),
        ({"exclusiveMinimum": 0, "maximum": 1.5}, "1.5"),
        ({"prefixItems": [{"exclusiveMinimum": 0}, {"maximum": 0.5}]}, "[1,0.5]"),
        ({"allOf": [{"type": "integer", "multipleOf": 4}, {"multipleOf": 6}]}, "12"),
        ({"exclusiveMinimum": -0.5, "maximum": 0}, "0"),
        ({"const": '\n\t\\"é😀'}, r'"\n\t\\\"é😀"'),
        ({"minProperties": 2, "required": ["a"]}, '{"a":1,"b":2}'),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}]}, "[null,1]"),
    ],
)
def test_what_can_be_held_is_not_refused(schema: dict[str, object], text: str) -> None:
    assert accepts(schema, text)
    assert not fault(bias(schema), text)


@pytest.mark.parametrize("name", [r"\u0061", r"\u0041"])
def test_a_name_cannot_be_written_otherwise_to_evade_its_schema(name: str) -> None:
    schema = {"properties": {"a": {"type": "integer"}, "A": {"type": "integer"}}, "additionalProperties": True}
    assert accepts(schema, '{"b":"x"}')
    assert not accepts(schema, f'{{"{name}":"x"}}')


def test_why_a_part_is_refused_is_said_of_that_part() -> None:
    names = {"a b": {"$anchor": "n", "type": "string"}, "%/~": {"contains": {}}, "c": {"$ref": "#n"}}
    with pytest.raises(InvalidSchema) as caught:
        grammar(bias({"$id": "http://example.com/s", "properties": names}))
    assert (caught.value.where, caught.value.reason) == (
        ("properties", "%/~"),
        "contains: not supported, leave it out",
    )


@pytest.mark.parametrize(
    "text", ["1e99999999999999999999", "-0.1e-99999999999999999999", "9" * 60, "[" * 9000 + "]" * 9000]
)
def test_an_answer_that_is_hard_to_read_is_left_to_the_grammar(text: str) -> None:
    schema = {"anyOf": [{"type": ["number", "array"]}, {"type": "number", "multipleOf": 0.01}]}
    assert not fault(bias(schema), text)


def test_a_step_is_checked_however_long_the_number_is() -> None:
    schema = {"type": "integer", "multipleOf": 3}
    assert not fault(bias(schema), "3" * 4000)
    assert "is not a multiple of 3" in fault(bias(schema), "3" * 3999 + "1")


def test_an_integer_that_nobody_reads_is_a_fault() -> None:
    assert fault(bias({"type": "integer"}), "3" * 5000).startswith("it has a number that cannot be read")


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"pattern": r"^\p{L}+$"}, '"été"'),  # which Python cannot read
        ({"pattern": r"^(?<first>a)+$"}, '"aa"'),
        ({"pattern": r"^\W$"}, '"é"'),  # which Python takes for a letter, and JSON schema does not
        ({"pattern": "^((a+)+c|a+b)$"}, f'"{"a" * 40}b"'),  # which Python would look at for hours
        ({"pattern": r"^[\[\]a-]+$"}, '"[a]-"'),
        ({"patternProperties": {r"^\p{Lu}": {"const": 1}}, "additionalProperties": False}, '{"Ab":1}'),
        (
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "patternProperties": {r"^\pL": {"$ref": "#"}},
                "additionalProperties": False,
            },
            '{"Ab":{"B":{}}}',
        ),
    ],
)
def test_patterns_that_python_reads_otherwise_are_no_fault(schema: dict[str, object], text: str) -> None:
    assert accepts(schema, text)
    assert not fault(bias(schema), text)
