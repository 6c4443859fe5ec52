"""A context is never exceeded, and never cut in silence."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from poly_engine.errors import ContextExceeded
from poly_engine.types import Overrides, Truncated, Turn
from tests.engine.conversation import engine, hear, opened
from tests.gguf_models import make_chains

SIZE = 64
ANSWER = "0123456789"
ENDED = 1
"""The token that ended an answer, which stays between it and the next turn."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers ">" with 10 tokens and "#" without end. Each byte is a token."""
    endless = [bytes([byte]) for byte in b"na" * 300]
    path = tmp_path_factory.mktemp("context") / "m.gguf"
    return make_chains(path, {">": list(ANSWER), "#": endless}, context_length=1024)


@pytest.mark.parametrize(("n_tokens", "n_written"), [(SIZE - 1, 1), (SIZE - 2, 2), (SIZE - 11, 10)])
async def test_a_prompt_may_fill_the_context_but_for_one_token(path: Path, n_tokens: int, n_written: int) -> None:
    async with opened(path, {"context_size": SIZE}, template="none") as session:
        heard = await hear(session, "x" * (n_tokens - 1) + ">")
    assert heard.text == ANSWER[:n_written]
    assert heard.done.usage.prompt_tokens == n_tokens
    assert heard.done.finish_reason == ("stop" if n_written == 10 and n_tokens + 10 < SIZE else "length")


@pytest.mark.parametrize("n_tokens", [SIZE, SIZE + 1, 10 * SIZE, 1_000_000])
async def test_a_prompt_that_leaves_no_room_is_refused_with_its_length(path: Path, n_tokens: int) -> None:
    async with opened(path, {"context_size": SIZE}, template="none") as session:
        with pytest.raises(ContextExceeded, match=f"context of the model holds {SIZE}") as error:
            await hear(session, "x" * (n_tokens - 1) + ">")
        assert SIZE <= error.value.n_tokens <= n_tokens
        assert (await hear(session, ">")).text == ANSWER


async def test_an_answer_that_reaches_the_end_of_the_context_says_so(path: Path) -> None:
    async with opened(path, {"context_size": SIZE}, template="none") as session:
        heard = await hear(session, "go on#")
    assert heard.done.finish_reason == "length"
    assert heard.done.usage.context_tokens == SIZE
    assert len(heard.text) == SIZE - len("go on#")


async def test_whole_turns_are_left_out_until_twice_the_room_for_an_answer_is_free(path: Path) -> None:
    async with opened(path, {"context_size": SIZE}, template="none", max_tokens=12) as session:
        heard = [await hear(session, f"turn {i}>") for i in range(5)]
    one_turn = len("turn 0>") + len(ANSWER) + ENDED  # 18: the fourth prompt would end at 61, and 61 + 12 > 64
    left_out = Truncated(2 * one_turn, 2)  # with one turn less it would end at 43, and 43 + 2 * 12 > 64
    assert [turn.truncated for turn in heard] == [None, None, None, left_out, None]
    assert heard[3].done.usage.prompt_tokens == one_turn + len("turn 3>")
    assert heard[4].done.usage.prompt_tokens == 2 * one_turn + len("turn 4>")


async def test_turns_that_the_model_no_longer_sees_are_still_remembered(path: Path) -> None:
    async with opened(path, {"context_size": SIZE}, template="none") as session:
        for number in range(8):
            await hear(session, f"turn {number}>")
        assert session.turns == tuple(Turn(f"turn {number}>", ANSWER) for number in range(8))


async def test_the_prelude_always_stays(path: Path) -> None:
    prelude = "p" * 20
    async with opened(path, {"context_size": SIZE}, prelude=prelude, postfix=">") as session:
        usages = [(await hear(session, "hello")).done.usage for _ in range(6)]
    assert all(usage.cached_tokens >= len(prelude) for usage in usages[1:])


async def test_a_turn_that_fails_to_fit_leaves_the_conversation_as_it_was(path: Path) -> None:
    async with opened(path, {"context_size": SIZE}, template="none") as session:
        await hear(session, "one>")
        with pytest.raises(ContextExceeded):
            await hear(session, "x" * 100)
        assert session.turns == (Turn("one>", ANSWER),)
        assert (await hear(session, "two>")).done.usage.cached_tokens == len("one>") + len(ANSWER)


async def test_a_turn_that_left_out_others_and_was_left_is_not_said_twice(path: Path) -> None:
    async with opened(path, {"context_size": SIZE}, template="none", max_tokens=10) as session:
        for number in range(3):
            await hear(session, f"turn {number}>")
        async with session.send("turn 3>") as events:
            assert isinstance(await anext(events), Truncated)
        assert (await hear(session, ">")).truncated is None


@pytest.mark.timeout(20)
async def test_a_long_history_is_fitted_in_no_time(path: Path) -> None:
    history = [Turn("what is it?", "it is what it is")] * 3000
    async with engine(path, {"context_size": SIZE}, template="none") as home:
        heard = await hear(home.session("t", history=history), ">")
    assert heard.truncated is not None
    assert heard.truncated.n_turns > 2900


@given(st.lists(st.tuples(st.integers(0, SIZE), st.sampled_from(">#"), st.none() | st.integers(1, 70)), max_size=7))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_said_the_context_is_never_exceeded(
    path: Path, turns: list[tuple[int, str, int | None]]
) -> None:
    async with opened(path, {"context_size": SIZE}, template="none") as session:
        for n_letters, end, max_tokens in turns:
            try:
                usage = (await hear(session, "x" * n_letters + end, Overrides(max_tokens=max_tokens))).done.usage
            except ContextExceeded as error:
                assert error.n_tokens >= SIZE  # noqa: PT017  both ways are right
                continue
            assert usage.prompt_tokens + usage.completion_tokens == usage.context_tokens <= SIZE
            assert usage.completion_tokens <= (max_tokens or SIZE)
            assert usage.cached_tokens < usage.prompt_tokens
