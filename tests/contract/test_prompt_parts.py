"""What a model reads, part by part, from every engine: before it is sent, and afterwards."""

from collections.abc import Sequence

import pytest

from poly_engine.errors import ContextExceeded, EngineClosed, IllegalToken, TaskNotFound
from poly_engine.interface import Engine
from poly_engine.types import PromptPart, Token, Turn
from tests.contract.script import ANSWER_TEXT, LONG, LONG_ANSWER, PRIVATE, SHORT
from tests.engine.conversation import hear


def text_of(parts: Sequence[PromptPart]) -> str:
    return "".join(part.text for part in parts)


def n_tokens_of(parts: Sequence[PromptPart]) -> int:
    return sum(part.n_tokens for part in parts)


async def test_a_prompt_is_seen_as_it_would_be_read(engine: Engine) -> None:
    parts = await engine.prompt_parts("talk", SHORT)
    async with engine.session("talk") as session:
        usage = (await hear(session, SHORT)).done.usage
    assert [(part.kind, part.text) for part in parts] == [("prompt", SHORT)]
    assert n_tokens_of(parts) == usage.prompt_tokens


async def test_what_was_said_before_is_a_part_by_who_said_it(engine: Engine) -> None:
    history = [Turn("a word", "and another"), Turn("what more?", "nothing")]
    parts = await engine.prompt_parts("talk", SHORT, history=history)
    assert [part.kind for part in parts] == ["prompt", "answer", "prompt", "answer", "prompt"]
    assert text_of(parts) == "a wordand anotherwhat more?nothing" + SHORT


async def test_a_system_message_is_a_part_of_its_own(engine: Engine) -> None:
    parts = await engine.prompt_parts("call", SHORT, system="be kind")
    assert [part.text for part in parts if part.kind == "system"] == ["be kind"]
    assert [part.text for part in parts if part.kind == "prompt"] == [SHORT]


async def test_turns_that_have_no_place_are_no_parts(engine: Engine) -> None:
    history = [Turn(f"turn {number}, " + "a word " * 60, "well.") for number in range(20)]
    parts = await engine.prompt_parts("talk", SHORT, history=history)
    async with engine.session("talk", history=history) as session:
        heard = await hear(session, SHORT)
        assert list(await session.sent()) == list(parts)
    assert heard.truncated is not None
    assert f"turn {heard.truncated.n_turns - 1}," not in text_of(parts)
    assert text_of(parts).startswith(f"turn {heard.truncated.n_turns},")


async def test_looking_at_a_prompt_says_nothing(engine: Engine) -> None:
    async with engine.session("talk") as session:
        await hear(session, SHORT)
        await engine.prompt_parts("talk", LONG, history=session.turns)
        assert session.turns == (Turn(SHORT, ANSWER_TEXT),)
        assert text_of(await session.sent()) == SHORT


async def test_a_prompt_that_would_be_refused_is_refused(engine: Engine) -> None:
    with pytest.raises(TaskNotFound, match=r"did you mean talk\?"):
        await engine.prompt_parts("tlak", SHORT)
    with pytest.raises(IllegalToken, match=PRIVATE):
        await engine.prompt_parts("talk", f"say {PRIVATE}>")
    with pytest.raises(ContextExceeded):
        await engine.prompt_parts("talk", "one word more, " * 1000)


async def test_nothing_was_sent_before_the_first_turn(engine: Engine) -> None:
    async with engine.session("talk", history=[Turn("a word", "and another")]) as session:
        assert list(await session.sent()) == []


async def test_a_session_tells_the_prompt_of_its_last_turn(engine: Engine) -> None:
    async with engine.session("talk") as session:
        first = (await hear(session, LONG)).done.usage
        assert text_of(await session.sent()) == LONG
        assert n_tokens_of(await session.sent()) == first.prompt_tokens
        second = (await hear(session, SHORT)).done.usage
        parts = await session.sent()
    assert [part.kind for part in parts] == ["prompt", "answer", "prompt"]
    assert text_of(parts).startswith(LONG + LONG_ANSWER)
    assert text_of(parts).endswith(SHORT)
    assert n_tokens_of(parts) == second.prompt_tokens


async def test_a_session_tells_what_it_sent_while_the_answer_is_written(engine: Engine) -> None:
    async with engine.session("talk") as session:
        async with session.send(LONG) as events:
            await anext(events)
            assert text_of(await session.sent()) == LONG
            text = "".join([event.text async for event in events if isinstance(event, Token)])
    assert text == LONG_ANSWER


async def test_a_turn_that_was_refused_was_not_sent(engine: Engine) -> None:
    async with engine.session("talk") as session:
        await hear(session, SHORT)
        with pytest.raises(ContextExceeded):
            await hear(session, "one word more, " * 1000)
        assert text_of(await session.sent()) == SHORT


async def test_a_closed_session_tells_nothing(engine: Engine) -> None:
    async with engine.session("talk") as session:
        await hear(session, SHORT)
    with pytest.raises(EngineClosed, match="session was closed"):
        await session.sent()
