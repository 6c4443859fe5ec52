"""Which tokens come and how likely they were, by llama.cpp: biases, penalties, no end, and log-probabilities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poly_engine.errors import InvalidRequest
from poly_engine.interface import Engine
from poly_engine.logprobs import Logprobs
from poly_engine.types import Overrides, Thinking, Token
from tests.conftest import FamilyFile
from tests.engine.bare import bare
from tests.engine.conversation import Heard, engine, hear, opened
from tests.gguf_models import make_chain, make_scripted

PLAIN: Mapping[str, Any] = {"template": "none"}
FREE: Mapping[str, Any] = {"template": "none", "temperature": 1.0, "top_k": 0, "top_p": 1.0}
MIROSTAT: Mapping[str, Any] = {"template": "none", "samplers": ["mirostat1"]}
TYPICAL: Mapping[str, Any] = {"template": "none", "samplers": ["locallytypical:p=0.5", "temperature:2"]}


def tokens_of(heard: Heard) -> list[Token]:
    return [event for event in heard.events if isinstance(event, Token)]


def told(heard: Heard) -> list[Logprobs]:
    return [token.logprobs for token in tokens_of(heard) if token.logprobs is not None]


@pytest.fixture
def model(family_file: FamilyFile) -> Path:
    return family_file("qwen2")


@pytest.mark.parametrize("task", [PLAIN, FREE, MIROSTAT, TYPICAL])
async def test_a_token_with_the_highest_bias_always_comes_with_any_sampler(
    model: Path, task: Mapping[str, Any]
) -> None:
    async with opened(model, **task) as session:
        heard = await hear(session, "Who?", Overrides(logit_bias=((77, 100),), max_tokens=12))
    assert heard.tokens == [77] * 12


@pytest.mark.parametrize("task", [PLAIN, FREE, MIROSTAT, TYPICAL])
async def test_tokens_with_the_lowest_bias_never_come_with_any_sampler(model: Path, task: Mapping[str, Any]) -> None:
    async with opened(model, **task) as session:
        usual = await hear(session, "Who?", Overrides(max_tokens=30, ignore_eos=True, seed=1))
        never = tuple((token, -100.0) for token in set(usual.tokens))
        others = await hear(session, "Who?", Overrides(max_tokens=30, ignore_eos=True, seed=1, logit_bias=never))
    assert not set(usual.tokens) & set(others.tokens)


async def test_the_only_token_that_is_left_comes(model: Path) -> None:
    async with engine(model, **MIROSTAT) as home, home.session("t") as session:
        n_vocab = await vocabulary_size(home)
        all_but_one = tuple((token, -100.0) for token in range(n_vocab) if token != 77)
        assert (await hear(session, "Who?", Overrides(logit_bias=all_but_one, max_tokens=3))).tokens == [77] * 3
        with pytest.raises(InvalidRequest, match="logit_bias leaves no token to be drawn"):
            await hear(session, "Who?", Overrides(logit_bias=(*all_but_one, (77, -100.0))))


async def vocabulary_size(home: Engine) -> int:
    with pytest.raises(InvalidRequest) as refused:
        await home.detokenize("m", [-1])
    return int(str(refused.value).rsplit(" ", 1)[1]) + 1


async def test_a_small_bias_decides_between_what_is_about_as_likely(model: Path) -> None:
    async with opened(model, **PLAIN) as session:
        (first,) = told(await hear(session, "Who?", Overrides(logprobs=2, max_tokens=1)))
    best, second = first.alternatives
    distance = best.logprob - second.logprob
    for share, chosen in ((0.9, best), (1.1, second)):
        bias = Overrides(logit_bias=((second.id, share * distance),), max_tokens=1)
        async with opened(model, **PLAIN) as session:
            assert (await hear(session, "Who?", bias)).tokens == [chosen.id]


async def test_what_a_schema_demands_comes_whatever_its_bias(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "and so on")
    async with engine(path, template="none", biaser={"choice": ["so", "and"]}) as home, home.session("t") as session:
        texts = [await home.detokenize("m", [token]) for token in range(await vocabulary_size(home))]
        no_a, nothing = (
            tuple((token, -100.0) for token, text in enumerate(texts) if text in letters) for letters in ("a", "andso")
        )
        assert (await hear(session, ">")).text == "and"
        assert (await hear(session, ">", Overrides(logit_bias=no_a))).text == "so"
        assert (await hear(session, ">", Overrides(logit_bias=nothing))).text == "and"


async def test_penalties_have_a_model_repeat_itself_less(model: Path) -> None:
    async def most_often(**settings: float) -> int:
        async with opened(model, **{**PLAIN, **settings}) as session:
            heard = await hear(session, "Who?", Overrides(max_tokens=60, ignore_eos=True))
        return max(Counter(heard.tokens).values())

    usual = await most_often()
    assert await most_often(frequency_penalty=2) < usual
    assert await most_often(frequency_penalty=-2) > usual
    assert await most_often(presence_penalty=2) < usual
    assert await most_often(frequency_penalty=2, repetition_penalty_last_n=0) == usual


async def test_a_turn_may_set_the_penalties_of_its_task(model: Path) -> None:
    frequent = Overrides(max_tokens=40, frequency_penalty=0.5, presence_penalty=0.5)
    async with opened(model, **PLAIN) as session:
        by_turn = await hear(session, "Who?", frequent)
    async with opened(model, **PLAIN, frequency_penalty=0.5, presence_penalty=0.5) as session:
        by_task = await hear(session, "Who?", Overrides(max_tokens=40))
    assert by_turn.tokens == by_task.tokens


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
async def test_penalties_out_of_their_range_or_beside_samplers_are_refused(model: Path, name: str) -> None:
    async with opened(model, **PLAIN) as session:
        with pytest.raises(InvalidRequest, match=f"{name} must be at most 2, not 2.5"):
            await hear(session, "Who?", Overrides(**{name: 2.5}))  # type: ignore[arg-type]  # it is a number
    async with opened(model, **MIROSTAT) as session:
        with pytest.raises(InvalidRequest, match=f"task t fixes its samplers; {name} cannot be set beside"):
            await hear(session, "Who?", Overrides(**{name: 1}))  # type: ignore[arg-type]  # as above


async def test_with_a_schema_an_answer_that_ignores_its_end_goes_on_as_far_as_that_lets_it(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "a")
    for regex, text, reason in (("a+", "a" * 10, "length"), ("a{3}", "aaa", "stop")):
        async with opened(path, template="none", biaser={"regex": regex}) as session:
            heard = await hear(session, ">", Overrides(ignore_eos=True, max_tokens=10))
            assert (heard.text, heard.done.finish_reason) == (text, reason)


async def test_without_a_limit_an_answer_that_ignores_its_end_goes_on_to_the_end_of_the_context(tmp_path: Path) -> None:
    async with opened(make_scripted(tmp_path / "m.gguf", "yes"), **PLAIN) as session:
        done = (await hear(session, ">", Overrides(ignore_eos=True))).done
    assert (done.finish_reason, done.usage.context_tokens) == ("length", done.usage.context_size)


async def test_only_the_answer_ignores_its_end_not_the_thoughts_before(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["hm", "m"])
    async with opened(path, template="none", biaser={"regex": "a+"}, bias_prompt="So?") as session:
        heard = await hear(session, ">", Overrides(ignore_eos=True, logprobs=1))
    assert [event.text for event in heard.events if isinstance(event, Thinking)] == ["hm", "m"]
    assert heard.done.usage.context_tokens == heard.done.usage.context_size
    assert len(told(heard)) == len(heard.tokens)


@pytest.mark.parametrize("task", [PLAIN, {**FREE, "seed": 3, "frequency_penalty": 1}])
async def test_log_probabilities_are_those_of_the_library_before_it_samples(
    model: Path, task: Mapping[str, Any]
) -> None:
    biased = Overrides(logprobs=5, max_tokens=10, logit_bias=((9, 2.0),), ignore_eos=True)
    async with opened(model, **task) as session:
        heard = await hear(session, "Who?", biased)
    with bare(model) as library:
        by_hand = [softmax(logits) for logits in library.logits_of("Who?", heard.tokens)]
    for token, entry, expected in zip(heard.tokens, told(heard), by_hand, strict=True):
        assert entry.logprob == pytest.approx(expected[token], abs=1e-3)
        best = np.argsort(-expected, kind="stable")[:5]
        assert [one.logprob for one in entry.alternatives] == pytest.approx(expected[best].tolist(), abs=1e-3)
        assert [one.id for one in entry.alternatives] == best.tolist()


def softmax(logits: Any) -> Any:
    return logits - logits.max() - math.log(np.exp(logits - logits.max()).sum())


async def test_forced_tokens_that_follow_others_have_no_log_probability(model: Path) -> None:
    schema = {"type": "object", "properties": {"name": {"enum": ["Ann", "Bob"]}}, "required": ["name"]}
    async with opened(model, **FREE, biaser={"json_schema": schema}) as session:
        heard = await hear(session, "Who?", Overrides(logprobs=2, seed=1))
    entries = told(heard)
    assert b"".join(bytes(entry.piece) for entry in entries).decode() == heard.text
    assert entries[0].logprob is None
    assert all(entry.logprob is not None for entry in entries if entry.alternatives)
    for token, entry in zip(tokens_of(heard), entries, strict=True):
        assert token.is_forced or entry.logprob is not None


async def test_a_token_that_is_a_part_of_a_character_has_its_bytes(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", [b"a\xc3", b"\xb6b"])
    async with opened(path, template="none") as session:
        heard = await hear(session, ">", Overrides(logprobs=1))
    assert [(token.text, token.logprobs and bytes(token.logprobs.piece)) for token in tokens_of(heard)] == [
        ("a", b"a\xc3"),
        ("öb", b"\xb6b"),
    ]
    assert told(heard)[0].alternatives[0].text == "a\ufffd"


async def test_the_token_that_only_ends_an_answer_is_told_of_as_an_alternative_alone(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["one", "</"])
    async with opened(path, template="none", stop_sequences=["</end>"]) as session:
        heard = await hear(session, ">", Overrides(logprobs=1))
        longer = await hear(session, ">", Overrides(logprobs=1, ignore_eos=True, max_tokens=3))
    assert [(token.text, token.logprobs is not None) for token in tokens_of(heard)] == [
        ("one", True),
        ("", True),
        ("</", False),  # it gave away what was held back
    ]
    assert told(longer)[2].alternatives[0].text == "<|im_end|>"


SECRET = [*"a<sec", "ret>", "b", "<s", "c"]


@pytest.mark.parametrize("stops", [(), ("<secret>!",)])
async def test_nothing_is_told_of_what_may_be_private(tmp_path: Path, stops: Sequence[str]) -> None:
    path = make_chain(tmp_path / "m.gguf", SECRET)
    async with opened(path, template="none", private_tokens=["<secret>", "so"]) as session:
        heard = await hear(session, ">", Overrides(logprobs=20, stop_sequences=tuple(stops)))
    assert heard.text == "ab<sc"
    assert [bytes(entry.piece) for entry in told(heard)] == [b"a", b"b"]


async def test_a_private_token_is_no_alternative(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["one", "two"])
    async with opened(path, template="none") as session:
        one, two = (await hear(session, ">")).tokens
    bias = ((two, -100.0), (one, 100.0))
    for private, is_told in ((), True), (("two",), False):
        async with opened(path, template="none", private_tokens=private) as session:
            heard = await hear(session, ">", Overrides(logprobs=20, logit_bias=bias, max_tokens=3))
        assert heard.text == "oneoneone"
        assert [entry.alternatives[0].id == two for entry in told(heard)] == [False, is_told, is_told]


async def test_the_texts_of_special_tokens_are_in_the_text_of_tokens(family_file: FamilyFile) -> None:
    async with engine(family_file("llama")) as home:
        pieces = await home.tokenize("m", "Hello wörld")
        text = await home.detokenize("m", [piece.id for piece in pieces])
        half = await home.detokenize("m", [piece.id for piece in pieces if piece.text == "\ufffd"][:1])
    assert text == "<s> Hello wörld"
    assert half in ("", "\ufffd")
