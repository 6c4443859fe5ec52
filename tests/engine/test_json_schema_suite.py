"""Schemas are enforced as the JSON-Schema-Test-Suite says, or refused with a reason; no third way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import pytest

from poly_engine import starter
from poly_engine.bias.compiled import Biases
from poly_engine.llama.model import LlamaModel
from poly_engine.llama.vocabulary import Vocabulary
from poly_engine.models.gguf import read_header
from tests.conftest import FamilyFile
from tests.engine.json_schema_cases import Accepts, Group, differences, fits, keywords, outcomes
from tests.engine.json_schema_table import BEGIN, END, README, table

Place: TypeAlias = tuple[str, str, str]

_ANNOTATION = "string is only an annotation by default"
_FORMATS = ("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid")
STRICTER: set[Place] = {
    # A whole number is written without a point: 1.0 is turned down where 1 fits.
    ("const", "const with 0 does not match other zero-like types", "float zero is valid"),
    ("const", "const with 1 does not match true", "float one is valid"),
    ("const", "const with -2.0 matches integer and float types", "float -2.0 is valid"),
    ("const", "float and integers are equal up to 64-bit representation limits", "float is valid"),
    ("enum", "enum with 0 does not match false", "float zero is valid"),
    ("enum", "enum with 1 does not match true", "float one is valid"),
    ("enum", "enum with [0] does not match [false]", "[0.0] is valid"),
    ("enum", "enum with [1] does not match [true]", "[1.0] is valid"),
    ("type", "integer type matches integers", "a float with zero fractional part is an integer"),
    # A format binds, where the standard lets it be an annotation.
    *(("format", f"{name} format", f"invalid {name} {_ANNOTATION}") for name in _FORMATS),
}
"""Cases that would fit and are turned down all the same, which does no harm: an answer is written in another way."""


@pytest.fixture(scope="module", params=["starter", "llama-chatml", "llama"])
def vocabulary(request: pytest.FixtureRequest, family_file: FamilyFile) -> Iterator[Vocabulary]:
    path = starter.path() if request.param == "starter" else family_file(request.param)
    model = LlamaModel(read_header(path))
    yield model.vocabulary
    model.close()


@pytest.mark.parametrize("keyword", keywords())
def test_nothing_passes_that_the_suite_calls_invalid(keyword: str) -> None:
    passed = [(outcome.group.description, outcome.let_pass) for outcome in outcomes(keyword) if outcome.let_pass]
    assert passed == []


@pytest.mark.parametrize("keyword", keywords())
def test_what_fits_is_accepted_but_for_known_cases(keyword: str) -> None:
    turned_down = {(keyword, its.group.description, case) for its in outcomes(keyword) for case in its.turned_down}
    assert turned_down == {place for place in STRICTER if place[0] == keyword}


@pytest.mark.parametrize("keyword", keywords())
def test_a_schema_that_is_refused_is_refused_with_a_reason(keyword: str) -> None:
    refusals = [outcome.refusal for outcome in outcomes(keyword) if outcome.refusal]
    assert all(len(refusal.reason) > 10 and refusal.reason in str(refusal) for refusal in refusals)


def test_tokens_of_a_model_are_accepted_like_their_letters(vocabulary: Vocabulary) -> None:
    biases = Biases(vocabulary)
    for letters in (outcome for keyword in keywords() for outcome in outcomes(keyword) if not outcome.refusal):
        assert differences(letters.group, _accepting(letters.group, biases, vocabulary)) == letters


def _accepting(group: Group, biases: Biases, vocabulary: Vocabulary) -> Accepts:
    matcher, end = biases.compiled(group.bias).tokens, min(vocabulary.ends)
    return lambda text: fits(matcher, [*vocabulary.plain_tokens(text), end])


def test_the_readme_says_how_much_is_enforced() -> None:
    _, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    assert rest.partition(END)[0] == table(), "write it anew: python -m tests.engine.json_schema_table"
