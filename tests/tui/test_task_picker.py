"""Choosing a task."""

import pytest
from textual.widgets import OptionList

from poly_engine.types import TaskInfo
from poly_tui.screens.tasks import TaskPicker
from poly_tui.widgets.chat_heading import ChatHeading
from tests.fake_engine import FakeEngine
from tests.tui.steps import SIZES, Chat, open_chat, screen_rows

TASKS = [
    TaskInfo("legal", "qwen", "About [contracts]"),
    TaskInfo("starter", "tiny", "Says what it is"),
    TaskInfo("translate", "gemma", "Into English"),
]


def shown(chat: Chat) -> list[str]:
    options = chat.app.screen.query_one(OptionList).options
    return [str(option.prompt).split()[0].strip("●") or str(option.prompt).split()[1] for option in options]


@pytest.mark.parametrize("size", SIZES)
async def test_tasks_are_listed_with_model_and_description(size: tuple[int, int]) -> None:
    async with open_chat(FakeEngine(tasks=TASKS), size) as chat:
        await chat.pilot.press("ctrl+t")
        screen = "\n".join(screen_rows(chat.pilot))
        for words in ("● legal  qwen", "About [contracts]", "starter  tiny", "Says what it is"):
            assert words in screen


@pytest.mark.parametrize(
    ("typed", "names"),
    [("", ["legal", "starter", "translate"]), ("ENGL", ["translate"]), ("into_gem", ["translate"]), ("zz", [])],
)
async def test_typing_filters_by_name_model_and_description(typed: str, names: list[str]) -> None:
    async with open_chat(FakeEngine(tasks=TASKS)) as chat:
        await chat.pilot.press("ctrl+t", *("space" if key == "_" else key for key in typed))
        await chat.until(lambda: shown(chat) == names)


async def test_arrows_move_and_enter_chooses() -> None:
    async with open_chat(FakeEngine(tasks=TASKS)) as chat:
        await chat.pilot.press("ctrl+t", "down", "down", "up", "enter")
        await chat.until(lambda: chat.screen.query_one(ChatHeading).task_name == "starter")


async def test_escape_leaves_everything_as_it_was() -> None:
    async with open_chat(FakeEngine(tasks=TASKS)) as chat:
        await chat.pilot.press("ctrl+t", "down", "escape")
        await chat.until(lambda: not isinstance(chat.app.screen, TaskPicker))
        assert chat.screen.query_one(ChatHeading).task_name == "legal"


async def test_enter_chooses_nothing_when_nothing_matches() -> None:
    async with open_chat(FakeEngine(tasks=TASKS)) as chat:
        await chat.pilot.press("ctrl+t", *"zz", "enter")
        assert isinstance(chat.app.screen, TaskPicker)


async def test_a_click_chooses() -> None:
    async with open_chat(FakeEngine(tasks=TASKS)) as chat:
        await chat.pilot.press("ctrl+t")
        await chat.pilot.click(OptionList, offset=(4, 2))
        await chat.until(lambda: chat.screen.query_one(ChatHeading).task_name == "starter")
