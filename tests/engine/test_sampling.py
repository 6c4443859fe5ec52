"""Sampler strings and plain settings become chains of llama.cpp's samplers, or a sentence that says why not."""

import contextlib
import dataclasses
import re

import pytest
from hypothesis import given, strategies as st

from poly_engine.sampling import (
    Dist,
    Dry,
    Greedy,
    MinP,
    MirostatV1,
    MirostatV2,
    Penalties,
    SamplerChain,
    Temperature,
    TopK,
    TopP,
    Typical,
    from_settings,
    parse,
)

REPETITION, TOP_K, TOP_P, WARMTH, DRAW = Penalties(64, 1.30), TopK(40), TopP(0.95), Temperature(0.80), Dist()


@pytest.mark.parametrize(
    ("strings", "chain"),
    [
        ([], (REPETITION, TOP_K, TOP_P, WARMTH, DRAW)),
        (["", " / "], (REPETITION, TOP_K, TOP_P, WARMTH, DRAW)),
        (["topk:k=20", "temperature:0.5"], (REPETITION, TopK(20), TOP_P, Temperature(0.5), DRAW)),
        (["Top_K:K=20/TEMPERATURE:0.5 top-p:p=.5"], (REPETITION, TopK(20), TopP(0.5), Temperature(0.5), DRAW)),
        (["topk:k=0", "topp:p=1", "repetition:penalty=1", "temperature:1"], (DRAW,)),
        (["topk:k=5:min_keep=9", "topp:m=2"], (REPETITION, TopK(9), TopP(0.95, 2), WARMTH, DRAW)),
        (["topk:k=5", "topk:min_keep=3"], (REPETITION, TopK(5), TOP_P, WARMTH, DRAW)),
        (["repetition:pen=2:last=8", "repetition"], (Penalties(8, 2), REPETITION, TOP_K, TOP_P, WARMTH, DRAW)),
        (["freqpresence:f=0.5:p=0.2"], (REPETITION, Penalties(64, 1, 0.5, 0.2), TOP_K, TOP_P, WARMTH, DRAW)),
        (["seqrepetition:flat=2:min_l=3"], (REPETITION, Dry(2, 1, 3, 64), TOP_K, TOP_P, WARMTH, DRAW)),
        (["seqrepetition"], (REPETITION, TOP_K, TOP_P, WARMTH, DRAW)),
        (["locallytypical:p=.9:m=4"], (REPETITION, TOP_K, Typical(0.9, 4), TOP_P, WARMTH, DRAW)),
        (["minp:p=.1", "topp"], (REPETITION, TOP_K, TOP_P, MinP(0.1), WARMTH, DRAW)),
        (["tailfree:z=1"], (REPETITION, TOP_K, TOP_P, WARMTH, DRAW)),
        (["mirostat1:n=32000:m=50"], (REPETITION, WARMTH, MirostatV1(5, 0.1, 50))),
        (["mirostat2:tau=4:eta=.2:mu=8"], (REPETITION, WARMTH, MirostatV2(4, 0.2))),
        (["temperature:0", "topk:k=3"], (REPETITION, Greedy())),
    ],
)
def test_sampler_strings_become_a_chain_in_the_order_of_the_original(strings: list[str], chain: SamplerChain) -> None:
    assert parse(strings) == chain


@pytest.mark.parametrize(
    ("strings", "words"),
    [
        (["topq:k=1"], '"topq:k=1": there is no sampler "topq" (did you mean topp?)'),
        (["0.7"], 'there is no sampler "0.7" (there is: '),
        (["topk:q=1"], 'there is no option "q" (there is: k, min_keep)'),
        (["topk:mim_keep=1"], "did you mean min_keep?"),
        (["topk:20"], 'say which option "20" is, such as k=20'),
        (["seqrepetition:m=1"], 'option "m" may mean min_length or max_merge'),
        (["topk:k=many"], 'k must be a whole number, not "many"'),
        (["topk:k=1.5"], 'k must be a whole number, not "1.5"'),
        (["topk:k=-1"], "k must be at least 0, not -1"),
        (["topk:k=4294967296"], "k must be at most 2147483647"),
        (["temperature:warm"], 'temperature must be a number, not "warm"'),
        (["temperature:-1"], "temperature must be at least 0, not -1.0"),
        (["temperature:nan"], "temperature must be at least 0, not nan"),
        (["temperature:inf"], "temperature must be at most 100, not inf"),
        (["topp:p=0"], "p must be more than 0, not 0.0"),
        (["topp:p=2"], "p must be at most 1, not 2.0"),
        (["repetition:penalty=0"], "penalty must be at least 0.01"),
        (["tailfree:z=.9"], 'no longer has this sampler; "minp:p=0.05" serves the same end'),
        (["top_a:a1=.2"], "llama.cpp has no such sampler"),
        (["seqrepetition:stacking=1"], "can do flat_penalty, min_length and last_n, but nothing else"),
        (["seqrepetition:flat=1:tol=1"], "can do flat_penalty, min_length and last_n, but nothing else"),
        (["mirostat2:mu=3"], "a mu of twice tau"),
        (["mirostat1", "mirostat2"], "mirostat1 and mirostat2 exclude each other"),
        (["mirostat2", "topk", "topp"], "mirostat2 narrows the choice by itself: leave out topk and topp"),
        (["mirostat2", "temperature:0"], "draws at random and temperature 0 never does"),
    ],
)
def test_a_wrong_sampler_string_is_refused_with_a_sentence(strings: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse(strings)


NAMES = ["topk", "tailfree", "mirostat1", "minp", "temperature", "repetition", "k", "p", "z", "m", "tau", "last_n"]
PIECES = st.sampled_from([*NAMES, ":", "=", "/", "1", "0", "0.5", "-3", "nan", "inf", "1e999"])


@given(st.lists(st.text() | st.lists(PIECES).map("".join)))
def test_no_sampler_string_raises_anything_but_value_error(strings: list[str]) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse(strings)[-1], Dist | Greedy | MirostatV1 | MirostatV2)


def chain_of(**changed: float) -> SamplerChain:
    idle = {"top_k": 0, "top_p": 1, "min_p": 0, "temperature": 1, "repeat_penalty": 1, "repetition_penalty_last_n": 64}
    return from_settings(**{**idle, **changed})  # type: ignore[arg-type]  # mypy cannot tell the whole numbers


@pytest.mark.parametrize(
    ("changed", "chain"),
    [
        ({}, (DRAW,)),
        ({"top_k": 40, "top_p": 0.95, "repeat_penalty": 1.3, "temperature": 0.8}, parse([])),
        ({"min_p": 0.1, "top_p": 0.5}, (TopP(0.5), MinP(0.1), DRAW)),
        ({"repeat_penalty": 1.3, "repetition_penalty_last_n": 0}, (DRAW,)),
        ({"repeat_penalty": 1.3, "top_k": 40, "temperature": 0}, (REPETITION, Greedy())),
        ({"temperature": 1e-30}, (Greedy(),)),
    ],
)
def test_plain_settings_become_a_chain_without_idle_steps(changed: dict[str, float], chain: SamplerChain) -> None:
    assert chain_of(**changed) == chain


@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p", "temperature", "repeat_penalty"])
@pytest.mark.parametrize("value", [-1, 1e10, float("nan")])
def test_a_plain_setting_out_of_its_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be "):
        chain_of(**{name: value})


def test_a_step_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TOP_K.k = 3  # type: ignore[misc]  # that it is wrong is the point
