"""Routes that tell more to who asks for it, and to others what the original tells."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from poly_engine.config import Config
from poly_engine.types import TaskInfo
from tests.fake_engine import FakeEngine
from tests.serve.conftest import served

PLAIN_TEXT = {"Content-Type": "text/plain"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with a task, its model, and a memory."""
    engine = FakeEngine(tasks=[TaskInfo("talk", "m", "Talks.")], memories=["notes"])
    async with served(engine, Config()) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "plain", "detailed"),
    [
        ("/v1/task", '{"tasks":["talk"]}', '{"tasks":[{"name":"talk","model":"m","description":"Talks."}]}'),
        ("/v1/memory", '{"memories":["notes"]}', '{"memories":[{"name":"notes","embedding_model":"fake","n_'),
        ("/v1/model", '{"models":["m"]}', '{"models":[{"name":"m","path":"/models/m.gguf","state":"unloaded",'),
    ],
)
async def test_lists_are_of_names_unless_detail_is_asked_for(
    client: httpx.AsyncClient, path: str, plain: str, detailed: str
) -> None:
    assert (await client.get(path)).text == plain
    assert (await client.get(path, params={"detail": "1"})).text.startswith(detailed)


async def test_documents_are_taken_in_and_forgotten_as_in_the_original(client: httpx.AsyncClient) -> None:
    for query in ({}, {"wait": "false"}, {"wait": "true", "source": "cats"}):
        taken = await client.put("/v1/memory/notes", content=b"a cat", headers=PLAIN_TEXT, params=query)
        assert (taken.status_code, taken.text) == (200, "{}")
    assert (await client.get("/v1/memory/notes", params={"prompt": "cat", "n": 9})).json() == {"chunks": ["a cat"] * 2}
    assert (await client.delete("/v1/memory/notes")).text == "{}"
    assert (await client.post("/v1/memory/notes", json={"prompt": "cat"})).json() == {"chunks": []}


async def test_with_detail_a_document_tells_what_became_of_it_and_how_many_were_forgotten(
    client: httpx.AsyncClient,
) -> None:
    query = {"detail": "1", "source": "cats"}
    taken = await client.put("/v1/memory/notes", content=b"a cat", headers=PLAIN_TEXT, params=query)
    assert taken.text == (
        'event:progress\ndata:{"source":"cats","n_embedded":1,"n_new":1}\n\n'
        'event:done\ndata:{"source":"cats","outcome":"added","n_chunks":1,"n_embedded":1}\n\n'
    )
    assert (await client.delete("/v1/memory/notes", params=query)).text == '{"forgotten":1}'


@pytest.mark.parametrize(
    "asking", [{"params": {"detail": "1"}}, {"headers": {"Accept": "text/html, application/json"}}]
)
async def test_errors_are_json_for_who_asks_for_that_and_plain_text_for_others(
    client: httpx.AsyncClient, asking: dict[str, dict[str, str]]
) -> None:
    path = "/v1/task/tlak/status"
    plain, detailed = await client.get(path), await client.get(path, **asking)  # type: ignore[arg-type]  # of one key each
    assert (plain.status_code, plain.text) == (404, "task not found: tlak")
    assert plain.headers["Content-Type"] == "text/plain; charset=utf-8"
    message = "task not found: tlak (did you mean talk?)"
    assert detailed.json() == {"code": "task_not_found", "message": message, "name": "tlak"}
    assert detailed.status_code == 404


async def test_what_was_exported_by_one_request_is_restored_by_another(client: httpx.AsyncClient) -> None:
    for name in ("cats", "dogs"):
        await client.put("/v1/memory/notes", content=name.encode(), headers=PLAIN_TEXT, params={"source": name})
    exported = await client.get("/v1/memory/notes/export")
    assert exported.headers["Content-Type"] == "application/x-ndjson"
    await client.delete("/v1/memory/notes", params={"source": "cats"})
    restored = await client.post("/v1/memory/notes/restore", content=exported.content)
    assert [(one["source"], one["outcome"]) for one in restored.json()["documents"]] == [
        ("cats", "added"),
        ("dogs", "unchanged"),
    ]


async def test_what_was_not_exported_is_refused_with_the_words_of_the_memory(client: httpx.AsyncClient) -> None:
    refused = await client.post("/v1/memory/notes/restore", content=b"a cat\n")
    assert (refused.status_code, refused.text[:21]) == (400, "it was not exported: ")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"prompt": "a", "n": 0}, "n: Input should be greater than or equal to 1"),
        ({"prompt": "a", "limit": 3}, "limit: Extra inputs are not permitted"),
        ({"n": 3}, "prompt: Field required"),
    ],
)
async def test_a_detailed_recall_names_what_is_wrong_with_it(
    client: httpx.AsyncClient, body: dict[str, object], words: str
) -> None:
    refused = await client.post("/v1/memory/notes/recall", json=body)
    assert (refused.status_code, refused.text) == (400, words)


async def test_chunks_are_those_of_a_source(client: httpx.AsyncClient) -> None:
    refused = await client.get("/v1/memory/notes/chunks")
    assert refused.text == "source is missing: it is the document whose chunks are to be listed"
