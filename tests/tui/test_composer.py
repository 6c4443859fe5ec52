"""Writing a prompt."""

from pathlib import Path

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from poly_tui.app import know_alt_enter
from poly_tui.widgets.composer import Composer
from poly_tui.widgets.editor import edited
from poly_tui.widgets.history import PromptHistory
from poly_tui.widgets.pastes import Pastes
from tests.fake_engine import FakeEngine
from tests.tui.steps import open_chat


def test_the_history_walks_back_and_forth_and_ends_with_the_draft() -> None:
    history = PromptHistory()
    history.add("one")
    history.add("two")
    assert [history.older("draft"), history.older("two"), history.older("one")] == ["two", "one", None]
    assert [history.newer(), history.newer(), history.newer()] == ["two", "draft", None]


def test_a_prompt_that_was_repeated_is_remembered_once() -> None:
    history = PromptHistory()
    history.add("one")
    history.add("one")
    assert [history.older(""), history.older("one")] == ["one", None]


@pytest.mark.parametrize("key", ["shift+enter", "alt+enter", "ctrl+j"])
async def test_a_newline_is_not_the_end_of_a_prompt(key: str) -> None:
    engine = FakeEngine()
    async with open_chat(engine) as chat:
        await chat.pilot.press("a", key, "b", "enter")
        await chat.until(lambda: engine.asked == [("echo", "a\nb")])
        assert not chat.composer.text


def test_alt_enter_is_no_enter_in_a_plain_terminal() -> None:
    know_alt_enter()
    events_seen = list(XTermParser().feed("\x1b\r"))
    assert [event.key for event in events_seen if isinstance(event, events.Key)] == ["ctrl+j"]


async def test_enter_does_not_overtake_what_was_typed_before_nor_take_what_was_typed_after() -> None:
    engine = FakeEngine()
    async with open_chat(engine) as chat:
        for key in ["a", "b", "enter", "c"]:
            character = key if len(key) == 1 else "\r"
            chat.app.post_message(events.Key(key, character))
        await chat.until(lambda: bool(engine.asked))
        assert engine.asked == [("echo", "ab")]
        await chat.until(lambda: chat.composer.text == "c")


async def test_nothing_is_sent_when_there_is_nothing_to_send() -> None:
    engine = FakeEngine()
    async with open_chat(engine) as chat:
        await chat.pilot.press("space", "enter")
        await chat.pilot.pause()
        assert not engine.asked


async def test_up_and_down_walk_the_history_from_the_first_and_the_last_row() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.ask("one")
        await chat.ask("two\nrows")
        await chat.pilot.press(*"draft", "up")
        assert chat.composer.text == "two\nrows"
        await chat.pilot.press("up")
        assert chat.composer.text == "two\nrows"  # the cursor was in the last row, and is in the first now
        await chat.pilot.press("up")
        assert chat.composer.text == "one"
        await chat.pilot.press("down", "down")
        assert chat.composer.text == "draft"


async def test_pasted_text_loses_its_control_codes() -> None:
    async with open_chat(FakeEngine()) as chat:
        chat.composer.insert("<>")
        chat.composer.move_cursor((0, 1))
        chat.composer.post_message(events.Paste("a\x1b[31mb\r\nc"))
        await chat.until(lambda: chat.composer.text == "<a␛[31mb\nc>")
        await chat.pilot.press("d")
        assert chat.composer.text == "<a␛[31mb\ncd>"


async def test_prompts_that_come_back_stand_before_the_draft() -> None:
    async with open_chat(FakeEngine()) as chat:
        chat.composer.insert("draft")
        chat.composer.give_back(["one", "two"])
        assert chat.composer.text == "one\n\ntwo\n\ndraft"
        await chat.pilot.press("!")
        assert chat.composer.text.endswith("draft!")


@pytest.mark.parametrize(("size", "height"), [((40, 12), 3), ((80, 24), 4), ((160, 48), 10)])
async def test_it_grows_with_its_text_as_far_as_the_screen_allows(size: tuple[int, int], height: int) -> None:
    async with open_chat(FakeEngine(), size) as chat:
        assert chat.composer.size.height == 1
        chat.composer.insert("\n" * 20)
        await chat.until(lambda: chat.composer.size.height == height)


async def test_it_has_the_focus_at_the_start_and_after_sending() -> None:
    async with open_chat(FakeEngine()) as chat:
        assert isinstance(chat.screen.focused, Composer)
        await chat.ask("hello")
        assert isinstance(chat.screen.focused, Composer)


@pytest.mark.parametrize("text", ["line\n" * 10 + "end", "x" * 1001])
async def test_a_long_paste_is_folded_into_a_chip_and_sent_whole(text: str) -> None:
    engine = FakeEngine()
    async with open_chat(engine) as chat:
        await chat.pilot.press("a", "space")
        chat.composer.post_message(events.Paste(text))
        await chat.until(lambda: chat.composer.text.startswith("a [paste 1: "))
        await chat.pilot.press("space", "b", "enter")
        await chat.until(lambda: engine.asked == [("echo", f"a {text} b")])


async def test_a_chip_is_deleted_as_one() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.pilot.press("a")
        chat.composer.post_message(events.Paste("line\n" * 20))
        await chat.until(lambda: "[paste 1: 21 lines]" in chat.composer.text)
        await chat.pilot.press("backspace")
        assert chat.composer.text == "a"
        await chat.pilot.press("backspace")
        assert chat.composer.text == ""


def test_a_chip_in_a_paste_stays_what_it_is() -> None:
    pastes = Pastes()
    first = pastes.folded("x" * 2000)
    second = pastes.folded(f"{first}{'y' * 2000}")

    assert pastes.unfolded(f"{second} {first}") == f"{first}{'y' * 2000} {'x' * 2000}"


def test_the_editor_is_given_the_text_and_what_it_saves_is_taken(tmp_path: Path) -> None:
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\nprintf "%s, edited\\n" "$(cat "$2")" > "$2"\n')
    script.chmod(0o755)

    assert edited("é one\ntwo", {"EDITOR": f"{script} --wait", "VISUAL": ""}) == "é one\ntwo, edited"


def test_an_editor_that_fails_or_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match="false ended with 1"):
        edited("x", {"VISUAL": "false"})
    with pytest.raises(FileNotFoundError):
        edited("x", {"EDITOR": "/no/such/editor"})


async def test_where_the_terminal_cannot_be_lent_the_prompt_stays() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.pilot.press("a", "ctrl+o")
        assert chat.composer.text == "a"
        assert [note.message for note in chat.app._notifications] == ["this terminal cannot be lent to an editor"]
