"""Fetching a model: from the list or by its name, with progress, a way to stop, and a place in the configuration."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Checkbox, Input, OptionList

from poly_engine.config import load
from poly_engine.errors import PullFailed
from poly_engine.local import LocalEngine
from poly_engine.models.pull import PullProgress
from poly_engine.models.recommended import recommended
from poly_tui.app import PolyApp
from poly_tui.screens.models.add_model import AddModel, Fetched, name_of
from poly_tui.screens.models.pull_page import PullPage, progress_shown
from tests.conftest import FamilyFile
from tests.gguf_models import EMBEDDER
from tests.pull.file_server import file_server
from tests.tui.models.steps import GB, Models, open_models, two_models


class Puller:
    """Fetches by script: it tells how far it is, and waits until the test lets it end."""

    def __init__(self, fetched: Fetched | None = None) -> None:
        self.asked: list[str] = []
        self.is_cancelled = False
        self.may_end = asyncio.Event()
        self.failure: PullFailed | None = None
        self._fetched = fetched

    async def __call__(self, reference: str, tell: Callable[[PullProgress], None]) -> Fetched:
        self.asked.append(reference)
        tell(PullProgress(reference, 0, None, None, "resolving"))
        tell(PullProgress(reference, 430_000_000, 1_000_000_000, 10_000_000, "downloading"))
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        if self.failure is not None:
            raise self.failure
        assert self._fetched is not None
        return self._fetched


def give(models: Models, puller: Puller) -> None:
    models.screen.query_one(PullPage).puller = puller


async def test_a_model_of_the_list_is_fetched_with_enter() -> None:
    puller = Puller()
    async with open_models(two_models()) as models:
        give(models, puller)
        await models.press("p")
        first, second = (one.name for one in recommended()[:2])
        await models.until_painted(first, second, recommended()[0].licence)
        await models.press("down", "down")
        await models.until(lambda: isinstance(models.screen.focused, OptionList))
        await models.press("enter")
        await models.until_painted("43 %", "430 MB of 1 GB 10 MB/s 57 s left", "esc stops")
        assert len(puller.asked) == 1
        assert puller.asked[0] in {first, second}


async def test_a_model_that_cannot_fit_is_marked_in_the_list() -> None:
    async with open_models(two_models(), free_bytes=3 * GB) as models:
        await models.press("p")
        await models.until_painted("qwen3-8b 5.03 GB Apache-2.0 ✗ too large for the free memory")
        assert models.text.count("too large") == 1


@pytest.mark.parametrize("key", ["escape", "c"])
async def test_fetching_is_stopped_and_can_be_gone_on_with(key: str) -> None:
    puller = Puller()
    async with open_models(two_models()) as models:
        give(models, puller)
        await models.press("p")
        await models.type("hf:a/b")
        await models.press("enter")
        await models.until_painted("43 %")
        models.screen.query_one(PullPage).action_to_list()
        await models.press(key)
        await models.until_painted("stopped: the same again goes on where it was")
        await models.until(lambda: puller.is_cancelled)
        models.screen.query_one(Input).focus()
        await models.press("enter")
        await models.until(lambda: puller.asked == ["hf:a/b", "hf:a/b"])


async def test_fetching_goes_on_while_other_pages_are_shown() -> None:
    puller = Puller()
    async with open_models(two_models()) as models:
        give(models, puller)
        await models.press("p")
        await models.type("hf:a/b")
        await models.press("enter")
        models.screen.action_page("tokens")
        await models.until_painted("↓ 43 % · 8 GB of 16 GB free")
        assert not puller.is_cancelled


async def test_what_was_fetched_waits_until_one_looks(config_file: Path, family_file: FamilyFile) -> None:
    puller = Puller(Fetched(family_file("llama-chatml"), "hf:a/b"))
    async with (
        LocalEngine(load(config_file).config) as engine,
        open_models(engine, config_file=config_file) as models,
    ):
        give(models, puller)
        await models.press("p")
        await models.type("hf:a/b")
        await models.press("enter")
        await models.until(lambda: puller.asked == ["hf:a/b"])
        app = models.pilot.app
        assert isinstance(app, PolyApp)
        await app.action_go("chat")
        puller.may_end.set()
        await models.until(lambda: models.screen._fetched is not None)
        assert not isinstance(app.screen, AddModel)
        await app.action_go("models")
        await models.until(lambda: isinstance(app.screen, AddModel))


async def test_what_goes_wrong_is_told_where_it_was_asked_for() -> None:
    puller = Puller()
    puller.failure = PullFailed("hf:a/b has no model in GGUF format")
    puller.may_end.set()
    async with open_models(two_models()) as models:
        give(models, puller)
        await models.press("p")
        await models.type("hf:a/b")
        await models.press("enter")
        await models.until_painted("hf:a/b has no model in GGUF format")


async def test_what_names_nothing_is_told() -> None:
    async with open_models(two_models()) as models:
        await models.press("p")
        await models.type("nothing")
        await models.press("enter")
        await models.until_painted("nothing names no model that could be fetched")


async def test_a_server_fetches_its_models_itself() -> None:
    async with open_models(two_models(), url="http://host:3000") as models:
        await models.press("p")
        await models.until_painted("poly model add does it on the machine of the server")
        await models.press("escape", "l")
        await models.until(lambda: not models.model("qwen").is_loaded)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (PullProgress("hf:a/b", 5, None, None, "downloading"), "5 B"),
        (PullProgress("hf:a/b", 0, 10_000_000_000, 1_000_000, "downloading"), "2 h 47 min left"),
        (PullProgress("hf:a/b\x1b[2J", 0, None, None, "checking"), "checking hf:a/b␛[2J"),
    ],
)
def test_progress_is_shown_as_far_as_it_is_known(progress: PullProgress, words: str) -> None:
    share = progress.n_done / progress.n_total if progress.n_total else None
    assert words in progress_shown(progress, share).plain


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Qwen3-4B-Q4_K_M.gguf", "qwen3-4b"),
        ("bge-small-en-v1.5-f16.gguf", "bge-small-en-v1.5"),
        ("Modell Ä.Q8_0.gguf", "modell"),
        ("☃.gguf", "model"),
    ],
)
def test_a_model_is_named_for_its_file(file: str, name: str) -> None:
    assert name_of(Path("/m") / file) == name


CONFIG = """\
cache_path = "{folder}"   # a comment that stays

[models.old]
model_path = "{old}"
threads = 1

[tasks.old]
model = "old"
template = "none"
"""


@pytest.fixture
def config_file(tmp_path: Path, family_file: FamilyFile, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "poly.toml"
    file.write_text(CONFIG.format(folder=tmp_path / "models", old=family_file("llama-chatml")))
    return file


async def test_a_fetched_model_comes_into_the_configuration_with_a_task(
    config_file: Path, family_file: FamilyFile
) -> None:
    before = config_file.read_text()
    async with (
        file_server() as server,
        LocalEngine(load(config_file).config) as engine,
        open_models(engine, config_file=config_file) as models,
    ):
        server.put("/tiny-llama-F32.gguf", family_file("llama-chatml").read_bytes(), '"1"')
        await models.press("p")
        models.screen.query_one(PullPage).query_one(Input).value = f"{server.url}/tiny-llama-F32.gguf"
        await models.press("enter")
        await models.until(lambda: isinstance(models.pilot.app.screen, AddModel))
        assert models.pilot.app.screen.query_one(Input).value == "tiny-llama"
        await models.press("enter")
        await models.until(lambda: any(one.name == "tiny-llama" for one in models.screen._models))
        assert models.model("tiny-llama").tasks == ("tiny-llama",)
        current = models.screen._list.current
        assert current is not None
        assert current.name == "tiny-llama"
        assert (await engine.load("tiny-llama")).state == "loaded"
        assert models.model("old").is_loaded  # what did not change stayed
    assert config_file.read_text().startswith(before)


async def test_a_name_that_is_taken_is_refused_and_asked_for_again(config_file: Path, family_file: FamilyFile) -> None:
    puller = Puller(Fetched(family_file("llama-chatml"), "hf:a/b"))
    puller.may_end.set()
    async with (
        LocalEngine(load(config_file).config) as engine,
        open_models(engine, config_file=config_file) as models,
    ):
        give(models, puller)
        await models.press("p")
        await models.type("hf:a/b")
        await models.press("enter")
        await models.until(lambda: isinstance(models.pilot.app.screen, AddModel))
        name = models.pilot.app.screen.query_one(Input)
        name.value = "old"
        await models.press("enter")
        await models.until_painted("there is a model old already: choose another name")
        name.value = "new"
        models.pilot.app.screen.query_one(Checkbox).value = False
        await models.press("enter")
        await models.until(lambda: any(one.name == "new" for one in models.screen._models))
        assert models.model("new").tasks == ()


async def test_a_model_that_embeds_gets_no_task_and_nothing_is_added_unasked(
    config_file: Path, family_file: FamilyFile
) -> None:
    puller = Puller(Fetched(family_file(EMBEDDER), "hf:a/b"))
    puller.may_end.set()
    before = config_file.read_text()
    async with (
        LocalEngine(load(config_file).config) as engine,
        open_models(engine, config_file=config_file) as models,
    ):
        give(models, puller)
        await models.press("p")
        await models.type("hf:a/b")
        await models.press("enter")
        await models.until(lambda: isinstance(models.pilot.app.screen, AddModel))
        assert not models.pilot.app.screen.query(Checkbox)
        await models.press("escape")
        await models.until(lambda: models.pilot.app.screen is models.screen)
    assert config_file.read_text() == before
