"""Answers that have to look like something, in the chat."""

import pytest

from poly_engine.types import BiasState, Token
from poly_tui.transcript import Kind
from tests.fake_engine import FakeEngine, Gate, Reply
from tests.tui.steps import open_chat

FORM = (
    Token('{"name":"', 1, is_forced=True, bias_state="open"),
    Token("Ann", 2, bias_state="open"),
    Token('"', 3, bias_state="open"),
    Token("}", 4, is_forced=True, bias_state="complete"),
)
"""Half of it is forced."""


async def test_forced_text_looks_different_and_is_copied_like_any_other() -> None:
    async with open_chat(FakeEngine(lambda _: Reply(FORM))) as chat:
        await chat.ask("fill in")
        row = chat.transcript.render_line(chat.transcript.virtual_size.height - 1)
        assert [segment.text for segment in row if segment.style and segment.style.dim] == ['{"name":"', "}"]
        chat.transcript.focus()
        await chat.pilot.press("y")
        assert chat.app.clipboard == '{"name":"Ann"}'


async def test_an_answer_with_a_bias_says_how_far_it_is() -> None:
    gate = Gate()
    async with open_chat(FakeEngine(lambda _: Reply(FORM), gate=gate)) as chat:
        await chat.say("fill in")
        gate.open(2)
        await chat.until(lambda: chat.status.n_tokens == 2)
        assert "writing  valid so far  50 % forced" in chat.rows()[-3]
        gate.open()
        await chat.until(lambda: chat.status.state == "ready")
        assert "● ready  complete  50 % forced" in chat.rows()[-3]


async def test_what_is_thought_before_an_answer_is_a_block_of_its_own() -> None:
    gate = Gate()
    engine = FakeEngine(lambda _: Reply(FORM, thoughts=("Who", " is", " it?\n")), gate=gate)
    async with open_chat(engine) as chat:
        await chat.say("fill in")
        gate.open(2)
        await chat.until(lambda: chat.status.state == "thinking" and chat.status.n_tokens == 2)
        assert chat.texts(Kind.THINKING) == ["Who is"]
        gate.open()
        await chat.until(lambda: chat.status.state == "ready")
        kinds = [block.kind for block in chat.transcript.blocks]
        assert kinds[-3:] == [Kind.PROMPT, Kind.THINKING, Kind.ANSWER]
        assert "▸ thinking 3 tok" in "\n".join(chat.rows())
        assert "Who is it?" not in "\n".join(chat.rows())
        chat.transcript.focus()
        await chat.pilot.press("space")
        assert "Who is it?" in "\n".join(chat.rows())
        await chat.pilot.press("y")
        assert chat.app.clipboard == '{"name":"Ann"}'


async def test_thoughts_without_an_answer_are_an_empty_answer() -> None:
    async with open_chat(FakeEngine(lambda _: Reply(thoughts=("Hm",)))) as chat:
        await chat.ask("fill in")
        assert chat.texts(Kind.THINKING) == ["Hm"]
        assert chat.texts(Kind.MARK) == ["the answer is empty"]


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        ("open", "cut off at the limit of tokens"),
        ("closing", "brought to its shortest end at the limit of tokens, and still fits its schema"),
        ("complete", "brought to its shortest end at the limit of tokens, and still fits its schema"),
    ],
)
async def test_an_answer_with_a_bias_that_reached_its_limit_says_whether_it_fits(state: BiasState, mark: str) -> None:
    engine = FakeEngine(lambda _: Reply((Token("{}", 1, bias_state=state),), finish_reason="length"))
    async with open_chat(engine) as chat:
        await chat.ask("go on")
        assert chat.texts(Kind.MARK) == [mark]
