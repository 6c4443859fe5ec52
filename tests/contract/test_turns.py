"""A turn, from every engine: which events come, and what a session remembers."""

import re

import pytest

from poly_engine.errors import ContextExceeded, IllegalToken, SessionBusy
from poly_engine.interface import Engine
from poly_engine.types import Overrides, Turn
from tests.contract.script import ANSWER, ANSWER_TEXT, LONG, LONG_ANSWER, PRIVATE, SHORT
from tests.engine.conversation import hear


async def test_events_are_progress_then_tokens_then_done(engine: Engine) -> None:
    async with engine.session("talk") as session:
        heard = await hear(session, SHORT)
    kinds = "".join(type(event).__name__[0] for event in heard.events)  # Progress, Token, Done
    assert re.fullmatch("P+T+D", kinds)
    assert heard.progress[-1].done == heard.progress[-1].total == heard.done.usage.prompt_tokens


async def test_a_turn_says_how_long_it_took(engine: Engine) -> None:
    async with engine.session("talk") as session:
        timings = (await hear(session, SHORT)).done.timings
    assert min(timings.queued_s, timings.prefill_s, timings.decode_s) >= 0
    assert timings.first_token_s == timings.queued_s + timings.prefill_s


async def test_the_texts_of_the_tokens_are_the_answer(engine: Engine) -> None:
    async with engine.session("talk") as session:
        heard = await hear(session, SHORT)
    assert heard.text == ANSWER_TEXT
    assert heard.done.finish_reason == "stop"
    assert heard.done.usage.completion_tokens == len(ANSWER)


async def test_a_session_remembers_its_turns(engine: Engine) -> None:
    async with engine.session("talk") as session:
        first, second = await hear(session, SHORT), await hear(session, LONG)
        assert session.turns == (Turn(SHORT, ANSWER_TEXT), Turn(LONG, LONG_ANSWER))
    assert second.done.usage.prompt_tokens > first.done.usage.context_tokens
    assert second.done.usage.context_size == first.done.usage.context_size


async def test_history_was_said_before(engine: Engine) -> None:
    history = [Turn("a word", "and another"), Turn("what more?", "nothing")]
    async with engine.session("talk", history=history) as session, engine.session("talk") as fresh:
        with_history, without = await hear(session, SHORT), await hear(fresh, SHORT)
        assert session.turns == (*history, Turn(SHORT, ANSWER_TEXT))
    assert with_history.done.usage.prompt_tokens > without.done.usage.prompt_tokens


async def test_a_session_takes_one_turn_at_a_time(engine: Engine) -> None:
    async with engine.session("talk") as session:
        async with session.send(LONG) as events:
            await anext(events)
            with pytest.raises(SessionBusy, match="in the middle of a turn"):
                await hear(session, SHORT)
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_a_private_token_in_a_prompt_is_refused_and_not_remembered(engine: Engine) -> None:
    async with engine.session("talk") as session:
        with pytest.raises(IllegalToken, match=PRIVATE):
            await hear(session, f"say {PRIVATE}>")
        assert session.turns == ()
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_a_prompt_longer_than_the_context_is_refused_and_not_remembered(engine: Engine) -> None:
    async with engine.session("talk") as session:
        with pytest.raises(ContextExceeded) as error:
            await hear(session, "one word more, " * 1000)
        assert error.value.n_tokens > error.value.context_size
        assert session.turns == ()
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_a_full_context_leaves_out_the_oldest_turns_and_says_so_first(engine: Engine) -> None:
    prompt = "a word " * 200 + SHORT
    async with engine.session("talk") as session:
        heard = [await hear(session, prompt) for _ in range(6)]
        assert len(session.turns) == 6
    truncated = [turn.truncated for turn in heard if turn.truncated is not None]
    assert heard[0].truncated is None
    assert truncated
    assert all(event.n_turns > 0 and event.n_tokens > 0 for event in truncated)
    assert all(turn.events[0] == turn.truncated for turn in heard if turn.truncated)


async def test_max_tokens_end_an_answer(engine: Engine) -> None:
    async with engine.session("talk") as session:
        heard = await hear(session, SHORT, Overrides(max_tokens=3))
        assert session.turns == (Turn(SHORT, heard.text),)
    assert heard.text == "Once upon a"
    assert (heard.done.finish_reason, heard.done.usage.completion_tokens) == ("length", 3)


async def test_a_stop_sequence_ends_an_answer_and_is_not_part_of_it(engine: Engine) -> None:
    async with engine.session("talk") as session:
        heard = await hear(session, SHORT, Overrides(stop_sequences=("me, i", "end")))
        assert session.turns == (Turn(SHORT, heard.text),)
    assert heard.text == "Once upon a ti"
    assert heard.done.finish_reason == "stop"


async def test_overrides_are_for_one_turn(engine: Engine) -> None:
    async with engine.session("talk") as session:
        await hear(session, SHORT, Overrides(max_tokens=1, seed=3, temperature=0.5))
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_sessions_do_not_know_of_each_other(engine: Engine) -> None:
    async with engine.session("talk") as one, engine.session("talk") as other:
        await hear(one, SHORT)
        assert (len(one.turns), len(other.turns)) == (1, 0)
        assert (await hear(other, LONG)).text == LONG_ANSWER
