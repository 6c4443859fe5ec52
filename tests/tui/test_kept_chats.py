"""Chats that are kept: saved, listed, searched, opened again, renamed and deleted."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from poly_engine.types import Recalled, TaskInfo, Token, Turn
from poly_tui.chats.store import ChatStore
from poly_tui.chats.tree import ChatTurn
from poly_tui.screens.chat_list import ChatList
from poly_tui.transcript import Kind
from poly_tui.widgets.chat_heading import ChatHeading
from tests.chats.steps import add_turn
from tests.fake_engine import FakeEngine, FakeSession, Gate, Reply, split
from tests.tui.steps import SIZES, Chat, open_chat, press, screen_rows
from tests.tui.test_reading import HITS


class Remembering(FakeEngine):
    """Keeps the histories that sessions were opened with."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # whatever the other one takes
        self.histories: list[tuple[Turn, ...]] = []

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: object = (),
        settings: Mapping[str, object] | None = None,
    ) -> FakeSession:
        assert isinstance(history, tuple)
        self.histories.append(history)
        return super().session(task, system=system, history=history, settings=settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


@pytest.fixture
def two_chats(path: Path) -> Path:
    """A file with a chat about contracts, and a newer one about eggs."""
    with closing(ChatStore.open(path)[0]) as store:
        add_turn(store, store.create("About contracts", "echo"), "When may it end?", "In three [b]cases[/b].")
        add_turn(store, store.create("About eggs", "echo"), "How many eggs?", "Five.")
    return path


def titles(chat: Chat) -> list[str]:
    options = chat.app.screen.query_one(ChatList).query_one(OptionList).options
    return [str(option.prompt).split("\n")[0].strip("● ") for option in options]


async def test_a_chat_is_saved_and_opened_again_with_its_session(path: Path) -> None:
    async with open_chat(FakeEngine(), chats=path) as chat:
        await chat.ask("hello")
        await chat.ask("and now?")
    engine = Remembering()
    async with open_chat(engine, chats=path, chat=1) as chat:
        await chat.until(lambda: len(engine.histories) == 1)
        assert chat.texts(Kind.PROMPT) == ["hello", "and now?"]
        assert chat.texts(Kind.ANSWER) == ["You said: hello", "You said: and now?"]
        assert engine.histories == [(Turn("hello", "You said: hello"), Turn("and now?", "You said: and now?"))]
        assert chat.texts(Kind.DIVIDER) == ["echo · fake"]
        await chat.ask("third")
    with closing(ChatStore.open(path)[0]) as store:
        assert [turn.prompt for turn in store.load(1).path] == ["hello", "and now?", "third"]


@pytest.mark.parametrize("size", SIZES)
async def test_the_list_shows_the_newest_chat_first_and_opens_what_is_chosen(
    size: tuple[int, int], two_chats: Path
) -> None:
    async with open_chat(FakeEngine(), size, chats=two_chats) as chat:
        await chat.pilot.press("ctrl+r")
        await chat.until(lambda: titles(chat) == ["About eggs", "About contracts"])
        assert "About contracts" in "\n".join(screen_rows(chat.pilot))
        await chat.pilot.press("down", "enter")
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["In three [b]cases[/b]."])
        assert chat.composer.has_focus
        assert chat.screen.query_one(ChatHeading).chat_title == "About contracts"


async def test_a_wide_screen_has_the_list_beside_the_transcript_and_control_r_closes_it(two_chats: Path) -> None:
    async with open_chat(FakeEngine(), (160, 48), chats=two_chats) as chat:
        await chat.pilot.press("ctrl+r")
        await chat.until(lambda: bool(chat.screen.query(ChatList)) and len(titles(chat)) == 2)
        assert chat.app.screen is chat.screen
        await chat.pilot.press("ctrl+r")
        await chat.until(lambda: not chat.screen.query(ChatList))
        assert chat.composer.has_focus


async def test_typing_searches_what_was_said_and_escape_goes_back(two_chats: Path) -> None:
    async with open_chat(FakeEngine(), chats=two_chats) as chat:
        await chat.pilot.press("ctrl+r", *"three")
        await chat.until(lambda: titles(chat) == ["About contracts"])
        assert "In three [b]cases" in "\n".join(screen_rows(chat.pilot))
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen)
        assert not chat.texts(Kind.PROMPT)


async def test_a_chat_is_renamed_in_the_list(two_chats: Path) -> None:
    async with open_chat(FakeEngine(), chats=two_chats, chat=2) as chat:
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["Five."])
        await chat.pilot.press("ctrl+r")
        await chat.until(lambda: len(titles(chat)) == 2)
        await chat.pilot.press("tab", "r", "ctrl+u", *"Omelette", "enter")
        await chat.until(lambda: titles(chat) == ["Omelette", "About contracts"])
        assert chat.screen.query_one(ChatHeading).chat_title == "Omelette"


async def test_a_deleted_chat_can_be_had_back(two_chats: Path) -> None:
    async with open_chat(FakeEngine(), chats=two_chats, chat=2) as chat:
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["Five."])
        await chat.pilot.press("ctrl+r")
        await chat.until(lambda: len(titles(chat)) == 2)
        await chat.pilot.press("tab", "d")
        await chat.until(lambda: titles(chat) == ["About contracts"])
        assert not chat.texts(Kind.ANSWER)  # it was the one that was shown
        await chat.pilot.press("u")
        await chat.until(lambda: titles(chat) == ["About eggs", "About contracts"])


async def test_the_keys_of_the_list_are_letters_in_the_search(two_chats: Path) -> None:
    async with open_chat(FakeEngine(), chats=two_chats) as chat:
        await chat.pilot.press("ctrl+r", *"drunk")
        await chat.until(lambda: titles(chat) == [])
        assert chat.app.screen.query_one(ChatList).query_one(Input).value == "drunk"


def messages(chat: Chat) -> list[tuple[Kind, list[str]]]:
    """The rows of all messages."""
    return [(block.kind, [row.text for row in block.rows]) for block in chat.transcript.blocks if block.kind.is_message]


async def test_an_answer_is_opened_again_as_it_was(path: Path) -> None:
    reply = Reply(split("**No**, see [1]."), thoughts=split("Hm, let me see."), recalled=Recalled(HITS))
    async with open_chat(FakeEngine(lambda _: reply), chats=path) as chat:
        await chat.ask("may it?")
        before = messages(chat)
        assert before[-1] == (Kind.ANSWER, ["No, see [1]."])
    async with open_chat(FakeEngine(), chats=path, chat=1) as chat:
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["**No**, see [1]."])
        assert messages(chat) == before
        await press(chat, "1")
        await chat.until(lambda: "The supplier may" in "\n".join(chat.rows()))


async def test_what_was_bound_to_a_schema_is_opened_again_as_no_markdown(path: Path) -> None:
    reply = Reply((Token('{"a": "', 1, is_forced=True), Token("*b* c", 2), Token('"}', 3, is_forced=True)))
    async with open_chat(FakeEngine(lambda _: reply), chats=path) as chat:
        await chat.ask("go")
    async with open_chat(FakeEngine(), chats=path, chat=1) as chat:
        await chat.until(lambda: bool(chat.texts(Kind.ANSWER)))
        assert '{"a": "*b* c"}' in "\n".join(chat.rows())


async def test_a_long_chat_is_opened_at_its_end_with_only_that_laid_out(path: Path) -> None:
    with closing(ChatStore.open(path)[0]) as store:
        number = store.create("Long", "echo")
        parent = None
        for n in range(200):
            turn = ChatTurn(f"question {n}", answer=f"answer {n} " * 30, task="echo", model="fake", state="complete")
            parent = store.begin(number, parent, turn)
    async with open_chat(FakeEngine(), chats=path, chat=1) as chat:
        await chat.until(lambda: len(chat.texts(Kind.ANSWER)) == 200)
        assert chat.transcript.is_following
        assert "answer 199" in "\n".join(chat.rows())


async def test_a_draft_is_kept_per_chat(two_chats: Path) -> None:
    async with open_chat(FakeEngine(), chats=two_chats, chat=1) as chat:
        await chat.until(lambda: bool(chat.texts(Kind.ANSWER)))
        chat.composer.insert("half a thought")
        await chat.pilot.press("ctrl+r")
        await chat.until(lambda: len(titles(chat)) == 2)
        await chat.pilot.press(*"eggs", "enter")
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["Five."])
        assert chat.composer.text == ""
    async with open_chat(FakeEngine(), chats=two_chats, chat=1) as chat:
        await chat.until(lambda: chat.composer.text == "half a thought")


async def test_what_was_written_in_a_chat_that_had_not_begun_is_there_again(path: Path) -> None:
    async with open_chat(FakeEngine(), chats=path) as chat:
        chat.composer.insert("not sent")
        await chat.pilot.pause()
    async with open_chat(FakeEngine(), chats=path) as chat:
        await chat.until(lambda: chat.composer.text == "not sent")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["You said: not sent"])
    async with open_chat(FakeEngine(), chats=path) as chat:
        await chat.pilot.press("up")
        await chat.until(lambda: chat.composer.text == "not sent")  # from the history, not as a draft


async def test_the_prompts_of_earlier_are_found_with_up(two_chats: Path) -> None:
    async with open_chat(FakeEngine(), chats=two_chats) as chat:
        await chat.until(lambda: bool(chat.composer._history._prompts))
        await chat.pilot.press("up", "up")
        assert chat.composer.text == "When may it end?"


async def test_an_answer_that_quitting_broke_off_is_kept(path: Path) -> None:
    gate = Gate()
    async with open_chat(FakeEngine(lambda _: Reply.of("one two three"), gate=gate), chats=path) as chat:
        await chat.say("count")
        gate.open(2)
        await chat.until(lambda: chat.status.n_tokens == 2)
        await chat.pilot.press("ctrl+q")
    with closing(ChatStore.open(path)[0]) as store:
        (turn,) = store.load(1).path
        assert (turn.answer, turn.state) == ("one two", "stopped")


async def test_a_new_chat_leaves_the_old_one_as_it_is(path: Path) -> None:
    async with open_chat(FakeEngine(), chats=path) as chat:
        await chat.ask("one")
        await chat.pilot.press("ctrl+n")
        await chat.until(lambda: not chat.texts(Kind.PROMPT))
        await chat.ask("two")
    with closing(ChatStore.open(path)[0]) as store:
        assert [one.title for one in store.chats()] == ["two", "one"]


async def test_another_task_goes_on_with_the_chat(path: Path) -> None:
    engine = Remembering(tasks=[TaskInfo("legal", "big"), TaskInfo("starter", "small")])
    async with open_chat(engine, chats=path) as chat:
        await chat.ask("hello")
        await chat.pilot.press("ctrl+t", *"starter", "enter")
        await chat.until(lambda: len(engine.histories) == 2)
        assert engine.histories[1] == (Turn("hello", "You said: hello"),)
        await chat.ask("you?")
    async with open_chat(engine, chats=path, chat=1) as chat:
        await chat.until(lambda: chat.texts(Kind.DIVIDER) == ["legal · big", "starter · small"])
        assert engine.asked[-1] == ("starter", "you?")


async def test_a_file_that_cannot_be_used_is_told_and_the_chat_works(path: Path) -> None:
    path.write_bytes(b"damaged " * 1000)
    async with open_chat(FakeEngine(), chats=path) as chat:
        await chat.ask("hello")
        await chat.until(lambda: any("is damaged: it is kept as" in text for text in chat.texts(Kind.NOTICE)))
        assert chat.texts(Kind.ANSWER) == ["You said: hello"]


async def test_without_a_file_there_is_no_list() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.pilot.press("ctrl+r")
        assert [note.message for note in chat.app._notifications] == ["chats are not kept here"]


async def test_what_was_found_in_another_version_is_shown_where_it_was_said(path: Path) -> None:
    async with open_chat(FakeEngine(), chats=path) as chat:
        await chat.ask("one")
        await chat.ask("two")
        await press(chat, "{", "{", "{", "r")
        await chat.until(lambda: chat.texts(Kind.PROMPT) == ["one"] and chat.status.state == "ready")
        for n in range(2):  # the chat that is shown, and one that is opened
            await chat.pilot.press("ctrl+r", *"two")
            await chat.until(lambda: len(titles(chat)) == 1)
            await chat.pilot.press("enter")
            await chat.until(lambda: chat.texts(Kind.PROMPT) == ["one", "two"])
            assert chat.transcript.current is not None
            assert chat.transcript.current.text == "two"
            if n == 0:
                await press(chat, "[", "]", "ctrl+n")
                await chat.until(lambda: not chat.texts(Kind.PROMPT))


async def test_a_draft_that_comes_along_into_a_new_chat_is_no_longer_one_of_the_old(two_chats: Path) -> None:
    async with open_chat(FakeEngine(), chats=two_chats, chat=2) as chat:
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["Five."])
        chat.composer.insert("more")
        await chat.until(lambda: chat.screen._log.chat.draft == "more")
        await chat.pilot.press("ctrl+n")
        await chat.until(lambda: not chat.texts(Kind.PROMPT))
    with closing(ChatStore.open(two_chats)[0]) as store:
        assert (store.load(2).draft, store.new_draft()) == ("", "more")


async def test_a_long_prompt_is_folded_to_its_question(tmp_path: Path) -> None:
    async with open_chat(FakeEngine(lambda _: Reply.of("Much.")), chats=tmp_path / "chats.db") as chat:
        await chat.ask("\n".join(f"line {n}" for n in range(30)) + "\nand what does it say?")
        assert any("▸ 31 lines · and what does it say?" in row for row in chat.rows())
        assert not any("line 12" in row for row in chat.rows()[:5])
