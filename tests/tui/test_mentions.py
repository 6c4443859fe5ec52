from pathlib import Path

import pytest
from textual import events

from poly_tui.mentions import dropped, files_like, mention, mentions, unfinished
from poly_tui.transcript import Kind
from poly_tui.widgets.completions import Completions
from tests.fake_engine import FakeEngine
from tests.tui.steps import SIZES, Chat, open_chat


def _files(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"what {path.name} says")
    return paths


def test_files_are_mentioned_and_what_only_looks_like_it_is_text(tmp_path: Path) -> None:
    one, two = _files(tmp_path, "one.txt", "two words.txt")
    text = f"compare {mention(str(one))} and {mention(str(two))} for me@home.org, @nobody @{tmp_path}"
    assert [found.path for found in mentions(text)] == [one, two]
    assert [text[found.start : found.end] for found in mentions(text)] == [f"@{one}", f'@"{two}"']


def test_a_path_that_is_being_written_is_seen() -> None:
    assert unfinished("look at @doc/re") == (8, "doc/re")
    assert unfinished('look at @"my re') == (8, "my re")
    assert unfinished("@") == (0, "")
    assert unfinished("me@home") is None
    assert unfinished("@a then") is None


def test_files_are_found_by_their_beginning(tmp_path: Path) -> None:
    _files(tmp_path, "Report.pdf", "report/one.txt", "other.txt", ".hidden")
    assert files_like(f"{tmp_path}/re") == [f"{tmp_path}/report/", f"{tmp_path}/Report.pdf"]
    assert f"{tmp_path}/.hidden" not in files_like(f"{tmp_path}/")
    assert files_like(f"{tmp_path}/.") == [f"{tmp_path}/.hidden"]
    assert files_like(f"{tmp_path}/nowhere/x") == []


def test_what_is_dropped_on_a_terminal_are_files(tmp_path: Path) -> None:
    one, two = _files(tmp_path, "one.txt", "two words.txt")
    escaped = str(two).replace(" ", "\\ ")
    for text in (f"{one} {escaped}", f"'{one}' '{two}'", f"file://{one}\nfile://{str(two).replace(' ', '%20')}"):
        assert dropped(text) == [one, two], text
    assert dropped(str(two)) == [two]
    for text in ("", "hello", f"see {one}", "one.txt", "/nowhere/at/all", "'", f"{tmp_path}"):
        assert dropped(text) == [], text


async def test_a_file_is_completed_and_its_text_goes_with_the_prompt(tmp_path: Path) -> None:
    (one,) = _files(tmp_path, "one.txt")
    engine = FakeEngine()
    async with open_chat(engine) as chat:
        chat.composer.insert(f"sum up @{tmp_path}/on")
        await chat.until(lambda: chat.screen.query_one(Completions).chosen is not None)
        await chat.pilot.press("tab")
        assert chat.composer.text == f"sum up @{one} "
        await chat.pilot.press("enter")
        await chat.until(lambda: bool(engine.asked))
        assert engine.asked == [("echo", "sum up [one.txt]\nwhat one.txt says")]


async def test_a_file_that_cannot_be_read_leaves_the_prompt_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7 and no more")
    engine = FakeEngine()
    async with open_chat(engine) as chat:
        chat.composer.insert(f"sum up @{path} please")
        await chat.pilot.press("enter")
        await chat.until(lambda: any("broken.pdf" in note.message for note in chat.app._notifications))
        assert chat.composer.text == f"sum up @{path} please"
        assert not engine.asked


async def test_files_that_cannot_fit_are_refused_with_what_would_help(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("word " * 5000)
    async with open_chat(FakeEngine(context_size=512)) as chat:
        chat.composer.insert(f"@{path} ?")
        await chat.pilot.press("enter")
        await chat.until(lambda: any("/remember" in note.message for note in chat.app._notifications))
        assert chat.composer.text


async def test_a_dropped_file_is_mentioned(tmp_path: Path) -> None:
    (one,) = _files(tmp_path, "one two.txt")
    async with open_chat(FakeEngine()) as chat:
        chat.app.post_message(events.Paste(str(one)))
        await chat.until(lambda: chat.composer.text == f'@"{one}" ')


async def test_files_are_taken_into_a_memory(tmp_path: Path) -> None:
    (one,) = _files(tmp_path, "one.txt")
    engine = FakeEngine(memories=["notes"])
    async with open_chat(engine) as chat:
        chat.composer.insert(f"/remember @{one}")
        await chat.pilot.press("enter")
        await chat.until(lambda: any("one.txt is in the memory notes" in text for text in chat.texts(Kind.NOTICE)))
        assert [document.source for document in await engine.documents("notes")] == [str(one)]
        assert not chat.composer.text


async def test_which_memory_is_asked_where_there_are_several(tmp_path: Path) -> None:
    (one,) = _files(tmp_path, "one.txt")
    engine = FakeEngine(memories=["notes", "laws"])
    async with open_chat(engine) as chat:
        chat.composer.insert(f"/remember @{one}")
        await chat.pilot.press("enter")
        await chat.until(lambda: any("there are" in text for text in chat.texts(Kind.ERROR)))
        chat.composer.insert(f"/remember laws @{one}")
        await chat.pilot.press("enter")
        await chat.until(lambda: any("memory laws" in text for text in chat.texts(Kind.NOTICE)))


@pytest.mark.parametrize("size", SIZES)
async def test_commands_are_listed_and_done(size: tuple[int, int]) -> None:
    async with open_chat(FakeEngine(), size) as chat:
        await chat.ask("hello")
        await chat.pilot.press("/", "n", "e")
        await chat.until(lambda: any("/new" in row and "Begin a new chat" in row for row in chat.rows()))
        await chat.pilot.press("enter")
        await chat.until(lambda: not chat.texts(Kind.ANSWER))
        assert not chat.composer.text


async def test_completions_are_walked_and_left() -> None:
    async with open_chat(FakeEngine()) as chat:
        listed = chat.screen.query_one(Completions)
        await chat.pilot.press("/", "down", "tab")
        assert chat.composer.text.startswith("/")
        assert len(chat.composer.text) > 2
        chat.composer.clear()
        await chat.pilot.press("/", "escape")
        assert listed.chosen is None
        assert chat.composer.text == "/"


async def test_a_command_that_there_is_not_is_told_of_and_stays() -> None:
    engine = FakeEngine()
    async with open_chat(engine) as chat:
        for text, words in (("/nwe", "did you mean /new?"), ("/new now", "takes nothing behind it")):
            await _say(chat, text)
            await chat.until(lambda words=words: any(words in note.message for note in chat.app._notifications))  # type: ignore[misc]
            assert chat.composer.text == text
        await _say(chat, " /nwe")
        await chat.until(lambda: engine.asked == [("echo", "/nwe")])
        await _say(chat, "/usr/bin/env is a path")
        await chat.until(lambda: engine.asked[1:] == [("echo", "/usr/bin/env is a path")])


async def _say(chat: Chat, text: str) -> None:
    chat.composer.clear()
    chat.composer.insert(text)
    await chat.pilot.press("enter")
