"""What the section looks like, page by page and size by size."""

import pytest

from poly_engine.errors import ModelLoadFailed
from tests.tui.looks import assert_looks
from tests.tui.models.steps import Models, open_models, two_models
from tests.tui.steps import SIZES

PAGES = {
    "list": ([], "", ["on disk"]),
    "info": (["i"], "", ["Memory takes about"]),
    "tokens": (["t"], "Geachte heer, hello", ["Geachte│ heer│,│ hello"]),
    "embed": (["v"], "hello there\nhello\nbye", ["8 dimensions · 4 tokens"]),
    "bench": (["b", "enter"], "", ["qwen 2048 49.2"]),
    "pull": (["p"], "", ["qwen3-4b"]),
}


async def rest(models: Models) -> None:
    """Wait until the models are looked at no more, and all is painted."""
    models.screen.on_screen_suspend()
    looking = models.screen._looking
    await models.until(lambda: looking is None or looking.is_finished)
    await models.pilot.pause()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_a_page_looks_as_it_was_kept(page: str, size: tuple[int, int]) -> None:
    keys, text, painted = PAGES[page]
    async with open_models(two_models(), size) as models:
        await models.press(*keys)
        await models.type(text)
        await models.until_painted(*painted)
        await rest(models)
        assert_looks(models.pilot, f"models/{page}-{size[0]}x{size[1]}")


async def test_a_failure_looks_as_it_was_kept() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        engine.load_failure = ModelLoadFailed("/models/tiny.gguf is cut off: download it again")
        await models.press("down", "l")
        await models.until_painted("✗ failed", "Problem")
        models.pilot.app.clear_notifications()
        await rest(models)
        assert_looks(models.pilot, "models/failed-80x24")


async def test_a_question_looks_as_it_was_kept() -> None:
    async with open_models(two_models(), free_bytes=1_200_000) as models:
        await models.press("down", "l")
        await models.until_painted("y load it all the same")
        await rest(models)
        assert_looks(models.pilot, "models/question-80x24")
