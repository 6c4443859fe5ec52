"""The pages of a model: what is known of it, tokens and vectors while one writes, and how fast it is."""

import numpy as np
import pytest
from textual.widgets import TextArea

from poly_engine.errors import EngineFailed
from poly_engine.types import Embeddings, TokenPiece
from poly_tui.registry.models import COMMANDS
from poly_tui.screens.models.confirm import Question
from poly_tui.screens.models.embed_page import likeness_shown
from poly_tui.screens.models.tokens_page import MOST_SHOWN, tokens_shown
from tests.fake_engine import Gate, Reply
from tests.tui.models.steps import open_models, two_models
from tests.tui.steps import SIZES

ENTER_TEXT = "Geachte heer"


@pytest.mark.parametrize("size", SIZES)
async def test_tokens_are_shown_while_one_writes(size: tuple[int, int]) -> None:
    async with open_models(two_models(), size) as models:
        await models.press("t")
        await models.type(ENTER_TEXT)
        await models.until_painted("2 tokens", "12 characters", "Geachte│ heer")
        await models.type(", you")
        await models.until_painted("4 tokens", "Geachte│ heer│,│ you")


async def test_a_model_is_not_loaded_only_because_one_writes() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        await models.press("down", "t")
        await models.type("hello")
        await models.until_painted("not loaded: esc, then l loads it")
        assert (await engine.models())[1].state == "unloaded"
        await models.press("escape", "l")
        await models.until_painted("1 token · 5 characters")


async def test_another_model_tells_of_the_same_text() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        await models.press("t")
        await models.type("hello")
        await models.until_painted("1 token")
        await models.press("escape", "down")
        await models.until_painted("not loaded")
        await models.press("up")
        await models.until_painted("1 token")


def test_what_tokens_hold_cannot_reach_the_terminal() -> None:
    pieces = [TokenPiece(1, "\x1b[31m"), TokenPiece(2, "\n"), TokenPiece(3, "[/b]"), TokenPiece(4, "\t")]
    assert tokens_shown(pieces, 11).plain.splitlines()[1][1:-1] == "␛[31m│↵│[/b]│⇥"


def test_of_very_many_tokens_the_first_are_shown() -> None:
    shown = tokens_shown([TokenPiece(7, "a")] * (MOST_SHOWN + 5), MOST_SHOWN + 5).plain
    assert f"{MOST_SHOWN + 5} tokens" in shown
    assert shown.count("7") == MOST_SHOWN
    assert "… 5 more" in shown


@pytest.mark.parametrize("size", SIZES)
async def test_lines_are_compared(size: tuple[int, int]) -> None:
    async with open_models(two_models(), size) as models:
        await models.press("v")
        await models.type("hello there\nhello\nhello there")
        await models.until_painted("8 dimensions · 5 tokens", "1 1.00 0.74 1.00")


def test_likeness_is_a_cosine() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    rows = likeness_shown(Embeddings(vectors, 9), 3, 4).plain.splitlines()
    assert rows[0] == "2 dimensions · 9 tokens"
    assert [row.split() for row in rows[2:5]] == [
        ["1", "1.00", "0.00", "0.60"],
        ["2", "0.00", "1.00", "0.80"],
        ["3", "0.60", "0.80", "1.00"],
    ]
    assert rows[-1].split() == ["3", "+0.600", "+0.800"]


def test_more_lines_than_can_be_shown_are_told() -> None:
    vectors = np.eye(12, dtype=np.float32)
    assert likeness_shown(Embeddings(vectors, 9), 40, 4).plain.splitlines()[0].endswith("the first 12 of 40 lines")


@pytest.mark.parametrize("size", SIZES)
async def test_a_model_is_measured(size: tuple[int, int]) -> None:
    engine = two_models()
    async with open_models(engine, size) as models:
        await models.press("b", "enter")
        await models.until_painted("prefill/s", "qwen 2048 49.2")
        assert models.screen.backend.speeds["qwen"] == pytest.approx(49.2, abs=0.1)
        prompts = [prompt for _, prompt in engine.asked]
        assert len(set(prompts)) == 3
        assert engine.drafts == [{"model": "qwen", "template": "none"}] * 3


async def test_measuring_shows_how_far_it_is_and_escape_stops_it() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        engine.gate = Gate(100)
        await models.press("b", "enter")
        await models.until_painted("round 2 of 3 · writing 36 of 64")
        await models.press("escape")
        await models.until_painted("enter measures qwen")
        await models.until(lambda: engine.n_running == 0)
        assert len(engine.cancelled) == 1
        assert "qwen" not in models.screen.backend.speeds


async def test_a_model_that_is_not_loaded_is_loaded_to_be_measured() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        await models.press("down", "b")
        await models.until_painted("enter measures tiny, once it is loaded")
        await models.press("enter")
        await models.until_painted("tiny 2048 49.2")


async def test_a_model_that_does_not_fit_is_not_measured_without_a_question() -> None:
    engine = two_models()
    async with open_models(engine, free_bytes=1_200_000) as models:
        await models.press("down", "b", "enter")
        await models.until(lambda: isinstance(models.pilot.app.screen, Question))
        await models.press("n")
        await models.until(lambda: models.pilot.app.screen is models.screen)
        assert not engine.asked


async def test_what_went_wrong_while_measuring_is_told() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        engine.reply = lambda _: Reply(("a",), failure=EngineFailed("llama.cpp could not decode"))
        await models.press("b", "enter")
        await models.until_painted("qwen: llama.cpp could not decode")


async def test_a_model_of_a_server_is_measured_by_a_task_that_leaves_its_answers_free() -> None:
    engine = two_models()
    engine._settings = {"chat": {"biaser": {}}}
    async with open_models(engine, url="http://host:3000") as models:
        await models.press("b", "enter")
        await models.until_painted("qwen 2048 49.2")
        assert {task for task, _ in engine.asked} == {"legal"}
        assert not engine.drafts


async def test_escape_goes_back_to_the_list_and_the_page_stays() -> None:
    async with open_models(two_models(), (40, 12)) as models:
        await models.press("t")
        await models.until(lambda: isinstance(models.screen.focused, TextArea))
        assert "on disk" not in models.text
        await models.press("escape")
        await models.until_painted("on disk")
        await models.press("enter")
        await models.until(lambda: isinstance(models.screen.focused, TextArea))


async def test_a_click_shows_a_page() -> None:
    async with open_models(two_models()) as models:
        row = next(row for row in models.rows if "Tokenise" in row)
        await models.pilot.click(offset=(row.index("Bench") + 1, models.rows.index(row)))
        await models.until_painted("▌Bench▐", "enter measures qwen")


async def test_commands_of_the_registry_lead_to_their_pages() -> None:
    async with open_models(two_models()) as models:
        for command in COMMANDS:
            if command.action != "load":
                await models.pilot.app.run_action(command.action, models.screen)
                name = command.id.removeprefix("models.")
                await models.until(lambda name=name: models.screen._head.page == name)  # type: ignore[misc]
