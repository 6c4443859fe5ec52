"""Models of servers that are unloaded, configured anew, and embedded with."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from aiohttp import web

from poly_engine.config import Config
from poly_engine.errors import EngineClosed, EngineFailed, InvalidRequest
from tests.engine.conversation import hear
from tests.openai.misbehaving import Answer, json_answer, openai_server, saying
from tests.openai.steps import engine


def vectors(*rows: list[float], n_tokens: int = 7) -> Answer:
    """Vectors, in the wrong order."""
    found = [{"index": number, "embedding": row} for number, row in enumerate(rows)]
    return json_answer({"data": found[::-1], "usage": {"prompt_tokens": n_tokens}})


async def test_texts_have_their_vectors_in_their_order() -> None:
    async with openai_server(vectors([3.0, 4.0], [0.0, 2.0])) as server, engine(server.url) as home:
        unit, plain = await home.embed("m", ["a", "b"]), await home.embed("m", ["a", "b"], normalize=False)
        (model,) = await home.models()
    assert np.allclose(unit.vectors, [[0.6, 0.8], [0.0, 1.0]])
    assert np.allclose(plain.vectors, [[3, 4], [0, 2]])
    assert unit.n_tokens == 7
    assert unit.vectors.dtype == np.float32
    assert (model.embedding_size, model.state, model.is_remote) == (2, "loaded", True)
    assert server.asked[0] == {"model": "big", "input": ["a", "b"]}


async def test_no_texts_have_no_vectors_and_an_empty_one_is_refused() -> None:
    async with openai_server(vectors([3.0, 4.0])) as server, engine(server.url) as home:
        assert (await home.embed("m", [])).vectors.shape == (0, 2)
        with pytest.raises(InvalidRequest, match="text 2 is empty"):
            await home.embed("m", ["a", ""])


@pytest.mark.parametrize(
    "answer",
    [
        vectors([1.0]),
        vectors([1.0], [1.0, 2.0]),
        vectors([1.0], [float("nan")]),
        json_answer({"data": [{"index": 0}]}),
        json_answer({"data": 3}),
        json_answer({}),
    ],
)
async def test_what_is_no_vector_for_each_text_is_an_error(answer: Answer) -> None:
    async with openai_server(answer) as server, engine(server.url) as home:
        with pytest.raises(EngineFailed, match="does not answer with"):
            await home.embed("m", ["a", "b"])


async def test_who_embeds_hears_that_the_model_was_unloaded_and_may_go_on() -> None:
    async with openai_server() as server, engine(server.url) as home:
        has_come = asyncio.Event()

        async def silent(_: web.Request) -> web.StreamResponse:
            has_come.set()
            await server.released.wait()
            raise web.HTTPNotFound

        server.answers = [silent]
        embedding = asyncio.create_task(home.embed("m", ["a"]))
        await has_come.wait()
        await home.unload("m")
        with pytest.raises(EngineClosed, match="the model was unloaded"):
            await embedding
        assert (await home.models())[0].state == "unloaded"
        server.answers = [vectors([3.0, 4.0])]
        assert (await home.embed("m", ["a"])).vectors.shape == (1, 2)


async def test_a_session_goes_on_with_the_server_that_is_configured_now() -> None:
    async with openai_server(saying("one")) as one, openai_server(saying("other")) as other:
        async with engine(one.url) as home, home.session("t") as session:
            first = await hear(session, "hello")
            models = {"m": {"engine": "openai", "url": other.url}}
            await home.reconfigure(Config.model_validate({"models": models, "tasks": {"t": {"model": "m"}}}))
            second = await hear(session, "and now?")
            assert (first.text, second.text) == ("one", "other")
            models = {"m": {"model_path": "nowhere.gguf"}}
            await home.reconfigure(Config.model_validate({"models": models, "tasks": {"t": {"model": "m"}}}))
            with pytest.raises(EngineClosed, match="configured anew, to be computed here"):
                await hear(session, "and now?")
    assert [message["content"] for message in other.asked[0]["messages"]] == ["hello", "one", "and now?"]
