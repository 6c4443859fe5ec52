"""Loading and unloading: with a look at the memory before, progress, a way back, and the cause where it fails."""

from poly_engine.errors import ModelLoadFailed
from poly_tui.screens.models.confirm import Question
from tests.fake_engine import Gate
from tests.tui.models.steps import GB, N_STEPS_OF_A_LOAD, open_models, two_models


async def test_l_loads_a_model_and_l_unloads_it() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        await models.press("down", "l")
        await models.until(lambda: models.model("tiny").is_loaded)
        assert models.model("tiny").seen.load_s is not None
        await models.press("l")
        await models.until(lambda: not models.model("tiny").is_loaded)
        assert engine.n_unloads["tiny"] == 1


async def test_loading_shows_how_far_it_is_and_escape_gives_it_up() -> None:
    engine = two_models(is_slow=True)
    async with open_models(engine) as models:
        await models.press("down", "l")
        engine.load_gate.open(2)
        await models.until_painted("◌ loading 50 %")
        await models.press("escape")
        await models.until(lambda: engine.n_unloads["tiny"] == 1)
        await models.until_painted("tiny", "○ on disk")
        assert (await engine.models())[1].state == "unloaded"


async def test_a_model_that_cannot_be_loaded_says_why_in_its_place() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        engine.load_failure = ModelLoadFailed("/models/tiny.gguf is cut off: download it again")
        await models.press("down", "l")
        await models.until_painted("✗ failed", "Problem /models/tiny.gguf is cut off: download it again")
        engine.load_failure = None
        await models.press("l")
        await models.until(lambda: models.model("tiny").is_loaded)
        assert not models.model("tiny").problem


async def test_a_model_that_does_not_fit_is_loaded_only_after_a_question() -> None:
    engine = two_models()
    async with open_models(engine, free_bytes=1_200_000) as models:
        await models.press("down", "l")
        await models.until(lambda: isinstance(models.pilot.app.screen, Question))
        await models.until_painted("It takes about 1.5 MB, and 1.2 MB are free.", "y load it all the same")
        await models.press("n")
        await models.until(lambda: models.pilot.app.screen is models.screen)
        assert (await engine.models())[1].state == "unloaded"

        await models.press("l")
        await models.until(lambda: isinstance(models.pilot.app.screen, Question))
        await models.press("y")
        await models.until(lambda: models.model("tiny").is_loaded)


async def test_a_model_that_fits_is_loaded_without_a_question() -> None:
    async with open_models(two_models(), free_bytes=GB) as models:
        await models.press("down", "l")
        await models.until(lambda: models.model("tiny").is_loaded)


async def test_a_model_that_is_at_work_is_unloaded_only_after_a_question() -> None:
    engine = two_models()
    engine.gate = Gate(1)
    async with open_models(engine) as models, engine.session("chat") as session, session.send("hello") as events:
        await anext(events)
        models.screen.look()
        await models.until_painted("At work on 1 request")
        await models.press("l")
        await models.until(lambda: isinstance(models.pilot.app.screen, Question))
        await models.until_painted("One request is being answered with it, and would fail.")
        await models.press("escape")
        await models.until(lambda: models.pilot.app.screen is models.screen)
        assert engine.n_unloads["qwen"] == 0

        await models.press("l")
        await models.until(lambda: isinstance(models.pilot.app.screen, Question))
        await models.press("y")
        await models.until(lambda: engine.n_unloads["qwen"] == 1)


async def test_a_model_that_is_being_loaded_is_not_loaded_twice() -> None:
    engine = two_models(is_slow=True)
    async with open_models(engine) as models:
        await models.press("down", "l", "l", "l")
        engine.load_gate.open(N_STEPS_OF_A_LOAD)
        await models.until(lambda: models.model("tiny").is_loaded)
        assert engine.n_unloads["tiny"] == 0
