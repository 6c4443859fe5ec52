"""The list of models: what it says, in how many columns, and that it keeps up with what happens."""

from collections.abc import Sequence

import pytest
from textual.content import Content

from poly_engine.errors import EngineUnreachable
from poly_engine.types import ModelInfo, TaskInfo
from poly_tui.screens.models.columns import laid_out, state_of
from poly_tui.screens.models.facts import ModelFacts, Seen
from tests.fake_engine import FakeEngine
from tests.tui.models.steps import open_models, two_models
from tests.tui.steps import SIZES

LARGE = ModelFacts(
    ModelInfo(
        "qwen3-4b",
        "/m/qwen.gguf",
        "loaded",
        size_bytes=2_500_000_000,
        architecture="qwen3",
        n_params=4_020_000_000,
        context_size=8192,
        device="cpu",
        quantization="Q4_K_M",
    ),
    ("chat", "legal"),
    ("notes",),
    tokens_per_s=47.21,
)
SMALL = ModelFacts(ModelInfo("an-embedder-with-a-very-long-name-indeed", "/m/bge.gguf", "unloaded", 67_000_000))


SHORT = ModelFacts(ModelInfo("q", "/m/q.gguf", "loaded", 1_000_000, quantization="F16", context_size=4096))


def texts(width: int, *models: ModelFacts) -> list[str]:
    table = laid_out(models or [LARGE, SMALL], width)
    return [row.plain for row in (table.header, *table.rows)]


def test_a_wide_list_says_all_there_is() -> None:
    header, large, small = texts(160)
    assert " ".join(header.split()) == "Name Arch Params Quant Size Device State Context tok/s Used by"
    assert "qwen3-4b" in large
    assert "4.02 G" in large
    assert "Q4_K_M" in large
    assert "2.5 GB" in large
    assert "● loaded" in large
    assert "8192" in large
    assert "47.2" in large
    assert "chat, legal, memory notes" in large
    assert "○ on disk" in small


@pytest.mark.parametrize("width", range(22, 160))
def test_rows_fit_whatever_the_width_is(width: int) -> None:
    for models in ([LARGE, SMALL], [SHORT]):
        rows = texts(width, *models)
        assert len({len(row) for row in rows}) == 1
        assert len(rows[0]) <= width


def test_a_narrow_list_keeps_name_and_state() -> None:
    header, large, _ = texts(30)
    assert header.split() == ["Name", "State"]
    assert "● loaded" in large


@pytest.mark.parametrize(
    ("state", "seen", "words"),
    [
        ("loaded", Seen(), "● loaded"),
        ("unloaded", Seen(), "○ on disk"),
        ("loading", Seen(), "◌ loading"),
        ("unloaded", Seen(loaded_share=0.43), "◌ loading 43 %"),
        ("failed", Seen(), "✗ failed"),
    ],
)
def test_a_state_is_a_sign_and_a_word(state: str, seen: Seen, words: str) -> None:
    info = ModelInfo("m", "/m.gguf", state, 1)  # type: ignore[arg-type]  # one of them
    assert state_of(ModelFacts(info, seen=seen)).plain == words


@pytest.mark.parametrize(
    ("state", "words"), [("loaded", "● answers"), ("unloaded", "○ not asked"), ("failed", "✗ failed")]
)
def test_of_a_model_of_a_server_the_state_says_whether_that_answers(state: str, words: str) -> None:
    info = ModelInfo("m", "http://h/v1", state, is_remote=True)  # type: ignore[arg-type]  # one of them
    assert state_of(ModelFacts(info)).plain == words


def test_names_cannot_write_anything_but_text() -> None:
    row = laid_out([ModelFacts(ModelInfo("[b]\x1b[31mred\nx", "/m", "unloaded"))], 80).rows[0]
    assert isinstance(row, Content)
    assert "\x1b" not in row.plain
    assert "\n" not in row.plain
    assert "[b]" in row.plain


@pytest.mark.parametrize("size", SIZES)
async def test_models_are_listed_with_their_states(size: tuple[int, int]) -> None:
    async with open_models(two_models(), size) as models:
        await models.until_painted("qwen", "● loaded", "tiny", "○ on disk")


async def test_what_others_load_is_seen() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        await engine.load("tiny")
        await models.until(lambda: models.model("tiny").is_loaded)
        await engine.unload("tiny")
        await models.until(lambda: not models.model("tiny").is_loaded)


class Leaving(FakeEngine):
    """Cannot be reached now and then."""

    is_gone = False

    async def models(self) -> Sequence[ModelInfo]:
        if self.is_gone:
            raise EngineUnreachable("there is no connection to it")
        return await super().models()


async def test_a_server_that_is_gone_is_told_and_what_was_known_stays() -> None:
    engine = two_models(kind=Leaving)
    assert isinstance(engine, Leaving)
    async with open_models(engine) as models:
        engine.is_gone = True
        models.screen.look()
        await models.until_painted("✗ not reached")
        assert "qwen" in models.text
        engine.is_gone = False
        models.screen.look()
        await models.until_painted("of 16 GB free")


async def test_the_cursor_stays_on_its_model_when_others_come_and_go() -> None:
    engine = two_models()
    async with open_models(engine) as models:
        await models.press("down")
        engine._models = {"another": ModelInfo("another", "/a.gguf", "unloaded", 1), **engine._models}
        models.screen.look()
        await models.until(lambda: len(models.screen._models) == 3)
        current = models.screen._list.current
        assert current is not None
        assert current.name == "tiny"


async def test_the_list_says_how_fast_the_chat_last_wrote() -> None:
    async with open_models(two_models()) as models:
        models.screen.backend.speeds["qwen"] = 47.2
        models.screen.look()
        await models.until_painted("47.2")


@pytest.mark.parametrize("size", SIZES)
async def test_the_current_model_is_in_sight_however_many_there_are(size: tuple[int, int]) -> None:
    engine = FakeEngine(tasks=[TaskInfo(f"task-{number:02}", f"model-{number:02}") for number in range(60)])
    async with open_models(engine, size) as models:
        await models.press("end")
        await models.until(lambda: any("model-59" in row and "on disk" in row for row in models.rows))
        await models.press("up")
        assert any("model-58" in row and "on disk" in row for row in models.rows)
