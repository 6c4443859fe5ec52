"""What is shown of an answer and what is kept of it: stop sequences, characters, private tokens, limits."""

from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from poly_engine.errors import InvalidRequest
from poly_engine.types import Overrides, Token, Turn
from tests.engine.conversation import engine, hear, opened
from tests.gguf_models import make_chain, make_scripted

ACROSS = ["Hel", "lo <", "/en", "d> ju", "nk"]


async def test_a_stop_sequence_across_tokens_never_shows_a_part_of_itself(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ACROSS)
    async with opened(path, template="none", stop_sequences=["</end>", "unused"]) as session:
        heard = await hear(session, "go>")
        assert session.turns == (Turn("go>", "Hello "),)
    assert [event.text for event in heard.events if isinstance(event, Token)] == ["Hel", "lo ", "", ""]
    assert heard.done.finish_reason == "stop"


async def test_the_context_after_a_stop_is_what_the_user_saw(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ACROSS)
    async with opened(path, template="none", stop_sequences=["</end>"]) as session:
        await hear(session, "go>")
        usage = (await hear(session, "on>")).done.usage
    kept, rest = 1, len("lo ")  # "Hel" is the token that was sampled; of "lo <" only a part was shown
    assert usage.prompt_tokens == len("go>") + kept + rest + len("on>")
    assert usage.cached_tokens == len("go>") + kept


async def test_what_only_looks_like_a_stop_is_shown_in_the_end(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["a<", "/en", "x", "<", "/e"])
    async with opened(path, template="none", stop_sequences=["</end>"]) as session:
        heard = await hear(session, "go>")
        assert session.turns[0].answer == heard.text == "a</enx</e"


async def test_a_cut_off_answer_is_kept_as_far_as_it_was_shown(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["one", "<", *"/" * 200])
    async with opened(path, template="none", stop_sequences=["<" + "/" * 250]) as session:
        async with session.send("go>") as events:
            async for event in events:
                if isinstance(event, Token) and not event.text:
                    break
        assert session.turns == (Turn("go>", "one"),)
        usage = (await hear(session, "on>", Overrides(max_tokens=1))).done.usage
    assert usage.prompt_tokens == len("go>") + 1 + len("on>")


async def test_what_nobody_read_is_remembered_as_the_model_does(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "yes, yes")
    async with engine(path, {"parallel": 1}, template="none") as home:
        async with home.session("t") as session, home.session("t") as other:
            async with session.send("one>") as events:
                await anext(events)
                await hear(other, "wait until the first is over>")
            assert session.turns == (Turn("one>", "yes, yes"),)
            usage = (await hear(session, "two>")).done.usage
    assert usage.prompt_tokens == len("one>yes, yes") + len("two>") + 1  # and the token that ended the answer


@pytest.mark.parametrize(
    "pieces", [[b"\xf0\x9f", b"\x98", b"\x80"], [b"a\xc3", b"\xb6b"], [bytes([byte]) for byte in "😀é".encode()]]
)
async def test_characters_across_tokens_come_whole(pieces: Sequence[bytes], tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", pieces)
    async with opened(path, template="none") as session:
        heard = await hear(session, "go>")
    assert heard.text == b"".join(pieces).decode()
    assert len(heard.tokens) == len(pieces)
    assert "\ufffd" not in heard.text


async def test_half_a_character_at_a_limit_is_shown_as_a_replacement(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["ok", b"\xf0\x9f", b"\x98\x80"])
    async with opened(path, template="none", max_tokens=2) as session:
        heard = await hear(session, "go>")
        assert session.turns[0].answer == heard.text == "ok\ufffd"


async def test_a_private_text_is_taken_out_of_the_answer(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["one <", "sec", "ret> two", " <sec"])
    async with opened(path, template="none", private_tokens=["<secret>"]) as session:
        heard = await hear(session, "go>")
        assert session.turns[0].answer == heard.text == "one  two <sec"


async def test_no_private_text_comes_of_taking_one_out(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "<se<secret>cret> aabb")
    async with opened(path, template="none", private_tokens=["<secret>", "ab"]) as session:
        text = (await hear(session, "go>")).text
    assert "<secret>" not in text
    assert "ab" not in text


async def test_a_control_token_that_the_model_writes_is_not_shown(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["a", "b"])
    async with opened(path, template="none", private_tokens=["<|im_end|>"]) as session:
        heard = await hear(session, "go>")
    assert heard.text == "ab"
    assert heard.done.finish_reason == "stop"


async def test_an_answer_is_as_long_as_the_task_says_unless_the_turn_says_otherwise(tmp_path: Path) -> None:
    path = make_scripted(tmp_path / "m.gguf", "0123456789")
    async with opened(path, template="none", max_tokens=4) as session:
        heard = [await hear(session, ">", Overrides(max_tokens=n)) for n in (None, 1, 10, 100)]
    assert [turn.text for turn in heard] == ["0123", "0", "0123456789", "0123456789"]
    assert [turn.done.finish_reason for turn in heard] == ["length", "length", "length", "stop"]


@pytest.mark.parametrize("max_tokens", [0, -1])
async def test_an_answer_of_no_tokens_cannot_be_asked_for(max_tokens: int, tmp_path: Path) -> None:
    async with opened(make_scripted(tmp_path / "m.gguf", "abc"), template="none") as session:
        with pytest.raises(InvalidRequest, match="max_tokens must be at least 1"):
            await hear(session, ">", Overrides(max_tokens=max_tokens))
        assert (await hear(session, ">")).text == "abc"


async def test_an_empty_stop_sequence_cannot_be_asked_for(tmp_path: Path) -> None:
    async with opened(make_scripted(tmp_path / "m.gguf", "abc"), template="none") as session:
        with pytest.raises(InvalidRequest, match="stop_sequences must not be empty texts"):
            await hear(session, ">", Overrides(stop_sequences=("x", "")))


@pytest.fixture(scope="module")
def poem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scripted(tmp_path_factory.mktemp("answers") / "m.gguf", "ab abc é aab</s>b")


@given(st.lists(st.text("ab c</s>é", min_size=1, max_size=4), max_size=3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_answer_is_what_lies_before_the_first_stop(poem: Path, stops: list[str]) -> None:
    async with opened(poem, template="none") as session:
        heard = await hear(session, ">", Overrides(stop_sequences=tuple(stops)))
    text = "ab abc é aab</s>b"
    completed = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    assert heard.text == (text[: min(completed)[1]] if completed else text)


async def test_progress_is_told_in_the_context_of_who_asked(tmp_path: Path) -> None:
    asker = ContextVar("asker", default="nobody")
    asker.set("me")
    heard: list[str] = []
    async with engine(make_scripted(tmp_path / "m.gguf", "yes"), template="none") as home:
        await home.load("m", lambda _: heard.append(asker.get()))
    assert set(heard) == {"me"}
