"""What the palette does with a chat."""

import json
from pathlib import Path

import pytest

from poly_tui.chats.copies import write_export
from poly_tui.chats.tree import Chat
from tests.fake_engine import FakeEngine
from tests.tui.steps import open_chat, screen_rows


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_a_chat_is_exported_from_the_palette(folder: Path) -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.ask("hello there")
        await chat.pilot.press("ctrl+p", *"export as json")
        await chat.until(lambda: "working directory" in "\n".join(screen_rows(chat.pilot)))
        await chat.pilot.press("enter")
        await chat.until(folder.joinpath("hello-there.json").exists)
        assert json.loads((folder / "hello-there.json").read_text())["title"] == "hello there"


async def test_the_turn_that_is_meant_is_copied_as_a_program() -> None:
    async with open_chat(FakeEngine()) as chat:
        chat.screen.action_copy_as("curl")
        assert not chat.app.clipboard
        await chat.ask("one")
        await chat.ask("two")
        chat.screen.action_copy_as("curl")
        assert chat.app.clipboard.startswith("curl http://localhost:3000/v1/chat/completions")
        assert '"content": "two"' in chat.app.clipboard
        chat.transcript.focus()
        await chat.pilot.press("{", "{", "{")
        chat.screen.action_copy_as("openai")
        assert "OpenAI(" in chat.app.clipboard
        assert "two" not in chat.app.clipboard


def test_an_export_takes_no_file_that_is_there(folder: Path) -> None:
    chat = Chat("../../etc/Passwd: a \x1b[31mname?")

    paths = [write_export(chat, "md", folder) for _ in range(2)]

    assert [path.name for path in paths] == ["etc-passwd-a-31mname.md", "etc-passwd-a-31mname-2.md"]
    assert all(path.parent == folder for path in paths)
