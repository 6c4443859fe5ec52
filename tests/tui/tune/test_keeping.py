"""Drafts that are saved, merged and copied in the section of tuning."""

from pathlib import Path

from poly_engine.config import load
from poly_tui.app import PolyApp
from poly_tui.backend import Backend
from poly_tui.registry import COMMANDS
from poly_tui.screens.tune.cards import LineCard, NameCard
from tests.tui.steps import wait_until
from tests.tui.tune.steps import (
    CONFIG,
    QUESTION,
    TunedEngine,
    text_of,
    told,
    tuning,
    until_card,
    until_over,
    walk_to,
    with_prompts,
    write_config,
)


async def test_saving_writes_the_file_with_its_comments_and_the_engine_goes_on_with_it(tmp_path: Path) -> None:
    engine, path = TunedEngine(), write_config(tmp_path)
    async with tuning(engine, path) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press("right")
        assert screen.unsaved == "1 change of legal is not saved"
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: bool(engine.configs))
        assert engine.configs[-1].tasks["legal"].temperature == 0.45
        await wait_until(pilot, lambda: not screen.unsaved and f"saved: {path}" in told(pilot))
    assert path.read_text() == CONFIG.replace("temperature = 0.4 ", "temperature = 0.45 ")


async def test_a_draft_that_is_wrong_is_not_saved_and_says_why(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    async with tuning(TunedEngine(), path) as (pilot, screen):
        screen.draft.set(("prelude",), "You are a lawyer.")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "not saved: system: cannot be used beside prelude" in told(pilot))
        assert screen.draft.changes
    assert path.read_text() == CONFIG


async def test_a_file_that_was_changed_meanwhile_is_read_again_and_the_draft_stays(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    others = CONFIG.replace("seed = 7", "seed = 8")
    async with tuning(TunedEngine(), path) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press("right")
        path.write_text(others)
        await pilot.press("ctrl+s")
        await until_card(pilot, NameCard)
        assert path.read_text() == others
        await pilot.press("enter")
        await wait_until(pilot, lambda: screen.draft.value(("seed",)) == 8)
        assert screen.draft.value(("temperature",)) == 0.45
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: not screen.unsaved)
    assert path.read_text() == others.replace("temperature = 0.4 ", "temperature = 0.45 ")


async def test_coming_back_to_the_section_reads_what_others_wrote(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    async with tuning(TunedEngine(), path) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press("right", "f2")
        await wait_until(pilot, lambda: pilot.app.screen is not screen)
        path.write_text(CONFIG.replace("seed = 7", "seed = 8"))
        await pilot.press("f5")
        await wait_until(pilot, lambda: screen.draft.value(("seed",)) == 8)
        assert screen.unsaved == "1 change of legal is not saved"


async def test_without_a_configuration_saving_begins_one(tmp_path: Path) -> None:
    engine = TunedEngine()
    async with tuning(engine, None) as (pilot, screen):
        assert screen.draft.name == "starter"
        walk_to(screen, "max_tokens")
        await pilot.press("right", "ctrl+s")
        await wait_until(pilot, lambda: not screen.unsaved)
    assert load(tmp_path / "home" / "poly" / "config.toml").config.tasks["starter"].max_tokens == 257


async def test_a_new_task_begins_as_a_copy(tmp_path: Path) -> None:
    engine, path = TunedEngine(), write_config(tmp_path)
    async with tuning(engine, path) as (pilot, screen):
        await pilot.press("n")
        await until_card(pilot, LineCard)
        await pilot.press(*"legal", "enter")
        await wait_until(pilot, lambda: "there is a task of that name" in text_of(pilot))
        await pilot.press("2", "enter")
        await wait_until(pilot, lambda: screen.draft.name == "legal2")
        with_prompts(screen)
        screen._saved_prompts.add("legal2", QUESTION)
        screen.task_changed()
        walk_to(screen, "temperature")
        await pilot.press(*["right"] * 6, "r")
        await until_over(pilot, screen, QUESTION)
        assert "supplier may terminate" in screen._duels[QUESTION].sides[0].text
        assert "There are three cases" in screen._duels[QUESTION].sides[1].text
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: not screen.unsaved)
    assert load(path).config.tasks["legal2"].temperature == 0.7


async def test_what_is_changed_while_it_is_saved_stays_a_change(tmp_path: Path) -> None:
    engine = TunedEngine()
    async with tuning(engine, write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press("right")
        screen.action_save()
        await wait_until(pilot, lambda: any(worker.group == "save" for worker in screen.workers))
        screen.draft.set(("top_k",), 3)
        await wait_until(pilot, lambda: bool(engine.configs))
        await wait_until(pilot, lambda: not any(worker.group == "save" for worker in screen.workers))
        saved = engine.configs[-1].tasks["legal"]
        is_saved = saved.top_k == 3
        assert saved.temperature == 0.45
        assert [field.name for field in screen.draft.changes] == ([] if is_saved else ["top_k"])


async def test_a_draft_is_reverted_as_a_whole_and_can_be_had_back(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press("right", "down", "right")
        screen.action_revert()
        assert not screen.draft.changes
        await pilot.press("u")
        assert [field.name for field in screen.draft.changes] == ["temperature", "top_k"]


async def test_a_command_of_the_palette_waits_until_the_configuration_is_read(tmp_path: Path) -> None:
    app = PolyApp(Backend.of(TunedEngine(), config_file=write_config(tmp_path)))
    async with app.run_test() as pilot:
        app.do(next(command for command in COMMANDS if command.id == "tune.task"))
        await until_card(pilot, NameCard)
        assert "cook" in text_of(pilot)


async def test_a_configuration_without_tasks_says_so_and_one_that_gets_some_is_read(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    async with tuning(TunedEngine(), path, (120, 40)) as (pilot, screen):
        await pilot.press("f2")
        path.write_text(CONFIG[: CONFIG.index("[tasks.legal]")])
        await pilot.press("f5")
        await wait_until(pilot, lambda: "no task is configured any more" in told(pilot))
        await pilot.press("u", "t", "p", "a", "r", "i", "n", "ctrl+s", "right", "enter")
        await pilot.press("f2")
        path.write_text(CONFIG)
        await pilot.press("f5")
        await wait_until(pilot, lambda: screen._form.field is not None)
        assert screen.draft.name == "legal"


async def test_who_leaves_both_as_they_are_keeps_a_file_and_a_draft(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    others = CONFIG.replace("seed = 7", "seed = 8")
    async with tuning(TunedEngine(), path) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press("right")
        path.write_text(others)
        await pilot.press("ctrl+s")
        await until_card(pilot, NameCard)
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: pilot.app.screen is screen)
        await wait_until(pilot, lambda: not any(worker.group in ("save", "load") for worker in screen.workers))
        assert screen.draft.value(("seed",)) == 7
        assert screen.unsaved == "1 change of legal is not saved"
    assert path.read_text() == others


async def test_a_new_task_says_of_no_field_what_is_saved(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        screen.desk.copy("legal2", "legal")
        screen.show_task("legal2")
        await wait_until(pilot, lambda: "● temperature" in text_of(pilot))
        assert "saved" not in text_of(pilot)
