"""Lists, schemas and answers as texts: read, checked at their place, compared."""

import json

import pytest
from hypothesis import given, strategies as st

from poly_tui.screens.tune.differences import changed_lines, compare
from poly_tui.screens.tune.lists import BadText, format_texts, parse_texts, quoted
from poly_tui.screens.tune.places import place_of, places
from poly_tui.screens.tune.schemas import KINDS, biaser_of, fault_of, text_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1)))
def test_texts_come_back_from_their_lines(texts: list[str]) -> None:
    assert parse_texts(format_texts(texts)) == tuple(texts)


def test_an_escape_that_there_is_not_is_refused_at_its_place() -> None:
    with pytest.raises(BadText, match=r"\\q stands for nothing") as caught:
        parse_texts("fine\nnot \\q")
    assert (caught.value.row, caught.value.column) == (1, 4)


def test_a_quoted_text_is_one_row_without_control_codes() -> None:
    assert quoted('a\n"b"\x1b') == '"a\\n\\"b\\"\\u001b"'


@given(JSON, st.sampled_from([None, 2]))
def test_every_value_of_a_json_text_has_its_place(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    found = places(text)
    rows = text.split("\n")
    for path in _paths(value):
        row, column = found[path]
        key = path[-1] if path else None
        assert rows[row][column:].startswith(json.dumps(key) if isinstance(key, str) else _first(value, path))


def _paths(value: object, before: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(path for key, child in children for path in _paths(child, (*before, key)))]


def _first(value: object, path: tuple[str | int, ...]) -> str:
    for key in path:
        value = value[key]  # type: ignore[index]
    return json.dumps(value)[:1]


def test_a_path_that_leads_too_far_ends_at_what_is_there() -> None:
    assert place_of('{\n "a": [1]}', ("a", 0, "x")) == (1, 7)
    assert place_of("{", ("a",)) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("json_schema", '{\n "type": }', "line 2, column 10: this is not JSON: Expecting value"),
        (
            "json_schema",
            '{"type": "object",\n "properties": {\n  "a": {"type": "strin"}}}',
            "line 3, column 3: $.properties.a: Invalid type: strin",
        ),
        (
            "json_schema",
            '{"enum": [1,\n null]}',
            "line 2, column 2: $.enum[1]: TOML has no null; keep the schema in a file of its own (json_schema_file)",
        ),
        ("json_schema", "true", "line 1, column 1: a schema in the configuration is a table: { … }"),
        ("json_schema_file", "false", "line 1, column 1: nothing fits the schema false"),
        ("choice", "yes\nno\\x", "line 2, column 3: \\x stands for nothing: write \\\\ for a backslash"),
        ("regex", "", "line 1, column 1: is empty: nothing would fit it"),
        ("lark", 'start: "a" |\n  /(/', "line 2, column 3: "),
        ("gbnf", "root ::= x", "line 1, column 1: the GBNF grammar cannot be read: Rule 'x' not found"),
    ],
)
def test_what_is_wrong_with_a_biaser_is_told_with_its_place(kind: str, text: str, told: str) -> None:
    fault = fault_of(kind, text)
    assert fault is not None
    assert fault.told.startswith(told)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("json_schema", {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}),
        ("choice", ["yes", "n\no"]),
        ("regex", "[a-z]+"),
        ("lark", 'start: "a"'),
        ("gbnf", 'root ::= "a"'),
    ],
)
def test_a_biaser_comes_back_from_the_editor_as_it_was(kind: str, value: object) -> None:
    text = text_of(kind, value)
    assert kind in KINDS
    assert fault_of(kind, text) is None
    assert repr(biaser_of(kind, text)) == repr({kind: value})


def test_answers_are_compared_by_words() -> None:
    comparison = compare("The supplier may end it.", "The supplier,\n in three cases, may end it.")
    assert comparison.left == ()
    assert [("The supplier,\n in three cases, may end it.")[start:end] for start, end in comparison.right] == [
        ",\n in three cases,"
    ]
    assert (comparison.n_left, comparison.n_right) == (0, 5)
    assert comparison.growth == pytest.approx(5 / 6)
    assert compare("a  b", "a\nb").are_alike
    assert compare("", "a").growth is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_not_marked_is_the_same_in_both(left: str, right: str) -> None:
    comparison = compare(left, right)
    assert _rest(left, comparison.left) == _rest(right, comparison.right)


def _rest(text: str, spans: tuple[tuple[int, int], ...]) -> list[str]:
    for start, end in reversed(spans):
        text = f"{text[:start]} {text[end:]}"
    return "".join(text.split()).split() and list("".join(text.split()))


def test_a_diff_has_the_lines_that_differ() -> None:
    lines = changed_lines("a\nb\n", "a\nc\n", "poly.toml")
    assert lines == ("--- poly.toml (saved)", "+++ poly.toml (draft)", "@@ -1,2 +1,2 @@", " a", "-b", "+c")
    assert changed_lines("a\n", "a\n", "poly.toml") == ()
