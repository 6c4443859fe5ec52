"""What the pages of tuning look like."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import TextArea

from poly_tui.screens.tune.schema_card import SchemaCard
from tests.tui.looks import assert_looks
from tests.tui.steps import SIZES, screen_rows, wait_until
from tests.tui.tune.steps import (
    QUESTION,
    TunedEngine,
    text_of,
    tuning,
    until_card,
    until_over,
    walk_to,
    with_prompts,
    write_config,
)


@pytest.mark.parametrize("size", SIZES)
async def test_the_fields_show_what_is_saved_and_what_is_changed(tmp_path: Path, size: tuple[int, int]) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path), size) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press(*["right"] * 6)
        await wait_until(pilot, lambda: "0.70" in text_of(pilot))
        await pilot.pause()
        assert_looks(pilot, f"tune/fields-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", ["toml", "diff"])
async def test_pages_of_the_file(tmp_path: Path, page: str, size: tuple[int, int]) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path), size) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press(*["right"] * 6, "t" if page == "toml" else "=")
        await wait_until(pilot, lambda: "temperature = 0.7   # low: it quotes" in text_of(pilot))
        assert_looks(pilot, f"tune/{page}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES)
async def test_the_prompt_is_shown_part_by_part_with_its_tokens(tmp_path: Path, size: tuple[int, int]) -> None:
    engine = TunedEngine()
    async with tuning(engine, write_config(tmp_path), size) as (pilot, screen):
        with_prompts(screen, QUESTION)
        await pilot.press("p")
        await wait_until(pilot, lambda: "15 of 4096 tok" in text_of(pilot) and "─ prompt 8 tok" in text_of(pilot))
        assert_looks(pilot, f"tune/prompt-{size[0]}x{size[1]}")
    assert engine.drafts[-1]["temperature"] == 0.4
    assert engine.asked == []


@pytest.mark.parametrize("size", SIZES)
async def test_saved_and_draft_answer_with_one_seed_and_their_differences_are_told(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    engine = TunedEngine()
    async with tuning(engine, write_config(tmp_path), size) as (pilot, screen):
        with_prompts(screen, QUESTION)
        walk_to(screen, "temperature")
        await pilot.press(*["right"] * 6, "r")
        await until_over(pilot, screen, QUESTION)
        assert_looks(pilot, f"tune/duel-{size[0]}x{size[1]}")
    assert [overrides.seed for overrides in engine.overrides] == [7, 7]
    assert {draft["temperature"] for draft in engine.drafts} == {0.4, 0.7}


@pytest.mark.parametrize("size", SIZES)
async def test_the_schema_editor_marks_what_is_wrong_at_its_place(tmp_path: Path, size: tuple[int, int]) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path), size) as (pilot, screen):
        screen.show_task("cook")
        walk_to(screen, "biaser")
        await pilot.press("enter")
        await until_card(pilot, SchemaCard)
        card = pilot.app.screen
        assert isinstance(card, SchemaCard)
        area = card.query_one(TextArea)
        area.text = area.text.replace('"string"', '"strin"')
        await wait_until(pilot, lambda: card._fault is not None)
        assert card._fault is not None
        assert card._fault.place == (3, 4)
        await pilot.press("ctrl+n")
        assert area.cursor_location == (3, 4)
        assert_looks(pilot, f"tune/schema-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES)
async def test_no_row_is_wider_than_the_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path), size) as (pilot, screen):
        with_prompts(screen, QUESTION * 5)
        pages: list[Callable[[], None]] = [
            lambda page=page: screen.action_show_page(page)  # type: ignore[misc]
            for page in ("fields", "toml", "prompt", "diff", "duel")
        ]
        for show in pages:
            show()
            await pilot.pause()
            assert {len(row) for row in screen_rows(pilot)} == {size[0]}
