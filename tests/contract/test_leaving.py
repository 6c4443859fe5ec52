"""Turns that do not reach their end, from every engine."""

import asyncio

import pytest

from poly_engine.errors import EngineClosed
from poly_engine.interface import Engine, Session
from poly_engine.types import Done, Token, Turn
from tests.contract.script import ANSWER_TEXT, LONG, LONG_ANSWER, SHORT
from tests.engine.conversation import hear


async def hear_a_part(session: Session, n_tokens: int = 5) -> None:
    """Leave the block after some tokens."""
    async with session.send(LONG) as events:
        async for event in events:
            n_tokens -= isinstance(event, Token)
            if not n_tokens:
                break


def is_part_of_the_long_answer(turns: object) -> bool:
    """Whether a single turn is remembered, with the beginning of the answer."""
    match turns:
        case (Turn(prompt=prompt, answer=answer),):
            return prompt == LONG and LONG_ANSWER.startswith(answer) and 5 <= len(answer) < len(LONG_ANSWER)
    return False


async def test_who_leaves_early_keeps_the_part_that_was_written(engine: Engine) -> None:
    async with engine.session("talk") as session:
        await hear_a_part(session)
        assert is_part_of_the_long_answer(session.turns)
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_who_leaves_before_the_first_event_keeps_the_turn(engine: Engine) -> None:
    async with engine.session("talk") as session:
        async with session.send(SHORT):
            pass
        assert [turn.prompt for turn in session.turns] == [SHORT]
        assert ANSWER_TEXT.startswith(session.turns[0].answer)


async def test_who_is_cancelled_keeps_the_part_that_was_written(engine: Engine) -> None:
    async with engine.session("talk") as session:
        has_heard = asyncio.Event()

        async def listen_forever() -> None:
            async with session.send(LONG) as events:
                for _ in range(8):
                    await anext(events)
                has_heard.set()
                await asyncio.Event().wait()

        listening = asyncio.create_task(listen_forever())
        await has_heard.wait()
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        assert is_part_of_the_long_answer(session.turns)
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_who_is_cancelled_twice_leaves_a_session_that_can_be_used(engine: Engine) -> None:
    async with engine.session("talk") as session:
        for n_turns_of_the_loop in range(8):
            listening = asyncio.create_task(hear(session, LONG))
            for _ in range(n_turns_of_the_loop):
                await asyncio.sleep(0)
            listening.cancel()
            await asyncio.sleep(0)
            listening.cancel()
            await asyncio.wait([listening])
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_an_error_of_the_caller_passes_and_the_part_is_kept(engine: Engine) -> None:
    async with engine.session("talk") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.send(LONG) as events:
                n_tokens = 0
                async for event in events:
                    n_tokens += isinstance(event, Token)
                    assert 1 / (5 - n_tokens)
        assert is_part_of_the_long_answer(session.turns)


async def test_who_leaves_gives_way_to_who_waits(engine: Engine) -> None:
    async with engine.session("talk") as session:
        others = [engine.session("talk") for _ in range(8)]
        async with session.send(LONG) as events:
            await anext(events)
            waiting = [asyncio.create_task(hear(other, SHORT)) for other in others]
        heard = await asyncio.gather(*waiting)
    assert [turn.text for turn in heard] == [ANSWER_TEXT] * 8


async def test_a_session_that_closes_ends_its_turn_and_forgets(engine: Engine) -> None:
    session = engine.session("talk")
    await session.open()
    async with session.send(LONG) as events:
        await anext(events)
        await session.close()
        assert await ends_as_cancelled(events)
    assert session.turns == ()


async def ends_as_cancelled(events: object) -> bool:
    """Whether what is left of a turn ends in one of the two ways in which closing may end it."""
    last = None
    try:
        async for event in events:  # type: ignore[attr-defined]  # an AsyncIterator[Event]
            last = event
    except EngineClosed:
        return True
    return isinstance(last, Done) and last.finish_reason == "cancelled"


async def test_a_closed_session_takes_no_turn(engine: Engine) -> None:
    async with engine.session("talk") as session:
        pass
    with pytest.raises(EngineClosed, match="session was closed"):
        await hear(session, SHORT)
    await session.close()


async def test_an_engine_that_closes_ends_running_turns_with_engine_closed(engine: Engine) -> None:
    sessions = [engine.session("talk") for _ in range(3)]
    listening = [asyncio.create_task(hear(session, LONG)) for session in sessions]
    async with engine.session("talk") as session:
        with pytest.raises(EngineClosed):
            async with session.send(LONG) as events:
                await anext(events)
                await engine.close()
                async for _ in events:
                    pass
        assert session.turns == ()
    heard = await asyncio.gather(*listening, return_exceptions=True)
    assert all(isinstance(turn, EngineClosed) or turn.text == LONG_ANSWER for turn in heard)  # type: ignore[union-attr]


async def test_a_closed_engine_does_nothing_more(engine: Engine) -> None:
    session = engine.session("talk")
    await session.open()
    await engine.close()
    for refused in (hear(session, SHORT), engine.load("m"), engine.tokenize("m", "a"), engine.embed("m", ["a"])):
        with pytest.raises(EngineClosed):
            await refused
    with pytest.raises(EngineClosed):
        await engine.session("talk").open()
    await engine.close()
