"""Sampler chains run in llama.cpp, and a seed makes them repeatable."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from poly_engine.errors import InvalidRequest
from poly_engine.types import Overrides
from tests.conftest import FamilyFile
from tests.engine.bare import bare
from tests.engine.conversation import engine, hear, opened
from tests.gguf_models import make_chains

CHAINS = [
    [],
    ["topk:k=5"],
    ["topk:k=0", "topp:p=0.5:min_keep=3"],
    ["minp:p=0.2"],
    ["locallytypical:p=0.7"],
    ["tailfree:z=1.0"],
    ["temperature:3"],
    ["repetition:penalty=1.8:last_n=10"],
    ["freqpresence:frequency_penalty=0.5:presence_penalty=1.5:last_n=0"],
    ["seqrepetition:flat_penalty=2:min_length=2:last_n=100"],
    ["mirostat1:tau=3:eta=0.2:m=50"],
    ["mirostat2:tau=4:eta=0.1"],
    ["topk:k=20/topp:p=0.9", "minp:p=0.05", "locallytypical:p=0.9", "temperature:0.7", "repetition:penalty=1.1"],
]


async def write(path: Path, seed: int, **task: Any) -> str:
    async with opened(path, template="none", max_tokens=16, seed=seed, **task) as session:
        return (await hear(session, "Hello world, what is your name")).text


@pytest.mark.parametrize("samplers", CHAINS, ids=str)
async def test_the_same_seed_gives_the_same_text_and_another_another(
    samplers: list[str], family_file: FamilyFile
) -> None:
    path = family_file("llama")
    first, again, other = [await write(path, seed, samplers=samplers) for seed in (1, 1, 2)]
    assert first == again
    assert first != other
    assert first


async def test_plain_settings_are_repeatable_too(family_file: FamilyFile) -> None:
    settings = {"temperature": 1.5, "top_k": 0, "top_p": 0.9, "min_p": 0.01, "repeat_penalty": 1.2}
    texts = [await write(family_file("qwen2"), seed, **settings) for seed in (7, 7, 8, 0, 2**32 - 2)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 4


async def test_without_a_seed_each_answer_is_new(family_file: FamilyFile) -> None:
    async with opened(family_file("llama"), template="none", max_tokens=16, temperature=3) as session:
        texts = {(await hear(session, "Hello")).text for _ in range(3)}
    assert len(texts) == 3


@pytest.mark.parametrize("seed", [0, -1, 2**31, 2**32 - 1, 2**70])
async def test_any_number_is_a_seed(seed: int, family_file: FamilyFile) -> None:
    texts = []
    for _ in range(2):
        async with opened(family_file("llama"), template="none", max_tokens=8, temperature=2) as session:
            texts.append((await hear(session, "Hello", Overrides(seed=seed))).text)
    assert texts[0] == texts[1]


async def test_temperature_0_takes_the_most_likely_tokens(family_file: FamilyFile) -> None:
    path = family_file("mpt")
    with bare(path) as library:
        likely = library.continuation("Hello", 10)
    for task in ({"samplers": ["temperature:0", "repetition:penalty=1"]}, {"temperature": 0, "repeat_penalty": 1.0}):
        async with opened(path, template="none", max_tokens=10, **task) as session:
            assert (await hear(session, "Hello")).tokens == likely


async def test_a_penalty_looks_back_beyond_the_beginning_of_the_answer(tmp_path: Path) -> None:
    path = make_chains(tmp_path / "m.gguf", {">": ["yes"]})
    penalties = ["freqpresence:presence_penalty=100:last_n=64", "repetition:penalty=1", "temperature:0"]
    async with opened(path, template="none", samplers=penalties, max_tokens=1) as session:
        first, second = await hear(session, ">"), await hear(session, ">")
    assert first.text == "yes"
    assert second.text != "yes"


async def test_how_freely_tokens_are_drawn_follows_the_temperature(family_file: FamilyFile) -> None:
    n_texts = {}
    for temperature in (0.01, 5.0):
        async with engine(family_file("llama"), template="none", max_tokens=4, temperature=temperature) as home:
            n_texts[temperature] = len({(await hear(home.session("t"), "Hello")).text for _ in range(12)})
    assert n_texts[0.01] == 1
    assert n_texts[5.0] > 9


async def test_draws_follow_the_probabilities(tmp_path: Path) -> None:
    path = make_chains(tmp_path / "m.gguf", {">": ["a"], "<": ["b"]})
    async with opened(path, template="none", temperature=1.0, top_k=0, top_p=1.0, max_tokens=1) as session:
        drawn = Counter([(await hear(session, prompt)).text for prompt in "><" * 20])
    assert drawn == {"a": 20, "b": 20}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (Overrides(temperature=-1), "temperature must be at least 0"),
        (Overrides(temperature=float("nan")), "temperature must be"),
        (Overrides(temperature=float("inf")), "temperature must be"),
        (Overrides(top_p=0), "top_p must be more than 0"),
        (Overrides(top_p=1.1), "top_p must be at most 1"),
        (Overrides(min_p=-0.1), "min_p must be at least 0"),
        (Overrides(top_k=-1), "top_k must be at least 0"),
        (Overrides(top_k=2**31), "top_k must be at most"),
        (Overrides(repeat_penalty=0), "repeat_penalty must be at least 0.01"),
        (Overrides(repetition_penalty_last_n=-1), "repetition_penalty_last_n must be at least 0"),
        (Overrides(repetition_penalty_last_n=2**40), "repetition_penalty_last_n must be at most"),
    ],
)
async def test_a_setting_out_of_range_is_refused_in_words(
    overrides: Overrides, words: str, family_file: FamilyFile
) -> None:
    async with opened(family_file("llama"), template="none", max_tokens=2) as session:
        with pytest.raises(InvalidRequest, match=words):
            await hear(session, "Hello", overrides)
        assert session.turns == ()
        assert len((await hear(session, "Hello")).tokens) == 2


async def test_a_task_with_samplers_takes_no_other_settings_in_a_turn(family_file: FamilyFile) -> None:
    async with opened(family_file("llama"), template="none", samplers=["topk:k=3"], max_tokens=2) as session:
        with pytest.raises(InvalidRequest, match="task t fixes its samplers; top_k cannot be set beside"):
            await hear(session, "Hello", Overrides(top_k=1))
        assert len((await hear(session, "Hello", Overrides(seed=1, max_tokens=1))).tokens) == 1
