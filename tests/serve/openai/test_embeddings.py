"""Embeddings, ranks and tokens, with either engine."""

from __future__ import annotations

import base64

import httpx
import numpy as np
import openai
import pytest

from poly_engine.errors import PolyError
from poly_engine.interface import Engine

TEXTS = ["a cat", "a dog and a cat", "nothing"]


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
async def test_vectors_come_as_digits_or_as_bytes(
    engine: Engine, url: str, http: httpx.AsyncClient, encoding_format: str
) -> None:
    body = {"model": "both", "input": TEXTS, "encoding_format": encoding_format}
    told = (await http.post(f"{url}/v1/embeddings", json=body)).json()
    expected = await engine.embed("both", TEXTS)
    vectors = [entry["embedding"] for entry in told["data"]]
    if encoding_format == "base64":
        vectors = [np.frombuffer(base64.b64decode(vector), "<f4") for vector in vectors]
    np.testing.assert_allclose(vectors, expected.vectors, rtol=1e-5)
    assert [entry["index"] for entry in told["data"]] == [0, 1, 2]
    assert told["usage"] == {"prompt_tokens": expected.n_tokens, "total_tokens": expected.n_tokens}


async def test_the_client_gets_vectors_of_length_1(client: openai.AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model="both", input=TEXTS)
    assert np.linalg.norm([entry.embedding for entry in answer.data], axis=1) == pytest.approx(1)
    assert (answer.object, answer.model) == ("list", "both")


async def test_one_text_is_a_list_of_one(client: openai.AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model="both", input=TEXTS[0])
    several = await client.embeddings.create(model="both", input=TEXTS)
    assert len(answer.data) == 1
    assert answer.data[0].embedding == pytest.approx(several.data[0].embedding, abs=1e-5)


async def test_a_model_may_stand_behind_its_prefix(client: openai.AsyncOpenAI) -> None:
    plain = await client.embeddings.create(model="both", input=TEXTS)
    prefixed = await client.embeddings.create(model="model:both", input=TEXTS)
    assert prefixed.model == "model:both"
    assert [entry.embedding for entry in prefixed.data] == [entry.embedding for entry in plain.data]


async def test_the_size_of_vectors_may_be_said_but_not_changed(client: openai.AsyncOpenAI) -> None:
    n = len((await client.embeddings.create(model="both", input="a")).data[0].embedding)
    assert (await client.embeddings.create(model="both", input="a", dimensions=n)).data
    with pytest.raises(openai.BadRequestError, match=f"have {n}") as error:
        await client.embeddings.create(model="both", input="a", dimensions=n - 1)
    assert error.value.param == "dimensions"


async def test_a_text_longer_than_the_model_reads_is_refused(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        await client.embeddings.create(model="both", input=["short", "word " * 1000])
    assert error.value.code == "context_length_exceeded"


async def test_a_task_embeds_nothing(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="model not found: talk"):
        await client.embeddings.create(model="talk", input="a")


async def test_documents_are_ranked_by_the_cosine_to_the_query(
    engine: Engine, url: str, http: httpx.AsyncClient
) -> None:
    body = {"model": "both", "query": "a dog", "documents": [TEXTS[0], {"text": "a dog"}, TEXTS[2]]}
    told = (await http.post(f"{url}/v1/rerank", json=body)).json()
    vectors = (await engine.embed("both", [TEXTS[0], "a dog", TEXTS[2]])).vectors
    scores = vectors @ vectors[1]
    assert [one["index"] for one in told["results"]] == list(np.argsort(-scores))
    assert [one["relevance_score"] for one in told["results"]] == pytest.approx(sorted(scores, reverse=True), abs=1e-5)
    assert told["results"][0]["document"] == {"text": "a dog"}
    assert told["usage"]["total_tokens"] > 0


async def test_only_so_many_documents_are_told_and_without_their_text(url: str, http: httpx.AsyncClient) -> None:
    body = {"model": "both", "query": "a dog", "documents": TEXTS, "top_n": 2, "return_documents": False}
    told = (await http.post(f"{url}/v1/rerank", json=body)).json()
    assert [set(one) for one in told["results"]] == [{"index", "relevance_score"}] * 2


async def test_a_text_is_cut_into_tokens(engine: Engine, url: str, http: httpx.AsyncClient) -> None:
    for name in ("m", "both"):
        pieces, first = await engine.tokenize(name, TEXTS[1]), await engine.tokenize(name, "")
        body = {"model": name, "content": TEXTS[1]}
        plain = (await http.post(f"{url}/tokenize", json=body)).json()
        special = (await http.post(f"{url}/tokenize", json={**body, "add_special": True, "with_pieces": True})).json()
        assert plain == {"tokens": [piece.id for piece in pieces[len(first) :]]}
        assert special == {"tokens": [{"id": piece.id, "piece": piece.text} for piece in pieces]}


async def test_a_closed_engine_is_told_with_a_status(engine: Engine, client: openai.AsyncOpenAI) -> None:
    await engine.close()
    with pytest.raises(PolyError):
        await engine.embed("both", TEXTS)
    with pytest.raises(openai.InternalServerError) as error:
        await client.embeddings.create(model="both", input=TEXTS)
    assert (error.value.status_code, error.value.code) == (503, "engine_closed")
