"""Other versions of prompts and answers: edit, regenerate, continue, fork, and going from one to another."""

from contextlib import closing
from pathlib import Path

import pytest

from poly_engine.errors import ContextExceeded
from poly_engine.types import Turn
from poly_tui.chats.store import ChatStore
from poly_tui.screens.chat import CONTINUE
from poly_tui.transcript import Kind
from tests.fake_engine import FakeEngine, Gate, Reply, split
from tests.tui.steps import Chat, open_chat, press
from tests.tui.test_kept_chats import Remembering


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


def counting() -> Remembering:
    """An engine that numbers its answers."""
    engine = Remembering()
    engine.reply = lambda prompt: Reply.of(f"answer {len(engine.asked) + 1} to {prompt}")
    return engine


async def settled(chat: Chat, *answers: str) -> None:
    await chat.until(lambda: chat.texts(Kind.ANSWER) == list(answers) and chat.status.state == "ready")


async def test_an_answer_is_made_again_beside_the_old_one(path: Path) -> None:
    engine = counting()
    async with open_chat(engine, chats=path) as chat:
        await chat.ask("a")
        await chat.ask("b")
        await press(chat, "r")
        await settled(chat, "answer 1 to a", "answer 3 to b")
        assert list(engine.histories[-1]) == [Turn("a", "answer 1 to a")]
        assert "2/2 · ⇥ [ ] other versions" in chat.texts(Kind.NOTICE)
        await press(chat, "[")
        await settled(chat, "answer 1 to a", "answer 2 to b")
        assert engine.histories[-1][-1] == Turn("b", "answer 2 to b")
        assert "1/2 · ⇥ [ ] other versions" in chat.texts(Kind.NOTICE)
        await press(chat, "[")
        await settled(chat, "answer 1 to a", "answer 2 to b")  # there is none before it
    with closing(ChatStore.open(path)[0]) as store:
        kept = store.load(1)
        assert [turn.answer for turn in kept.path] == ["answer 1 to a", "answer 2 to b"]
        assert len(list(kept.turns())) == 3


async def test_an_edited_prompt_stands_beside_the_old_one_with_all_that_followed(path: Path) -> None:
    engine = counting()
    async with open_chat(engine, chats=path) as chat:
        await chat.ask("a")
        await chat.ask("b")
        await press(chat, "{", "{", "{", "e")
        assert chat.composer.text == "a"
        assert chat.composer.has_focus
        await chat.pilot.press("!", "enter")
        await settled(chat, "answer 3 to a!")
        assert engine.histories[-1] == ()
        await press(chat, "[")
        await settled(chat, "answer 1 to a", "answer 2 to b")


async def test_the_version_that_is_shown_is_the_current_turn(path: Path) -> None:
    async with open_chat(counting(), chats=path) as chat:
        await chat.ask("a")
        await press(chat, "r")
        await settled(chat, "answer 2 to a")
        chat.composer.focus()
        await chat.ask("b")
        await press(chat, "{", "{", "{", "[")
        await settled(chat, "answer 1 to a")
        await chat.pilot.press("]")
        await settled(chat, "answer 2 to a", "answer 3 to b")
        assert chat.transcript.current is not None
        assert chat.transcript.current.text == "a"


async def test_without_the_focus_the_current_turn_is_still_the_one_that_is_meant() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.ask("one")
        await chat.ask("two")
        await press(chat, "{", "{", "{", "tab")
        chat.screen.action_copy_as("curl")
        assert "one" in chat.app.clipboard
        assert "two" not in chat.app.clipboard


async def test_a_prompt_that_failed_has_no_versions_but_can_be_sent_again(path: Path) -> None:
    engine = FakeEngine(lambda _: Reply(refusal=ContextExceeded(9, 8)))
    async with open_chat(engine, chats=path) as chat:
        await chat.say("a")
        await chat.until(lambda: bool(chat.texts(Kind.ERROR)))
        await press(chat, "[")
        await chat.until(lambda: bool(chat.app._notifications))
        assert "there is no older version" in [note.message for note in chat.app._notifications]
        engine.reply = lambda prompt: Reply.of(f"said {prompt}")
        await press(chat, "r")
        await settled(chat, "said a")


async def test_an_answer_that_was_cut_goes_on_in_another_version(path: Path) -> None:
    engine = Remembering()
    engine.reply = lambda prompt: (
        Reply.of(" and the end") if prompt == CONTINUE else Reply(split("the beginning"), finish_reason="length")
    )
    async with open_chat(engine, chats=path) as chat:
        await chat.ask("tell")
        await press(chat, "c")
        await settled(chat, "the beginning and the end")
        assert engine.histories[-1] == (Turn("tell", "the beginning"),)
        assert chat.texts(Kind.PROMPT) == ["tell"]
        assert chat.texts(Kind.MARK) == []
    with closing(ChatStore.open(path)[0]) as store:
        kept = store.load(1)
        assert [(turn.answer, turn.state) for turn in kept.roots] == [
            ("the beginning", "cut"),
            ("the beginning and the end", "complete"),
        ]


async def test_an_answer_that_was_whole_goes_on_in_a_paragraph_of_its_own() -> None:
    engine = FakeEngine(lambda prompt: Reply.of("More." if prompt == CONTINUE else "All of it."))
    async with open_chat(engine) as chat:
        await chat.ask("tell")
        await press(chat, "c")
        await settled(chat, "All of it.\n\nMore.")


async def test_going_on_that_fails_gives_no_prompt_back_and_leaves_the_answer(path: Path) -> None:
    engine = FakeEngine()
    engine.reply = lambda prompt: (
        Reply(refusal=ContextExceeded(9, 8)) if prompt == CONTINUE else Reply(split("half"), finish_reason="length")
    )
    async with open_chat(engine, chats=path) as chat:
        await chat.ask("tell")
        await press(chat, "c")
        await chat.until(lambda: bool(chat.texts(Kind.ERROR)))
        assert chat.composer.text == ""
    with closing(ChatStore.open(path)[0]) as store:
        assert [turn.answer for turn in store.load(1).path] == ["half"]


async def test_a_fork_is_a_chat_of_its_own_up_to_the_turn(path: Path) -> None:
    engine = counting()
    async with open_chat(engine, chats=path) as chat:
        await chat.ask("a")
        await chat.ask("b")
        await press(chat, "{", "{", "{", "f")
        await settled(chat, "answer 1 to a")
        await chat.ask("c")
        assert engine.histories[-1] == (Turn("a", "answer 1 to a"),)
    with closing(ChatStore.open(path)[0]) as store:
        fork, old = store.chats()
        assert [turn.prompt for turn in store.load(fork.id).path] == ["a", "c"]
        assert [turn.prompt for turn in store.load(old.id).path] == ["a", "b"]


async def test_making_an_answer_again_while_it_is_written_keeps_what_was_there(path: Path) -> None:
    gate = Gate()
    engine = FakeEngine(lambda _: Reply.of("one two three"), gate=gate)
    async with open_chat(engine, chats=path) as chat:
        await chat.say("count")
        gate.open(2)
        await chat.until(lambda: chat.status.n_tokens == 2)
        await press(chat, "r")
        gate.open()
        await settled(chat, "one two three")
    with closing(ChatStore.open(path)[0]) as store:
        kept = store.load(1)
        assert [(turn.answer, turn.state) for turn in kept.roots] == [
            ("one two", "stopped"),
            ("one two three", "complete"),
        ]


async def test_branches_work_without_a_file() -> None:
    async with open_chat(counting()) as chat:
        await chat.ask("a")
        await press(chat, "r")
        await settled(chat, "answer 2 to a")
        await press(chat, "[")
        await settled(chat, "answer 1 to a")


async def test_another_chat_forgets_which_prompt_was_edited(path: Path) -> None:
    async with open_chat(FakeEngine(), chats=path) as chat:
        await chat.ask("a")
        await press(chat, "e")
        await chat.pilot.press("ctrl+n")
        await chat.until(lambda: not chat.texts(Kind.PROMPT) and chat.status.state == "ready")
        await chat.pilot.press("enter")
        await settled(chat, "You said: a")
    with closing(ChatStore.open(path)[0]) as store:
        assert [one.n_turns for one in store.chats()] == [1, 1]


async def test_escape_leaves_a_prompt_as_it_was_and_brings_the_draft_back() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.ask("a")
        chat.composer.insert("draft")
        await press(chat, "e")
        await chat.pilot.press("b")
        assert chat.composer.text == "ab"
        await chat.pilot.press("escape")
        assert chat.composer.text == "draft"
        await chat.pilot.press("enter")
        await settled(chat, "You said: a", "You said: draft")


async def test_the_draft_comes_back_after_a_prompt_was_edited() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.ask("a")
        chat.composer.insert("draft")
        await press(chat, "e")
        await chat.pilot.press("b", "enter")
        await settled(chat, "You said: ab")
        assert chat.composer.text == "draft"
