"""Which tokens come and how likely they were, from every engine."""

import pytest

from poly_engine.errors import InvalidRequest, ModelNotFound
from poly_engine.interface import Engine
from poly_engine.types import Overrides, Token
from tests.contract.script import ANSWER, ANSWER_TEXT, SHORT
from tests.engine.conversation import Heard, hear


async def said(engine: Engine, overrides: Overrides) -> Heard:
    async with engine.session("talk") as session:
        return await hear(session, SHORT, overrides)


def tokens_of(heard: Heard) -> list[Token]:
    return [event for event in heard.events if isinstance(event, Token)]


async def test_a_token_with_the_lowest_bias_never_comes(engine: Engine) -> None:
    usual = (await said(engine, Overrides())).tokens
    biased = (await said(engine, Overrides(max_tokens=8, logit_bias=((usual[2], -100), (usual[0], 5.5))))).tokens
    assert usual[0] in biased
    assert usual[2] not in biased


async def test_an_answer_that_ignores_its_end_goes_on_to_its_limit(engine: Engine) -> None:
    heard = await said(engine, Overrides(ignore_eos=True, max_tokens=20))
    assert heard.text.startswith(ANSWER_TEXT)
    assert (heard.done.finish_reason, heard.done.usage.completion_tokens) == ("length", 20)


@pytest.mark.parametrize("n", [0, 1, 20])
async def test_each_token_tells_how_likely_it_was_and_what_else_was(engine: Engine, n: int) -> None:
    tokens = tokens_of(await said(engine, Overrides(logprobs=n)))
    assert [token.text for token in tokens] == list(ANSWER)
    for token in tokens:
        assert token.logprobs is not None
        assert bytes(token.logprobs.piece).decode() == token.text
        assert token.logprobs.logprob is not None
        assert -1 < token.logprobs.logprob <= 0
        assert len(token.logprobs.alternatives) == n
        logprobs = [one.logprob for one in token.logprobs.alternatives]
        assert logprobs == sorted(logprobs, reverse=True)
        if n:
            best = token.logprobs.alternatives[0]
            assert (best.id, best.text, best.logprob) == (token.id, token.text, token.logprobs.logprob)


async def test_nothing_is_told_of_likelihood_unless_it_is_asked_for(engine: Engine) -> None:
    assert all(token.logprobs is None for token in tokens_of(await said(engine, Overrides())))


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (
            Overrides(logit_bias=((10**6, 1.0),)),
            "logit_bias: there is no token 1000000: the model has the tokens 0 to ",
        ),
        (Overrides(logit_bias=((-1, 1.0),)), "logit_bias: there is no token -1"),
        (Overrides(logit_bias=((1, 100.5),)), "logit_bias must be -100 to 100, not 100.5 as for token 1"),
        (Overrides(logprobs=21), "logprobs must be 0 to 20, not 21"),
        (Overrides(logprobs=-1), "logprobs must be 0 to 20, not -1"),
    ],
)
async def test_what_cannot_be_is_refused_and_not_remembered(engine: Engine, overrides: Overrides, reason: str) -> None:
    async with engine.session("talk") as session:
        with pytest.raises(InvalidRequest, match=reason):
            await hear(session, SHORT, overrides)
        assert session.turns == ()
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


@pytest.mark.parametrize("text", ["Hello, world!", "", "  two  spaces\n", "wörld 😀"])
async def test_tokens_become_the_text_again_that_they_are_of(engine: Engine, text: str) -> None:
    pieces = await engine.tokenize("m", text)
    assert await engine.detokenize("m", [piece.id for piece in pieces]) == text


@pytest.mark.parametrize("token", [-1, 10**6, 2**70])
async def test_what_is_no_token_has_no_text(engine: Engine, token: int) -> None:
    with pytest.raises(InvalidRequest, match=f"tokens: there is no token {token}: the model has the tokens 0 to"):
        await engine.detokenize("m", [1, token])


async def test_tokens_of_a_model_that_is_not_there_have_no_text(engine: Engine) -> None:
    with pytest.raises(ModelNotFound, match="did you mean other"):
        await engine.detokenize("othr", [1])
