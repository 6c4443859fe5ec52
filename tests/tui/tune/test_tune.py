"""The section that tunes tasks, in the hands of a user."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from poly_engine.config import load
from poly_tui.screens.tune.cards import LineCard, NameCard, TextCard
from poly_tui.screens.tune.duel import Phase
from poly_tui.screens.tune.schema_card import SchemaCard
from poly_tui.screens.tune.screen import TuneScreen
from tests.fake_engine import Gate, Reply
from tests.tui.looks import assert_looks
from tests.tui.steps import SIZES, screen_rows, wait_until
from tests.tui.tune.steps import CONFIG, TunedEngine, text_of, tuning, walk_to, write_config

QUESTION = "When may the supplier end the agreement?"


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def told(pilot: Pilot[None]) -> str:
    """What was last told in a toast."""
    return " ".join(note.message for note in pilot.app._notifications)


def with_prompts(screen: TuneScreen, *prompts: str) -> None:
    for prompt in prompts:
        screen._saved_prompts.add("legal", prompt)
    screen.task_changed()


async def until_card(pilot: Pilot[None], card: type) -> None:
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, card))
    await pilot.pause()


async def until_over(pilot: Pilot[None], screen: TuneScreen, *prompts: str) -> None:
    await wait_until(pilot, lambda: all(p in screen._duels and screen._duels[p].is_over for p in prompts))
    await wait_until(pilot, lambda: "Δ length" in text_of(pilot) or "the same words" in text_of(pilot))


# What it looks like


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


# Fields


async def test_a_number_goes_up_and_down_and_can_be_typed(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "top_k")
        await pilot.press("right", "shift+right", "left")
        assert screen.draft.value(("top_k",)) == 50
        await pilot.press("7")
        await until_card(pilot, LineCard)
        await pilot.press("7", "x", "enter")
        await wait_until(pilot, lambda: "must be a whole number, not 77x" in text_of(pilot))
        await pilot.press("backspace", "enter")
        await wait_until(pilot, lambda: screen.draft.value(("top_k",)) == 77)
        await pilot.press("x")
        assert screen.draft.value(("top_k",)) is None
        await pilot.press("u", "u")
        assert screen.draft.value(("top_k",)) == 50


async def test_a_text_is_written_over_several_lines_and_leaving_keeps_it(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "system")
        await pilot.press("enter")
        await until_card(pilot, TextCard)
        await pilot.press("enter", *"Yes", "escape")
        await wait_until(pilot, lambda: screen.draft.value(("system",)) == "You answer from the sources only.\nYes")
        await wait_until(pilot, lambda: "2 lines" in text_of(pilot))


async def test_a_list_is_written_line_by_line_and_what_cannot_be_read_is_not_lost(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "stop_sequences")
        await pilot.press("enter")
        await until_card(pilot, TextCard)
        await pilot.press("enter", *"a\\q", "escape")
        await wait_until(pilot, lambda: "line 2: \\q stands for nothing" in text_of(pilot))
        await pilot.press("backspace", "n", "escape")
        await wait_until(pilot, lambda: screen.draft.value(("stop_sequences",)) == ["\nUser:", "a\n"])


async def test_a_name_is_chosen_and_a_switch_is_turned(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        await pilot.press("enter")
        await until_card(pilot, NameCard)
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: screen.draft.value(("model",)) == "tiny")
        walk_to(screen, "memorization", "memory")
        await pilot.press("right")
        assert screen.draft.value(("memorization", "memory")) == "contracts"
        walk_to(screen, "memorization", "store_prompts")
        await pilot.press("space")
        assert screen.draft.value(("memorization", "store_prompts")) is True


async def test_what_is_wrong_stands_beside_its_field(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        screen.draft.set(("prelude",), "You are a lawyer.")
        screen.draft_changed()
        walk_to(screen, "system")
        await wait_until(pilot, lambda: "! cannot be used beside prelude" in text_of(pilot))


async def test_a_schema_is_taken_as_it_was_written_in_the_order_of_its_properties(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "biaser")
        await pilot.press("enter")
        await until_card(pilot, SchemaCard)
        pilot.app.screen.query_one(TextArea).text = json.dumps(schema)
        await pilot.press("escape")
        await wait_until(pilot, lambda: screen.draft.value(("biaser",)) is not None)
        assert repr(screen.draft.value(("biaser",))) == repr({"json_schema": schema})


async def test_a_schema_that_cannot_be_enforced_is_given_up_only_by_leaving_twice(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "biaser")
        await pilot.press("enter")
        await until_card(pilot, SchemaCard)
        pilot.app.screen.query_one(TextArea).text = "{"
        await pilot.press("escape")
        await wait_until(pilot, lambda: "esc again gives it up" in text_of(pilot))
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is screen)
        assert not screen.draft.changes


async def test_every_kind_of_biaser_keeps_its_own_text_while_one_looks_at_others(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "biaser")
        await pilot.press("enter")
        await until_card(pilot, SchemaCard)
        await pilot.press("ctrl+t", *"yes", "enter", *"no", "ctrl+t", *"[a-z]", *["ctrl+t"] * 4)
        await pilot.press("escape")
        await wait_until(pilot, lambda: screen.draft.value(("biaser",)) == {"choice": ["yes", "no"]})


# Saving


async def test_saving_writes_the_file_with_its_comments_and_the_engine_goes_on_with_it(tmp_path: Path) -> None:
    engine, path = TunedEngine(), write_config(tmp_path)
    async with tuning(engine, path) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.press("right")
        assert screen.unsaved == "not saved: 1 change of legal"
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
        assert screen.unsaved == "not saved: 1 change of legal"


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


# Prompts, A and B


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


# Over a server


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


async def test_keys_that_come_at_once_open_one_card_and_make_one_number(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "temperature")
        await pilot.pause()
        for key in ("1", ".", "5"):
            pilot.app.post_message(Key(key, key))
        await until_card(pilot, LineCard)
        await wait_until(pilot, lambda: pilot.app.screen.query_one(Input).has_focus)
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.screen is screen)
        assert screen.draft.value(("temperature",)) == 1.5
        pilot.app.post_message(Key("enter", "\r"))
        pilot.app.post_message(Key("enter", "\r"))
        await until_card(pilot, LineCard)
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is screen)


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
