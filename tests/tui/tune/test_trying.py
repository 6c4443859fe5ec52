"""Prompts, previews, and A and B."""

from pathlib import Path

from poly_tui.screens.tune.cards import TextCard
from poly_tui.screens.tune.duel import Phase
from poly_tui.screens.tune.screen import TuneScreen
from tests.fake_engine import Gate, Reply
from tests.tui.steps import wait_until
from tests.tui.tune.steps import (
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


async def test_prompts_are_written_walked_changed_and_deleted_with_a_way_back(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        for text in ("When", "Why"):
            await pilot.press("i")
            await until_card(pilot, TextCard)
            await pilot.press(*text, "escape")
            await wait_until(pilot, lambda text=text: screen.prompt == text)  # type: ignore[misc]
        await pilot.press("a", "[")
        assert screen.prompt == "When"
        await pilot.press("e")
        await until_card(pilot, TextCard)
        await pilot.press("?", "escape")
        await wait_until(pilot, lambda: screen.prompt == "When?")
        await pilot.press("d")
        assert screen._saved_prompts.of("legal") == ("Why",)
        await pilot.press("u")
        assert screen._saved_prompts.of("legal") == ("When?", "Why")
        assert screen.prompt == "When?"


async def test_all_prompts_run_one_after_the_other(tmp_path: Path) -> None:
    engine = TunedEngine()
    async with tuning(engine, write_config(tmp_path)) as (pilot, screen):
        with_prompts(screen, "First?", "Second?")
        await pilot.press("R")
        await until_over(pilot, screen, "First?", "Second?")
        await wait_until(pilot, lambda: "✓ 2 Second?" in text_of(pilot))
        assert [prompt for _, prompt in engine.asked] == ["First? @0.4"] * 2 + ["Second? @0.4"] * 2
        assert "the same words" in text_of(pilot)


async def test_escape_stops_both_and_keeps_what_was_written(tmp_path: Path) -> None:
    gate = Gate(6)
    engine = TunedEngine(gate=gate)
    async with tuning(engine, write_config(tmp_path)) as (pilot, screen):
        with_prompts(screen, QUESTION)
        await pilot.press("r")
        await wait_until(pilot, lambda: QUESTION in screen._duels and _n_written(screen) == 6)
        await wait_until(pilot, lambda: engine.n_running == 2)
        await pilot.press("escape")
        await wait_until(pilot, lambda: screen._duels[QUESTION].is_over)
        sides = screen._duels[QUESTION].sides
        assert [side.phase for side in sides] == [Phase.STOPPED, Phase.STOPPED]
        assert any(side.text for side in sides)
        await wait_until(pilot, lambda: engine.n_running == 0)
        assert len(engine.cancelled) == 2
        await pilot.press("escape")
        assert screen.page == "fields"


def _n_written(screen: TuneScreen) -> int:
    return sum(side.n_tokens for side in screen._duels[QUESTION].sides)


async def test_in_turn_b_waits_for_a(tmp_path: Path) -> None:
    engine = TunedEngine(gate=Gate(3))
    async with tuning(engine, write_config(tmp_path)) as (pilot, screen):
        with_prompts(screen, QUESTION)
        await pilot.press("o", "r")
        await wait_until(pilot, lambda: QUESTION in screen._duels and _n_written(screen) == 3)
        assert [side.phase for side in screen._duels[QUESTION].sides] == [Phase.WRITING, Phase.WAITING]
        await pilot.press("escape")
        await wait_until(pilot, lambda: screen._duels[QUESTION].is_over)


async def test_what_goes_wrong_on_one_side_is_told_there(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        with_prompts(screen, QUESTION)
        screen.draft.set(("prelude",), "You are a lawyer.")
        screen.draft_changed()
        await pilot.press("r")
        await wait_until(pilot, lambda: QUESTION in screen._duels and screen._duels[QUESTION].is_over)
        saved, draft = screen._duels[QUESTION].sides
        assert saved.phase is Phase.DONE
        assert draft.phase is Phase.FAILED
        await wait_until(pilot, lambda: "cannot be used beside prelude" in text_of(pilot))
        await wait_until(pilot, lambda: "failed  seed 7" in text_of(pilot))
        assert "the same words" not in text_of(pilot)


async def test_answers_cannot_give_orders_to_the_terminal(tmp_path: Path) -> None:
    def reply(_: str) -> Reply:
        return Reply(("\x1b[31m", "[bold]red[/]"))

    async with tuning(TunedEngine(reply), write_config(tmp_path)) as (pilot, screen):
        with_prompts(screen, QUESTION)
        await pilot.press("r")
        await until_over(pilot, screen, QUESTION)
        text = text_of(pilot)
        assert "\x1b" not in text
        assert "␛[31m[bold]red[/]" in text


async def test_a_model_is_loaded_for_the_preview_only_if_one_asks(tmp_path: Path) -> None:
    engine = TunedEngine()
    async with tuning(engine, write_config(tmp_path), (120, 40)) as (pilot, screen):
        screen._saved_prompts.add("cook", QUESTION)
        screen.show_task("cook")
        await wait_until(pilot, lambda: "the model tiny is not loaded" in text_of(pilot))
        await pilot.press("p")
        await wait_until(pilot, lambda: "of 4096 tok" in text_of(pilot))


async def test_an_answer_of_an_older_draft_says_so(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path), (120, 40)) as (pilot, screen):
        with_prompts(screen, QUESTION)
        await pilot.press("r")
        await until_over(pilot, screen, QUESTION)
        assert "changed since" not in text_of(pilot)
        screen.draft.set(("temperature",), 0.7)
        screen.draft_changed()
        await wait_until(pilot, lambda: "the draft was changed since: r runs it again" in text_of(pilot))


async def test_a_prompt_that_is_not_seen_is_not_deleted(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path), (80, 24)) as (pilot, screen):
        with_prompts(screen, QUESTION)
        await pilot.press("d")
        assert screen._saved_prompts.of("legal") == (QUESTION,)
        await pilot.press("a", "d")
        assert screen._saved_prompts.of("legal") == ()


async def test_over_a_server_settings_are_asked_for_again_unless_they_are_being_tried() -> None:
    engine = TunedEngine()
    async with tuning(engine, None, url="http://server:3000") as (pilot, screen):
        screen.show_task("cook")
        engine._settings = {"cook": {"model": "tiny", "top_k": 7}}
        await pilot.press("f2", "f5")
        await wait_until(pilot, lambda: screen.draft.value(("top_k",)) == 7)
        assert screen.draft.name == "cook"
        walk_to(screen, "top_k")
        await pilot.press("right")
        engine._settings = {}
        await pilot.press("f2", "f5")
        await wait_until(pilot, lambda: not any(worker.group == "load" for worker in screen.workers))
        assert screen.draft.value(("top_k",)) == 8


async def test_over_a_server_what_a_turn_can_set_is_tried_and_nothing_else_is_changed() -> None:
    engine = TunedEngine()
    async with tuning(engine, None, url="http://server:3000") as (pilot, screen):
        assert "of a server: to try, not to save" in text_of(pilot)
        walk_to(screen, "description")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "only the server's own configuration" in told(pilot))
        with_prompts(screen, QUESTION)
        walk_to(screen, "temperature")
        await pilot.press(*["right"] * 6, "r")
        await until_over(pilot, screen, QUESTION)
        saved, draft = screen._duels[QUESTION].sides
        assert "may terminate" in saved.text
        assert "There are three cases" in draft.text
        assert engine.drafts == []
        assert screen.unsaved == ""
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "save where it runs" in told(pilot))
