"""Fields in the hands of a user."""

import json
from pathlib import Path

from textual.events import Key
from textual.widgets import Input, TextArea

from poly_tui.screens.tune.cards import LineCard, NameCard, TextCard
from poly_tui.screens.tune.schema_card import SchemaCard
from tests.tui.steps import wait_until
from tests.tui.tune.steps import CONFIG, TunedEngine, text_of, tuning, until_card, walk_to, write_config


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
        await pilot.press("ctrl+t", "ctrl+t", *"yes", "enter", *"no", "ctrl+t", *"[a-z]", *["ctrl+t"] * 5)
        await pilot.press("escape")
        await wait_until(pilot, lambda: screen.draft.value(("biaser",)) == {"choice": ["yes", "no"]})


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


async def test_the_schema_in_a_file_is_edited_and_saved_there(tmp_path: Path) -> None:
    engine = TunedEngine()
    (tmp_path / "dish.json").write_text('{"type": "string"}\n')
    path = write_config(tmp_path, CONFIG.replace("seed = 7", 'biaser = { json_schema_file = "dish.json" }'))
    before = path.read_text()
    async with tuning(engine, path) as (pilot, screen):
        walk_to(screen, "biaser")
        await pilot.press("enter")
        await until_card(pilot, SchemaCard)
        assert "a file of its own: dish.json" in text_of(pilot)
        area = pilot.app.screen.query_one(TextArea)
        assert area.text == '{"type": "string"}\n'
        area.text = '{"const": null}\n'
        await pilot.press("escape")
        await wait_until(pilot, lambda: screen.unsaved == "1 change of legal is not saved")
        await pilot.press("=")
        await wait_until(pilot, lambda: '+{"const": null}' in text_of(pilot))
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: not screen.unsaved)
    assert (tmp_path / "dish.json").read_text() == '{"const": null}\n'
    assert path.read_text() == before


async def test_a_schema_that_the_configuration_cannot_hold_goes_to_a_file(tmp_path: Path) -> None:
    async with tuning(TunedEngine(), write_config(tmp_path)) as (pilot, screen):
        walk_to(screen, "biaser")
        await pilot.press("enter")
        await until_card(pilot, SchemaCard)
        pilot.app.screen.query_one(TextArea).text = '{"enum": [1, null]}'
        await wait_until(pilot, lambda: "TOML has no null" in text_of(pilot))
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: "legal.schema.json" in text_of(pilot) and "can be enforced" in text_of(pilot))
        await pilot.press("escape")
        await wait_until(pilot, lambda: screen.unsaved == "1 change of legal is not saved")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: not screen.unsaved)
    assert (tmp_path / "legal.schema.json").read_text() == '{"enum": [1, null]}'
