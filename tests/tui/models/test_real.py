"""The section over real models: in this process, and behind a server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from poly_engine.config import Config
from poly_engine.local import LocalEngine
from poly_serve.client import RemoteEngine
from tests.conftest import FamilyFile
from tests.gguf_models import EMBEDDER, cut_in_tensors
from tests.serve.conftest import served
from tests.tui.models.steps import Models, open_models


def engine_of(writer: Path, embedder: Path) -> LocalEngine:
    models = {
        "a-writer": {"model_path": str(writer), "threads_per_session": 1, "parallel": 2},
        "embedder": {"model_path": str(embedder), "threads_per_session": 1},
    }
    tasks = {"write": {"model": "a-writer", "template": "none"}}
    memories = {"notes": {"embedding_model": "embedder"}}
    return LocalEngine(Config.model_validate({"models": models, "tasks": tasks, "memories": memories}))


@asynccontextmanager
async def here(writer: Path, embedder: Path) -> AsyncIterator[Models]:
    async with engine_of(writer, embedder) as engine, open_models(engine) as models:
        yield models


@asynccontextmanager
async def elsewhere(writer: Path, embedder: Path) -> AsyncIterator[Models]:
    async with (
        engine_of(writer, embedder) as local,
        served(local, Config()) as url,
        RemoteEngine(url) as engine,
        open_models(engine, url=url) as models,
    ):
        yield models


Where = Callable[[Path, Path], AbstractAsyncContextManager[Models]]


@pytest.mark.parametrize("where", [here, elsewhere])
async def test_a_real_model_is_looked_at_measured_and_unloaded(where: Where, family_file: FamilyFile) -> None:
    async with where(family_file("llama-chatml"), family_file(EMBEDDER)) as models:
        await models.until_painted("a-writer", "llama", "F32", "● loaded", "512")
        await models.press("t")
        await models.type("hello there")
        await models.until_painted("11 characters")
        await models.press("escape", "b", "enter")
        await models.until(lambda: "a-writer" in models.screen.backend.speeds)
        await models.until_painted("prefill/s")
        await models.press("escape", "l")
        await models.until(lambda: models.model("a-writer").info.state == "unloaded")
        await models.press("l")
        await models.until(lambda: models.model("a-writer").is_loaded)


@pytest.mark.parametrize("where", [here, elsewhere])
async def test_a_model_that_only_embeds_is_measured_by_that(where: Where, family_file: FamilyFile) -> None:
    async with where(family_file("llama-chatml"), family_file(EMBEDDER)) as models:
        await models.press("down", "b", "enter")
        await models.until(lambda: "embedder" in models.screen.backend.speeds)
        await models.press("escape", "v")
        await models.type("hello\nhello\nother")
        await models.until_painted("32 dimensions", "1 1.00 1.00")


async def test_the_page_of_a_real_model_says_what_its_file_says(family_file: FamilyFile) -> None:
    async with here(family_file("llama-chatml"), family_file(EMBEDDER)) as models:
        await models.until_painted("1k tokens of context take 262 kB", "✓ fits", "What the file says, of 21 tensors:")


async def test_a_model_whose_file_is_damaged_says_so(family_file: FamilyFile, tmp_path: Path) -> None:
    damaged = cut_in_tensors(family_file(EMBEDDER), tmp_path / "damaged.gguf")
    async with here(family_file("llama-chatml"), damaged) as models:
        await models.press("down")
        await models.until_painted("embedder", "✗ failed", "download it again")
        await models.press("l")
        await models.until(lambda: not models.screen._loading["embedder"].is_running)
