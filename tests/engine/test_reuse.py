"""What was computed once is not computed again: turns, preludes, sessions that start together."""

import asyncio
from pathlib import Path

import pytest

from poly_engine.local import LocalEngine
from poly_engine.types import Done, Overrides, Token, Turn
from tests.conftest import FamilyFile
from tests.engine.conversation import engine, hear, opened
from tests.gguf_models import make_scripted

PRELUDE = "The answer is what the word says, and not what you think it means. " * 6


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers "yes, yes" to a prompt that ends in ">". A token is one byte."""
    return make_scripted(tmp_path_factory.mktemp("reuse") / "m.gguf", "yes, yes", context_length=1024)


async def test_a_second_turn_feeds_only_its_new_tokens(scripted: Path) -> None:
    async with opened(scripted, template="none") as session:
        first = (await hear(session, "one>")).done.usage
        second = (await hear(session, "two more>")).done.usage
    assert (first.cached_tokens, first.context_tokens) == (0, len("one>yes, yes"))
    assert second.cached_tokens == len("one>yes, yes")
    assert second.prompt_tokens == len("one>yes, yes") + 1 + len("two more>")  # 1 that ended the answer


async def test_a_prelude_is_computed_once_for_all_sessions(scripted: Path) -> None:
    async with engine(scripted, {"context_size": 1024}, prelude=PRELUDE) as home:
        async with home.session("t") as one, home.session("t") as other:
            first = (await hear(one, "one>")).done.usage
            second = (await hear(other, "two>")).done.usage
    assert first.cached_tokens == 0
    assert second.cached_tokens == len(PRELUDE)


async def test_sessions_that_start_together_share_the_prelude(scripted: Path) -> None:
    async with engine(scripted, {"context_size": 1024}, prelude=PRELUDE) as home:
        await home.load("m")
        usages = [done.usage for done in await asyncio.gather(*(one_turn(home, f"{i:2}>") for i in range(16)))]
    n_computed = sum(usage.prompt_tokens - usage.cached_tokens for usage in usages)
    n_own = sum(usage.prompt_tokens - len(PRELUDE) for usage in usages)
    assert n_computed <= len(PRELUDE) + n_own


async def one_turn(home: LocalEngine, prompt: str) -> Done:
    async with home.session("t") as session:
        return (await hear(session, prompt)).done


async def test_a_history_that_was_told_before_is_in_the_cache(scripted: Path) -> None:
    history = [Turn("what is it?", "a question"), Turn("and this?", "another")]
    async with engine(scripted, template="none") as home:
        async with home.session("t", history=history) as one, home.session("t", history=history) as other:
            await hear(one, "one>")
            usage = (await hear(other, "two>")).done.usage
    assert usage.cached_tokens == len("what is it?a questionand this?another")


async def test_a_chat_goes_on_from_the_cache(family_file: FamilyFile) -> None:
    async with opened(family_file("llama-chatml"), max_tokens=10, system="Be brief.") as session:
        first = (await hear(session, "Hello")).done.usage
        second = (await hear(session, "and what is your name?")).done.usage
    assert second.cached_tokens == first.context_tokens - 1


async def test_a_turn_that_was_left_is_gone_on_from(scripted: Path) -> None:
    async with opened(scripted, template="none") as session:
        async with session.send("one>") as events:
            async for event in events:
                if isinstance(event, Token):
                    break
        answer = session.turns[0].answer
        usage = (await hear(session, "two>")).done.usage
    has_ended = answer == "yes, yes"  # it may have been faster
    assert usage.prompt_tokens == len("one>") + len(answer) + has_ended + len("two>")
    assert "yes, yes".startswith(answer)


async def test_another_sampler_needs_no_other_computation(scripted: Path) -> None:
    async with opened(scripted, template="none") as session:
        await hear(session, "one>")
        usage = (await hear(session, "two>", Overrides(temperature=0.5, seed=1, top_k=3))).done.usage
    assert usage.cached_tokens == len("one>yes, yes")
