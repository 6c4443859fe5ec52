"""Tuning over a real engine: a model of a few bytes, which says what was written down."""

from pathlib import Path

import pytest

from poly_engine.config import load
from poly_engine.local import LocalEngine
from poly_tui.screens.tune.duel import Phase
from poly_tui.screens.tune.screen import TuneScreen
from tests.gguf_models import make_scripted
from tests.tui.steps import open_section, wait_until
from tests.tui.tune.steps import text_of, walk_to

CONFIG = """\
[models.m]
model_path = "m.gguf"   # beside this file

# says what it was made to say
[tasks.yes]
model = "m"
template = "none"
seed = 1
repeat_penalty = 1.0
"""


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLY_DATA_DIR", str(tmp_path / "data"))


async def test_a_task_is_tried_compared_and_saved(tmp_path: Path) -> None:
    make_scripted(tmp_path / "m.gguf", "yes and no")
    file = tmp_path / "poly.toml"
    file.write_text(CONFIG)
    async with LocalEngine(load(file).config, folder=tmp_path) as engine:
        async with open_section("tune", engine, (120, 40), config_file=file) as (pilot, screen):
            assert isinstance(screen, TuneScreen)
            await wait_until(pilot, lambda: screen._form.field is not None)
            screen._saved_prompts.add("yes", "well>")
            screen.task_changed()
            await pilot.press("p")
            await wait_until(pilot, lambda: "5 of 512 tok" in text_of(pilot))
            walk_to(screen, "stop_sequences")
            screen.draft.set(("stop_sequences",), [" no"])
            screen.draft_changed()
            await pilot.press("r")
            await wait_until(pilot, lambda: "well>" in screen._duels and screen._duels["well>"].is_over)
            saved, draft = screen._duels["well>"].sides
            assert (saved.phase, saved.text, saved.finish_reason) == (Phase.DONE, "yes and no", "stop")
            assert (draft.phase, draft.text, draft.finish_reason) == (Phase.DONE, "yes and", "stop")
            await wait_until(pilot, lambda: "1 word only in A" in text_of(pilot))
            await pilot.press("ctrl+s")
            await wait_until(pilot, lambda: not screen.unsaved)
            assert (await engine.settings("yes"))["stop_sequences"] == [" no"]
    assert file.read_text() == CONFIG + 'stop_sequences = [" no"]\n'


async def test_a_schema_in_the_draft_binds_its_answer(tmp_path: Path) -> None:
    make_scripted(tmp_path / "m.gguf", "yes and no")
    file = tmp_path / "poly.toml"
    file.write_text(CONFIG)
    async with LocalEngine(load(file).config, folder=tmp_path) as engine:
        async with open_section("tune", engine, (80, 24), config_file=file) as (pilot, screen):
            assert isinstance(screen, TuneScreen)
            await wait_until(pilot, lambda: screen._form.field is not None)
            screen._saved_prompts.add("yes", "well>")
            screen.task_changed()
            screen.draft.set_biaser({"json_schema": {"type": "integer", "minimum": 3, "maximum": 3}})
            screen.draft_changed()
            await pilot.press("r")
            await wait_until(pilot, lambda: "well>" in screen._duels and screen._duels["well>"].is_over)
            saved, draft = screen._duels["well>"].sides
            assert (saved.text, saved.fits) == ("yes and no", None)
            assert (draft.text, draft.fits) == ("3", True)
            await wait_until(pilot, lambda: "schema ✓" in text_of(pilot))
