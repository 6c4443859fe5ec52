"""The short notation for schemas: what it expands to, and what it says about mistakes."""

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator

from poly_engine.bias.notation import expand
from poly_engine.errors import InvalidSchema

TYPES = {
    "str": "string",
    "string": "string",
    "int": "integer",
    "integer": "integer",
    "num": "number",
    "number": "number",
    "float": "number",
    "bool": "boolean",
    "boolean": "boolean",
    "null": "null",
}
WORDS = st.from_regex(r"[a-z_][a-z0-9_-]{0,7}", fullmatch=True)
CHOICES = st.lists(WORDS.filter(lambda word: word not in TYPES), min_size=2, max_size=4, unique=True).map("|".join)
SIMPLE = st.sampled_from(sorted(TYPES)) | CHOICES


def fields_of(types: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Lists of fields, with all that may be left out and all separators."""
    field = st.tuples(WORDS, st.sampled_from(["", "?"]), types.map(" {}".format) | st.just(""), DESCRIPTIONS)
    fields = st.lists(field, min_size=1, max_size=4, unique_by=lambda parts: parts[0])
    return st.tuples(fields.map(lambda all_parts: ["".join(parts) for parts in all_parts]), SEPARATORS).map(
        lambda drawn: drawn[1].join(drawn[0])
    )


SEPARATORS = st.sampled_from([",", ", ", "\n", " \n\n ", ",\n"])
DESCRIPTIONS = st.just("") | st.from_regex(r":[a-z ]{0,8}!", fullmatch=True)
NESTED = st.recursive(
    SIMPLE,
    lambda inner: inner.map("[{}]".format) | fields_of(inner).map(lambda text: "{" + text + "}"),
    max_leaves=4,
)


def closed(properties: dict[str, object], *optional: str) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def reason(text: str) -> str:
    with pytest.raises(InvalidSchema) as caught:
        expand(text)
    return str(caught.value)


def test_fields_become_the_required_properties_of_a_closed_object_in_order() -> None:
    schema = expand("name, age int, tags [str]")
    tags = {"type": "array", "items": {"type": "string"}}
    assert schema == closed({"name": {"type": "string"}, "age": {"type": "integer"}, "tags": tags})
    assert list(schema["properties"]) == schema["required"] == ["name", "age", "tags"]  # type: ignore[call-overload]


@pytest.mark.parametrize(("short", "standard"), TYPES.items())
def test_every_type_has_a_short_name_and_goes_by_its_standard_name_too(short: str, standard: str) -> None:
    assert expand(f"a {short}") == closed({"a": {"type": standard}})


@pytest.mark.parametrize("text", ["a,b int", "a\nb int", "\n a ,\n\n b int \n", "a\r\nb int\r\n", "a\n, b int"])
def test_commas_and_newlines_both_separate_fields(text: str) -> None:
    assert expand(text) == closed({"a": {"type": "string"}, "b": {"type": "integer"}})


def test_a_question_mark_makes_a_field_optional() -> None:
    schema = expand("name, note? str, age ? int, more?")
    assert schema["required"] == ["name"]
    assert list(schema["properties"]) == ["name", "note", "age", "more"]  # type: ignore[call-overload]


def test_words_between_bars_are_a_choice() -> None:
    assert expand('a red|green | "very blue"') == closed(
        {"a": {"type": "string", "enum": ["red", "green", "very blue"]}}
    )


def test_a_quoted_word_of_a_choice_may_be_the_name_of_a_type() -> None:
    assert expand('a "int"|text') == closed({"a": {"type": "string", "enum": ["int", "text"]}})


def test_objects_and_arrays_nest_over_several_lines() -> None:
    item = closed({"name": {"type": "string"}, "sizes": {"type": "array", "items": {"type": "number"}}})
    assert expand("shop {\n  street\n  goods [\n    {name, sizes [num]}\n  ]\n}") == closed(
        {"shop": closed({"street": {"type": "string"}, "goods": {"type": "array", "items": item}})}
    )


def test_the_whole_text_may_be_an_array() -> None:
    assert expand("[str]") == {"type": "array", "items": {"type": "string"}}
    assert expand(" [ {name, age int} ]\n") == {
        "type": "array",
        "items": closed({"name": {"type": "string"}, "age": {"type": "integer"}}),
    }
    assert expand("[[red|green]]")["items"] == {"type": "array", "items": {"type": "string", "enum": ["red", "green"]}}


def test_a_colon_starts_a_description_that_ends_with_the_field() -> None:
    assert expand('age int: in "years": [1] {2}, name:the name\nb: ') == closed(
        {
            "age": {"type": "integer", "description": 'in "years": [1] {2}'},
            "name": {"type": "string", "description": "the name"},
            "b": {"type": "string"},
        }
    )


def test_a_description_inside_braces_ends_at_the_brace() -> None:
    assert expand("[{age int: in years }]")["items"] == closed({"age": {"type": "integer", "description": "in years"}})
    assert expand("a {b: one}: two") == closed(
        {"a": {**closed({"b": {"type": "string", "description": "one"}}), "description": "two"}}
    )


def test_names_in_quotes_hold_any_character() -> None:
    assert list(expand('"first, name"? str, "$ref" int, größe')["properties"]) == [  # type: ignore[call-overload]
        "first, name",
        "$ref",
        "größe",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no schema, at character 1 of the schema: write for instance name, age int, tags [str]"),
        (" \n ", "there is no schema, at character 4"),
        (",", "the name of a field is missing, at character 1"),
        ("a,,b", "the name of a field is missing, at character 3"),
        ("a, ", "the name of a field is missing, at character 4"),
        ('""', "the name of a field is missing, at character 1"),
        ("{name}", "the name of a field is missing, at character 1"),
        ("a {}", "the name of a field is missing, at character 4"),
        ("a #", "a comma is missing before #, at character 3 of the schema: as in name str, age int"),
        ("a strr", "there is no type strr (did you mean str?), at character 3"),
        ("a int str", "a comma is missing before str, at character 7"),
        ("a, b, a int", "there are two fields a, at character 7"),
        ('"a', "the quote is not closed, at character 1"),
        ("a []", "a type or a word is missing, at character 4"),
        ("a red|", "a type or a word is missing, at character 7"),
        ("a red|red", "red is there twice, at character 7"),
        ("a str|null", 'str is a type and no word of a choice, at character 3 of the schema: write "str" in quotes'),
        ('a "red"', "red is a single word, at character 3"),
        ("a: int", "int is a type, not a description, at character 2 of the schema: write int without the colon"),
        ("a [int", "] is missing, at character 7 of the schema: it closes the [ at character 3"),
        (
            "[int, str]",
            "] is missing, at character 5 of the schema: it closes the [ at character 1; an array of objects",
        ),
        ("a {b, c", "} is missing, at character 8 of the schema: it closes the { at character 3"),
        ("a {b [int}", "] is missing, at character 10"),
        ("a}", "} does not belong here, at character 2"),
        ("[str], a", ", does not belong here, at character 6"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(text: str, said: str) -> None:
    assert reason(text).startswith(said)


def test_sixteen_levels_are_the_most() -> None:
    assert expand("[" * 16 + "int" + "]" * 16)["type"] == "array"
    assert reason("[" * 17 + "int" + "]" * 17).startswith("the schema is nested too deeply, at character 17")
    assert "nested too deeply" in reason("a{" * 100_000)


@given(fields_of(NESTED))
def test_any_list_of_fields_expands_to_a_valid_schema(text: str) -> None:
    schema = expand(text)
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"


@given(
    st.text() | st.text('ab ,\n?:|[]{}"') | st.lists(st.sampled_from(["a", " ", "int", *',\n?:|[]{}"'])).map("".join)
)
def test_any_text_is_a_valid_schema_or_a_mistake(text: str) -> None:
    try:
        schema = expand(text)
    except InvalidSchema:
        return
    Draft202012Validator.check_schema(schema)
