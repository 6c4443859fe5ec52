"""One answer under a bias: whatever is sampled, it fits its schema, and ends within its limit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from poly_engine.bias.biaser import Biaser
from poly_engine.bias.compiled import Biases
from poly_engine.bias.taken import Step, Taken
from poly_engine.bias.verify import fault
from poly_engine.errors import InvalidSchema
from poly_engine.llama.model import LlamaModel
from poly_engine.models.gguf import read_header
from poly_engine.types import Bias
from tests.conftest import FamilyFile
from tests.random_schemas import random_schema

Choose = Callable[[list[int]], int]
ANY_FIXTURE = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module", params=["llama", "qwen2"])
def biases(request: pytest.FixtureRequest, family_file: FamilyFile) -> Iterator[Biases]:
    """Of a vocabulary that falls back to bytes, and of one that is made of them."""
    model = LlamaModel(read_header(family_file(request.param)))
    yield Biases(model.vocabulary)
    model.close()


@dataclass
class Written:
    """What came of one answer."""

    taken: Taken
    steps: list[Step] = field(default_factory=list)
    text: str = ""

    @property
    def tokens(self) -> list[int]:
        return [step.token for step in self.steps]


def write(biases: Biases, bias: Bias, n_max: int, choose: Choose, private: tuple[str, ...] = ()) -> Written:
    """Let `choose` sample among what the mask allows until it is over, or the limit is reached."""
    biaser = Biaser(bias, biases, n_max, private)
    mask = np.zeros(-(-len(biases.pieces) // 32), np.uint32)
    written = Written(biaser.begin())
    written.steps += written.taken.steps
    while written.taken.ends is None and not written.taken.failure and len(written.steps) < n_max:
        biaser.fill_mask(mask)
        allowed = np.unpackbits(mask.view(np.uint8), bitorder="little", count=len(biases.pieces)).nonzero()[0]
        written.taken = biaser.take(choose(allowed.tolist()))
        written.steps += [step for step in written.taken.steps if step.token not in biases.ends]
    written.text = b"".join(biases.pieces[token] for token in written.tokens).decode()
    return written


def at_random(seed: int, share_of_ends: float = 0.2) -> Choose:
    random = Random(seed)

    def choose(allowed: list[int]) -> int:
        others = [token for token in allowed if token > 2]
        return random.choice(others if others and random.random() > share_of_ends else allowed)

    return choose


@given(st.integers(0, 2**32), st.sampled_from([0, 0, 1, 2, 5, 20, 80]))
@settings(ANY_FIXTURE, max_examples=150)
def test_an_answer_fits_its_schema_whatever_is_sampled_and_wherever_it_has_to_end(
    biases: Biases, seed: int, n_more: int
) -> None:
    bias = Bias.of_schema(random_schema(Random(seed)))
    n_max = biases.compiled(bias).n_least + n_more
    written = write(biases, bias, n_max, at_random(seed))
    assert not written.taken.failure
    assert len(written.steps) <= n_max
    assert fault(bias, written.text) == ""


@pytest.mark.parametrize("seed", range(12))
def test_with_room_enough_nothing_is_closed_early(biases: Biases, seed: int) -> None:
    bias = Bias.of_schema(random_schema(Random(seed)))
    written = write(biases, bias, biases.compiled(bias).n_least + 1000, at_random(seed, share_of_ends=1.0))
    assert not any(step.bias_state == "closing" for step in written.steps[:500])


NAMES = ("name", "age", "is_old")
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}, "is_old": {"type": "boolean"}},
    "required": ["name", "age", "is_old"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("n_more", range(12))
def test_at_its_limit_an_answer_is_brought_to_its_shortest_end(biases: Biases, n_more: int) -> None:
    bias = Bias.of_schema(SCHEMA)
    written = write(biases, bias, biases.compiled(bias).n_least + n_more, at_random(n_more, share_of_ends=0))
    assert tuple(json.loads(written.text)) == NAMES
    assert written.steps[-1].bias_state == "complete"


def test_less_than_the_shortest_answer_is_refused_before_it_begins(biases: Biases) -> None:
    bias = Bias.of_schema(SCHEMA)
    taken = Biaser(bias, biases, biases.compiled(bias).n_least - 1).begin()
    assert not taken.steps
    assert "does not fit" in (taken.failure or "")


def test_what_cannot_be_otherwise_is_not_sampled(biases: Biases) -> None:
    opening = Biaser(Bias.of_schema(SCHEMA), biases, 100).begin()
    assert all(step.is_forced and step.bias_state == "open" for step in opening.steps)
    text = b"".join(biases.pieces[step.token] for step in opening.steps)
    assert b'{"name":"'.startswith(text)
    assert len(text) >= len(b'{"name"')


def test_an_answer_that_has_one_form_is_written_at_once(biases: Biases) -> None:
    opening = Biaser(Bias("choice", '["only this"]'), biases, 50).begin()
    assert b"".join(biases.pieces[step.token] for step in opening.steps) == b"only this"
    assert opening.ends == "stop"


@pytest.mark.parametrize(
    ("bias", "pattern"),
    [
        (Bias("choice", '["red", "green \\"apple\\"", "日本"]'), 'red|green "apple"|日本'),
        (Bias("regex", r"[A-Z]{2}-[0-9]{3,5}"), "[A-Z]{2}-[0-9]{3,5}"),
        (Bias("lark", 'start: "a"+ (" " NUMBER)?\nNUMBER: /[1-9][0-9]*/'), "a+( [1-9][0-9]*)?"),
        (Bias("gbnf", 'root ::= item ("," item)*\nitem ::= [a-c]+'), "[a-c]+(,[a-c]+)*"),
    ],
)
@pytest.mark.parametrize("n_more", [0, 1, 7, 40])
def test_grammars_of_other_kinds_are_kept_to_as_well(biases: Biases, bias: Bias, pattern: str, n_more: int) -> None:
    for seed in range(5):
        written = write(biases, bias, biases.compiled(bias).n_least + n_more, at_random(seed))
        assert re.fullmatch(pattern, written.text), written.text


def test_no_private_text_is_written_and_the_answer_still_fits(biases: Biases) -> None:
    bias = Bias.of_schema({"type": "array", "items": {"enum": ["ok", "secret", "se", "cret"]}, "minItems": 8})
    for seed in range(30):
        written = write(biases, bias, 200, at_random(seed), private=("secret", 'k","ok'))
        assert not written.taken.failure
        assert "secret" not in written.text
        assert 'k","ok' not in written.text
        assert fault(bias, written.text) == ""


def test_a_schema_that_demands_a_private_text_is_refused(biases: Biases) -> None:
    bias = Bias.of_schema({"const": "the secret word"})
    assert "holds a private text" in (Biaser(bias, biases, 200, ("secret",)).begin().failure or "")


def test_a_schema_that_cannot_be_enforced_has_no_biaser(biases: Biases) -> None:
    with pytest.raises(InvalidSchema, match=r"\$.items: uniqueItems: not supported"):
        Biaser(Bias.of_schema({"items": {"uniqueItems": True}}), biases, 200)


def test_a_token_that_ends_the_generation_is_only_allowed_where_the_answer_is_whole(biases: Biases) -> None:
    biaser = Biaser(Bias("regex", "ab?"), biases, 10)
    mask = np.zeros(-(-len(biases.pieces) // 32), np.uint32)
    assert [biases.pieces[step.token] for step in biaser.begin().steps] == [b"a"]
    biaser.fill_mask(mask)
    allowed = set(np.unpackbits(mask.view(np.uint8), bitorder="little", count=len(biases.pieces)).nonzero()[0].tolist())
    assert biases.ends & allowed
    end = min(biases.ends & allowed)
    assert biaser.take(end) == Taken((Step(end),), "stop")
