"""The chat, from the keyboard to the engine and back."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest

from poly_engine.errors import ContextExceeded, EngineFailed, ModelLoadFailed
from poly_engine.types import ModelInfo, TaskInfo, Truncated
from poly_tui.screens.pacer import MIN_INTERVAL_S
from poly_tui.transcript import Kind
from poly_tui.widgets.chat_heading import ChatHeading
from poly_tui.widgets.queue import QueueView
from tests.fake_engine import FakeEngine, Gate, Reply, split
from tests.tui.steps import SIZES, Chat, open_chat

LONG = "\n".join(f"line {n}" for n in range(100))
TASKS = [TaskInfo("legal", "big", "About contracts"), TaskInfo("starter", "small", "A tiny model")]

all_sizes = pytest.mark.parametrize("size", SIZES)


def gated(text: str = LONG) -> tuple[FakeEngine, Gate]:
    gate = Gate()
    return FakeEngine(lambda _: Reply.of(text), gate=gate), gate


async def begin(chat: Chat, gate: Gate, prompt: str = "go", n_tokens: int = 3) -> None:
    """Ask `prompt` and let a few tokens of the answer come."""
    await chat.say(prompt)
    await chat.until(lambda: chat.status.state.startswith("reading"))
    gate.open(n_tokens)
    await chat.until(lambda: chat.status.n_tokens == n_tokens)


@all_sizes
async def test_sending_shows_the_prompt_and_the_answer(size: tuple[int, int]) -> None:
    async with open_chat(FakeEngine(), size) as chat:
        await chat.pilot.press(*"hello", "enter")
        await chat.until(lambda: chat.status.n_tokens is not None and chat.status.state == "ready")
        screen = "\n".join(chat.rows())
        assert f"{Kind.PROMPT.sign} hello" in screen
        assert "You said: hello" in screen


@all_sizes
async def test_the_frame_holds_title_status_prompt_and_keys(size: tuple[int, int]) -> None:
    async with open_chat(FakeEngine(), size) as chat:
        await chat.until(lambda: "send" in chat.rows()[-1])  # the keys are made anew while the screen gets its size
        rows = chat.rows()
        heading = rows[0] if size[1] < 16 else rows[1]
        assert "echo" in heading
        assert heading is rows[0] or " Poly ▌Chat▐ " in rows[0]
        assert "● ready" in rows[-3]
        assert rows[-2].startswith(f" {Kind.PROMPT.sign} Ask something")
        assert "send" in rows[-1]
        assert "^p palette" in rows[-1]
        assert {len(row) for row in rows} == {size[0]}


@all_sizes
async def test_a_stream_is_followed_until_one_scrolls_up(size: tuple[int, int]) -> None:
    engine, gate = gated()
    async with open_chat(engine, size) as chat:
        await begin(chat, gate, n_tokens=150)
        assert chat.transcript.is_following
        # What was scrolled is painted later
        await chat.until(lambda: 0 < chat.transcript.max_scroll_y == chat.transcript.scroll_offset.y)
        await chat.pilot.press("pageup")
        await chat.until(lambda: not chat.status.is_following)
        gate.open()
        await chat.until(lambda: chat.status.state == "ready")
        assert "line 99" not in "\n".join(chat.rows())
        await chat.until(lambda: "new" in chat.rows()[-3])
        await chat.pilot.press("ctrl+end")
        assert "line 99" in "\n".join(chat.rows())


async def test_escape_keeps_the_partial_answer_and_the_session_goes_on() -> None:
    engine, gate = gated("one two three four")
    async with open_chat(engine) as chat:
        await begin(chat, gate, "count", n_tokens=2)
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.status.state == "ready")
        assert chat.texts(Kind.ANSWER) == ["one two"]
        assert chat.texts(Kind.MARK) == ["stopped"]
        assert engine.cancelled == ["count"]
        assert engine.n_running == 0
        gate.open()
        await chat.ask("again")
        assert chat.texts(Kind.ANSWER) == ["one two", "one two three four"]
        assert engine.asked == [("echo", "count"), ("echo", "again")]


async def test_prompts_sent_while_an_answer_is_written_are_queued_and_answered_in_order() -> None:
    engine, gate = gated("answer")
    async with open_chat(engine) as chat:
        await chat.say("first")
        await chat.until(lambda: len(engine.asked) == 1)
        await chat.say("second")
        await chat.say("third")
        await chat.until(lambda: "third" in "\n".join(chat.rows()))
        assert [row.strip() for row in chat.rows() if "queued" in row] == ["↳ queued  second", "↳ queued  third"]
        gate.open()
        await chat.until(lambda: len(chat.texts(Kind.ANSWER)) == 3)
        assert chat.texts(Kind.PROMPT) == ["first", "second", "third"]
        assert not chat.screen.query_one(QueueView).display


async def test_up_takes_a_queued_prompt_back() -> None:
    engine, gate = gated("answer")
    async with open_chat(engine) as chat:
        await chat.say("first")
        await chat.until(lambda: len(engine.asked) == 1)
        await chat.say("second")
        await chat.pilot.press("up")
        assert chat.composer.text == "second"
        gate.open()
        await chat.until(lambda: chat.status.state == "ready")
        assert engine.asked == [("echo", "first")]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(refusal=ContextExceeded(5000, 4096)),
        Reply(split("some of the answer"), failure=EngineFailed("llama.cpp gave up")),
        Reply(failure=RuntimeError("a bug")),
    ],
)
async def test_an_error_is_shown_and_the_prompts_come_back(reply: Reply) -> None:
    engine = FakeEngine(lambda prompt: reply if prompt == "bad" else Reply.of("fine"))
    async with open_chat(engine) as chat:
        await chat.say("bad")
        await chat.until(lambda: bool(chat.texts(Kind.ERROR)))
        assert str(reply.refusal or reply.failure) in chat.texts(Kind.ERROR)[0]
        assert chat.composer.text == "bad"
        chat.composer.clear()
        await chat.ask("good")
        assert chat.texts(Kind.ANSWER)[-1] == "fine"


async def test_turns_that_left_the_context_are_told() -> None:
    engine = FakeEngine(lambda _: Reply(split("ok"), truncated=Truncated(312, 2)))
    async with open_chat(engine) as chat:
        await chat.ask("go on")
        assert "the oldest 2 turns (312 tokens) left the context" in chat.texts(Kind.NOTICE)


async def test_an_answer_that_reached_its_limit_says_so() -> None:
    engine = FakeEngine(lambda _: Reply(split("cut"), finish_reason="length"))
    async with open_chat(engine) as chat:
        await chat.ask("go on")
        assert chat.texts(Kind.MARK) == ["cut off at the limit of tokens"]


async def test_another_task_begins_a_session_below_a_divider() -> None:
    engine = FakeEngine(tasks=TASKS)
    async with open_chat(engine, task="legal") as chat:
        await chat.ask("hello")
        await chat.pilot.press("ctrl+t", *"tiny", "enter")
        await chat.until(lambda: len(chat.texts(Kind.DIVIDER)) == 2)
        assert chat.texts(Kind.DIVIDER) == ["legal · big", "starter · small"]
        assert chat.texts(Kind.ANSWER) == ["You said: hello"]
        assert chat.screen.query_one(ChatHeading).task_name == "starter"
        await chat.ask("you?")
        assert engine.asked == [("legal", "hello"), ("starter", "you?")]


async def test_leaving_a_task_stops_its_answer_and_gives_the_queue_back() -> None:
    gate = Gate()
    engine = FakeEngine(lambda _: Reply.of("one two three"), tasks=TASKS, gate=gate)
    async with open_chat(engine, task="legal") as chat:
        await begin(chat, gate, n_tokens=1)
        await chat.say("waits")
        await chat.pilot.press("ctrl+t", *"starter", "enter")
        await chat.until(lambda: engine.n_running == 0 and chat.status.state == "ready")
        assert chat.texts(Kind.MARK) == ["stopped"]
        assert chat.composer.text == "waits"
        assert engine.cancelled == ["go"]


async def test_a_new_chat_is_empty_and_forgets_what_was_said() -> None:
    engine, gate = gated("answer")
    async with open_chat(engine) as chat:
        await begin(chat, gate, n_tokens=1)
        await chat.pilot.press("ctrl+n")
        await chat.until(lambda: chat.status.state == "ready" and engine.n_running == 0)
        assert not chat.texts(Kind.PROMPT)
        assert not chat.texts(Kind.ANSWER)


async def test_one_can_type_and_send_while_the_model_loads() -> None:
    load_gate = Gate()
    engine = FakeEngine(load_gate=load_gate)
    async with open_chat(engine, is_ready=False) as chat:
        await chat.pilot.press(*"early", "enter")
        load_gate.open(2)
        await chat.until(lambda: chat.status.state == "loading 50 %")
        assert "queued  early" in "\n".join(chat.rows())
        load_gate.open()
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["You said: early"])


async def test_escape_stops_loading_and_the_next_prompt_starts_it_again() -> None:
    load_gate = Gate()
    engine = FakeEngine(load_gate=load_gate)
    async with open_chat(engine, is_ready=False) as chat:
        await chat.until(lambda: chat.status.state == "loading 0 %")
        await chat.say("early")
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.status.state == "not loaded")
        assert chat.texts(Kind.MARK) == ["loading stopped"]
        assert chat.composer.text == "early"
        load_gate.open()
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["You said: early"])


async def test_a_model_that_cannot_be_loaded_is_an_error_and_another_attempt() -> None:
    engine = FakeEngine()
    engine.load_failure = ModelLoadFailed("fake.gguf is truncated")
    async with open_chat(engine, is_ready=False) as chat:
        await chat.until(lambda: chat.status.state == "failed")
        assert chat.texts(Kind.ERROR) == ["fake.gguf is truncated"]
        engine.load_failure = None
        await chat.say("again")
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["You said: again"])


async def test_an_unknown_task_is_an_error_that_names_the_tasks() -> None:
    async with open_chat(FakeEngine(tasks=TASKS), task="legl", is_ready=False) as chat:
        await chat.until(lambda: bool(chat.texts(Kind.ERROR)))
        assert "legal" in chat.texts(Kind.ERROR)[0]
        await chat.pilot.press("ctrl+t", "enter")
        await chat.until(lambda: chat.status.state == "ready")


async def test_control_q_quits_while_an_answer_is_written() -> None:
    engine, gate = gated()
    async with open_chat(engine) as chat:
        await begin(chat, gate)
        await chat.pilot.press("ctrl+q")
        await chat.until(lambda: not chat.app.is_running)
    assert engine.n_running == 0


async def test_control_q_quits_while_a_model_loads_that_cannot_be_interrupted() -> None:
    class Stubborn(FakeEngine):
        async def load(self, model: str, on_progress: Callable[[float], None] | None = None) -> ModelInfo:
            del model, on_progress
            while not has_quit.is_set():
                with suppress(asyncio.CancelledError):
                    await has_quit.wait()
            raise asyncio.CancelledError

    has_quit = asyncio.Event()
    async with open_chat(Stubborn(), is_ready=False) as chat:
        await chat.until(lambda: chat.status.state.startswith("loading"))
        await chat.pilot.press("ctrl+q")
        await chat.until(lambda: not chat.app.is_running)
    has_quit.set()


async def test_control_c_copies_else_stops_else_tells_how_to_quit() -> None:
    engine, gate = gated("one two three")
    async with open_chat(engine) as chat:
        await begin(chat, gate, "go", n_tokens=1)
        chat.transcript.text_select_all()
        await chat.pilot.press("ctrl+c")
        assert "one" in chat.app.clipboard
        chat.screen.clear_selection()
        await chat.pilot.press("ctrl+c")
        await chat.until(lambda: chat.texts(Kind.MARK) == ["stopped"])
        await chat.pilot.press("ctrl+c")
        assert [note.message for note in chat.app._notifications][-1] == "ctrl+q quits"
        assert chat.app.is_running


async def test_the_final_figures_are_those_of_the_engine() -> None:
    async with open_chat(FakeEngine(context_size=100)) as chat:
        await chat.ask("hello")
        status = chat.status
        assert (status.tokens_per_s, status.n_tokens, status.first_token_s) == (50.0, 4, 0.25)
        assert (status.context_used, status.context_size) == (5, 100)


async def test_nothing_ticks_while_nothing_happens() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.ask("hello")
        painted = chat.screen._pacer._painted_at
        for _ in range(20):
            await chat.pilot.pause()
        assert chat.screen._pacer._painted_at == painted
        assert chat.screen._pacer._timer is None


async def test_a_burst_of_tokens_is_painted_in_few_bundles() -> None:
    engine = FakeEngine(lambda _: Reply(("word ",) * 3000))
    async with open_chat(engine) as chat:
        paints: list[float] = []

        def paint() -> None:
            paints.append(time.monotonic())
            chat.screen._paint()

        chat.screen._pacer._paint = paint
        await chat.ask("go")
        assert chat.texts(Kind.ANSWER) == [("word " * 3000).strip()]
        gaps = [after - before for before, after in pairwise(paints)]
        assert len(paints) < 300
        assert min(gaps, default=math.inf) > MIN_INTERVAL_S * 0.9


async def test_a_slow_paint_makes_the_next_one_wait_three_times_as_long() -> None:
    async with open_chat(FakeEngine()) as chat:
        chat.screen._pacer._cost_s = 0.1
        assert chat.screen._pacer.interval_s == pytest.approx(0.3)


async def test_typing_in_the_transcript_goes_to_the_prompt() -> None:
    async with open_chat(FakeEngine()) as chat:
        chat.transcript.focus()
        await chat.pilot.press("h", "i")
        assert chat.composer.text == "hi"
        assert chat.composer.has_focus


async def test_text_of_the_model_reaches_the_screen_without_control_codes_or_markup() -> None:
    engine = FakeEngine(lambda _: Reply(("\x1b[31", "mred\x1b", "[0m [red]x[/red]", " \x9b2J")))
    async with open_chat(engine) as chat:
        await chat.ask("attack")
        assert "␛[31mred␛[0m [red]x[/red] \ufffd2J" in "\n".join(chat.rows())
        assert all(character.isprintable() for row in chat.rows() for character in row)


async def test_every_binding_of_ours_has_an_id_of_its_own() -> None:
    async with open_chat(FakeEngine()) as chat:
        widgets = [chat.app, chat.screen, chat.transcript, chat.composer]
        ours = [binding for widget in widgets for binding in type(widget).BINDINGS]
        ids = [getattr(binding, "id", None) for binding in ours]
        assert all(ids)
        assert len(set(ids)) == len(ids)


async def test_no_binding_is_a_key_that_terminals_confuse_with_another() -> None:
    async with open_chat(FakeEngine()) as chat:
        assert not {"ctrl+i", "ctrl+m", "ctrl+h"} & set(chat.screen.active_bindings)
