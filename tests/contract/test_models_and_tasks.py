"""What every engine has besides sessions."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from poly_engine.errors import ModelNotFound, TaskNotFound
from poly_engine.interface import Engine
from poly_engine.types import TaskInfo
from tests.contract.script import ANSWER_TEXT, LONG, LONG_ANSWER, SHORT
from tests.engine.conversation import hear


async def test_tasks_are_listed_as_they_are_configured(engine: Engine) -> None:
    write, talk, draw, call = await engine.tasks()
    assert (draw.name, draw.model) == ("draw", "other")
    assert talk == TaskInfo("talk", "m", "Says what is written.")
    assert (write.name, write.model) == ("write", "m")
    assert (call.name, call.model) == ("call", "m")


async def test_a_task_tells_the_settings_that_are_in_effect(engine: Engine) -> None:
    settings = await engine.settings("talk")
    assert (settings["model"], settings["temperature"]) == ("m", 0)
    assert "samplers" not in settings
    with pytest.raises(TaskNotFound, match=r"did you mean talk\?"):
        await engine.settings("tlak")


async def test_models_are_listed_by_name_with_their_state(engine: Engine) -> None:
    before = await engine.models()
    loaded = await engine.load("m")
    after = await engine.models()
    assert [(model.name, model.state) for model in before] == [("m", "unloaded"), ("other", "unloaded")]
    assert [(model.name, model.state) for model in after] == [("m", "loaded"), ("other", "unloaded")]
    assert replace(after[0], idle_s=None, expires_in_s=None) == loaded


async def test_a_loaded_model_says_what_it_is(engine: Engine) -> None:
    model = await engine.load("m")
    assert model.path.endswith(".gguf")
    assert model.size_bytes
    assert model.architecture
    assert model.n_params
    assert model.context_size == 2048
    assert model.train_context_size == 2048
    assert model.embedding_size
    assert model.device == "cpu"
    assert model.quantization in {"F16", "F32"}
    assert model.problem is None


async def test_a_model_tells_how_many_requests_it_is_working_on(engine: Engine) -> None:
    async with engine.session("talk") as session:
        assert (await engine.models())[0].n_running == 0
        async with session.send(LONG) as events:
            await anext(events)
            assert (await engine.models())[0].n_running == 1
        assert (await engine.models())[0].n_running == 0


async def test_a_model_tells_for_how_long_nobody_has_used_it(home: Engine, remote: Engine) -> None:
    for engine in (home, remote):
        assert (await engine.models())[0].idle_s is None
        await engine.load("m")
        idle_s = (await engine.models())[0].idle_s
        assert idle_s is not None
        assert 0 <= idle_s < 60
        async with engine.session("talk") as session, session.send(LONG) as events:
            await anext(events)
            assert (await engine.models())[0].idle_s is None


async def test_loading_tells_how_far_it_is(engine: Engine) -> None:
    shares: list[float] = []
    await engine.load("m", shares.append)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] == 1


async def test_many_may_load_a_model_at_once(engine: Engine) -> None:
    infos = await asyncio.gather(*(engine.load("m") for _ in range(5)))
    assert {info.state for info in infos} == {"loaded"}


async def test_a_task_that_is_not_there_is_an_error_that_suggests_one(engine: Engine) -> None:
    with pytest.raises(TaskNotFound, match=r"task not found: tlak \(did you mean talk\?\)"):
        async with engine.session("tlak"):
            pass


async def test_a_model_that_is_not_there_is_an_error_that_suggests_one(engine: Engine) -> None:
    for refused in (engine.load("othr"), engine.tokenize("othr", "a"), engine.embed("othr", ["a"])):
        with pytest.raises(ModelNotFound, match=r"model not found: othr \(did you mean other\?\)"):
            await refused


@pytest.mark.parametrize("text", ["Hello, world!", "", "  two  spaces\n", "wörld"])
async def test_the_tokens_of_a_text_spell_it(engine: Engine, text: str) -> None:
    pieces = await engine.tokenize("m", text)
    plain = "".join(piece.text for piece in pieces)
    assert plain.encode("ascii", "ignore") == text.encode("ascii", "ignore")  # a piece may be half a character
    assert len({piece.id for piece in pieces}) <= len(pieces)


async def test_each_text_has_its_vector(engine: Engine) -> None:
    texts = ["one", "two words", "three words here", "one"]
    embeddings = await engine.embed("m", texts)
    lengths = np.linalg.norm(embeddings.vectors, axis=1)
    assert embeddings.vectors.dtype == np.float32
    assert np.allclose(lengths, 1, atol=1e-5)
    assert np.allclose(embeddings.vectors[0], embeddings.vectors[3], atol=1e-5)
    assert embeddings.n_tokens >= 7


async def test_vectors_are_as_the_model_gives_them_if_asked_for(engine: Engine) -> None:
    plain = (await engine.embed("m", ["one", "two"], normalize=False)).vectors
    unit = (await engine.embed("m", ["one", "two"])).vectors
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    assert not np.allclose(lengths, 1)
    assert np.allclose(plain / lengths, unit, atol=1e-5)


async def test_no_texts_have_no_vectors(engine: Engine) -> None:
    embeddings = await engine.embed("m", [])
    model = await engine.load("m")
    assert embeddings.vectors.shape == (0, model.embedding_size)
    assert embeddings.n_tokens == 0


async def test_sessions_run_at_once(engine: Engine) -> None:
    async def talk(prompt: str) -> str:
        async with engine.session("talk") as session:
            return (await hear(session, prompt)).text

    texts = await asyncio.gather(*(talk(prompt) for prompt in [LONG, SHORT] * 5))
    assert texts == [LONG_ANSWER, ANSWER_TEXT] * 5
