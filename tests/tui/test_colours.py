"""What is painted where no colours are wanted."""

import pytest
from rich.color import ColorType

from poly_engine.types import TaskInfo
from tests.fake_engine import FakeEngine
from tests.tui.steps import open_chat

TASKS = [TaskInfo("first", "fake", "One"), TaskInfo("second", "fake", "Two")]


@pytest.mark.parametrize(("no_color", "is_coloured"), [("1", False), ("", True)])
async def test_no_color_leaves_the_colours_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, no_color: str, *, is_coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    async with open_chat(FakeEngine(tasks=TASKS)) as chat:
        await chat.ask("# hello")
        styles = [segment.style for strip in chat.app.screen._compositor.render_strips() for segment in strip]

    colours = {colour for style in styles if style for colour in (style.color, style.bgcolor) if colour}
    assert any(colour.type is not ColorType.DEFAULT for colour in colours) == is_coloured


async def test_without_colours_what_is_highlighted_is_underlined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_chat(FakeEngine(tasks=TASKS)) as chat:
        await chat.pilot.press("ctrl+t")
        await chat.pilot.press("down")
        await chat.pilot.pause()
        underlined = [
            segment.text
            for strip in chat.app.screen._compositor.render_strips()
            for segment in strip
            if segment.style and segment.style.underline and segment.text.strip()
        ]

    assert any("second" in text for text in underlined)
    assert not any("first" in text for text in underlined)
