"""Vectors of texts, from models made for them and from others."""

import asyncio

import numpy as np
import pytest

from poly_engine.errors import ContextExceeded, EngineClosed, InvalidRequest
from poly_engine.local import LocalEngine
from tests.conftest import FamilyFile
from tests.engine.conversation import config, engine
from tests.gguf_models import EMBEDDER, FAMILIES

WORDS = ("the", "of", "and", "to", "in", "is", "you", "that", "it", "he", "was", "for", "on")
TEXTS = [" ".join(WORDS[i % len(WORDS)] for i in range(n, n + 1 + n * 7 % 40)) for n in range(200)]

ROUNDING = 2e-3
"""Of the numbers of a vector of length 1; the largest difference seen was 6e-4, which turns it by 0.08 degrees."""


def embedder(family_file: FamilyFile, **settings: object) -> LocalEngine:
    return engine(family_file(EMBEDDER), {"context_size": None, **settings})


async def test_texts_together_have_the_vectors_that_each_has_alone(family_file: FamilyFile) -> None:
    async with embedder(family_file) as home:
        together = (await home.embed("m", TEXTS)).vectors
        alone = np.concatenate([(await home.embed("m", [text])).vectors for text in TEXTS])
    assert together.shape == (200, 32)
    assert np.abs(together - alone).max() < ROUNDING
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
async def test_models_that_write_can_embed_too(family: str, family_file: FamilyFile) -> None:
    texts = ["Hello world", "your name", "a", " ".join(WORDS)]
    async with engine(family_file(family)) as home:
        together = (await home.embed("m", texts)).vectors
        alone = np.concatenate([(await home.embed("m", [text])).vectors for text in texts])
    assert together.shape == (4, 64)
    assert np.isfinite(together).all()
    assert np.abs(together - alone).max() < ROUNDING
    assert np.abs(together[0] - together[1]).max() > 0.01


async def test_the_order_of_the_texts_is_the_order_of_the_vectors(family_file: FamilyFile) -> None:
    async with embedder(family_file) as home:
        forwards = (await home.embed("m", TEXTS)).vectors
        backwards = (await home.embed("m", TEXTS[::-1])).vectors
    assert np.abs(forwards - backwards[::-1]).max() < ROUNDING


async def test_tokens_are_counted_with_those_around_a_text(family_file: FamilyFile) -> None:
    async with embedder(family_file) as home:
        assert (await home.embed("m", ["hello world", "is"])).n_tokens == 4 + 3
        assert (await home.embed("m", [""])).n_tokens == 2


async def test_a_text_may_fill_what_the_model_reads_and_no_more(family_file: FamilyFile) -> None:
    async with embedder(family_file) as home:
        assert (await home.embed("m", ["the " * 126])).n_tokens == 128
        for n_words in (127, 5000, 500_000):
            with pytest.raises(ContextExceeded, match="holds 128") as error:
                await home.embed("m", ["short", "the " * n_words])
            assert error.value.n_tokens >= min(n_words, 128)
        assert (await home.embed("m", ["hello"])).n_tokens == 3


async def test_odd_texts_have_vectors(family_file: FamilyFile) -> None:
    odd = ["\x00", "\ud800", "   ", "😀" * 50, "<s>[MASK]", "\n"]
    async with embedder(family_file) as home:
        vectors = (await home.embed("m", odd)).vectors
    assert np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


async def test_an_empty_text_without_anything_around_it_is_refused(family_file: FamilyFile) -> None:
    async with engine(family_file("qwen2")) as home:
        with pytest.raises(InvalidRequest, match="text 2 is empty"):
            await home.embed("m", ["hello", "", "world"])
        assert (await home.embed("m", ["hello"])).n_tokens == 5


async def test_many_may_embed_at_once(family_file: FamilyFile) -> None:
    async with embedder(family_file) as home:
        expected = (await home.embed("m", TEXTS)).vectors
        parts = await asyncio.gather(*(home.embed("m", TEXTS[i : i + 10]) for i in range(0, 200, 10)))
    assert np.abs(np.concatenate([part.vectors for part in parts]) - expected).max() < ROUNDING


async def test_who_stops_waiting_for_vectors_does_not_stop_the_others(family_file: FamilyFile) -> None:
    async with embedder(family_file) as home:
        await home.load("m")
        impatient = asyncio.create_task(home.embed("m", TEXTS * 5))
        patient = asyncio.create_task(home.embed("m", TEXTS[:3]))
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).vectors.shape == (3, 32)
        with pytest.raises(asyncio.CancelledError):
            await impatient


async def test_closing_the_engine_ends_embedding(family_file: FamilyFile) -> None:
    home = embedder(family_file)
    await home.load("m")
    busy = [asyncio.create_task(home.embed("m", TEXTS * 5)) for _ in range(4)]
    await home.embed("m", ["hello"])
    await home.close()
    results = await asyncio.gather(*busy, return_exceptions=True)
    assert any(isinstance(result, EngineClosed) for result in results)
    assert all(isinstance(result, EngineClosed) or result.n_tokens for result in results)  # type: ignore[union-attr]


async def test_a_model_in_use_by_an_embedder_and_a_task_is_loaded_once(family_file: FamilyFile) -> None:
    async with LocalEngine(config({"m": {"model_path": str(family_file("llama"))}}, {"t": {"model": "m"}})) as home:
        shares: list[float] = []
        await asyncio.gather(home.embed("m", ["a"]), home.load("m", shares.append), home.session("t").open())
    assert shares.count(1.0) <= 1
