"""The store in a Qdrant collection: how that is made, what is in it, what graphs hide, and what it says of damage."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from hashlib import sha256
from uuid import UUID, uuid5

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client.http import models

from poly_engine.errors import MemoryDamaged, MemoryMismatch
from poly_engine.memory.qdrant import QdrantStore
from poly_engine.memory.records import Document, Fingerprint, NewChunk, Query
from tests.memory.conftest import OpenStore
from tests.memory.qdrant_server import QdrantServer
from tests.memory.stores import DIMENSIONS, MODEL, matching, near, put, vectors

NAMESPACE = UUID("067FB304-F9B1-4E74-8ACA-28051B8492AB")  # of the original Poly


@pytest.fixture
def client(qdrant: QdrantServer) -> Iterator[QdrantClient]:
    """What other programs use."""
    with closing(QdrantClient(qdrant.url, check_compatibility=False)) as client:
        yield client


@pytest.fixture
def store(open_qdrant_store: OpenStore) -> QdrantStore:
    store = open_qdrant_store(MODEL)
    assert isinstance(store, QdrantStore)
    return store


def original_collection(client: QdrantClient, *texts: str, size: int = DIMENSIONS) -> None:
    """As the original Poly leaves one: texts in the directions 0, 1, …"""
    client.create_collection("notes", models.VectorParams(size=size, distance=models.Distance.COSINE))
    points = [
        models.PointStruct(id=str(uuid5(NAMESPACE, text)), vector=np.eye(size)[number].tolist(), payload={"text": text})
        for number, text in enumerate(texts)
    ]
    client.upsert("notes", points, wait=True)


def points_with(key: str, value: str) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key=key, match=models.MatchAny(any=[value]))])


def tamper(client: QdrantClient, where: models.Filter, changes: Mapping[str, object]) -> None:
    """Change the payloads of points."""
    records, _ = client.scroll("notes", where, with_vectors=True)
    assert records
    points = [
        models.PointStruct(id=one.id, vector=one.vector, payload={**(one.payload or {}), **changes})  # type: ignore[arg-type]  # what was read can be written
        for one in records
    ]
    client.upsert("notes", points, wait=True)


# The collection


def test_a_collection_is_made_with_its_indexes_before_there_is_any_data(
    store: QdrantStore, qdrant: QdrantServer
) -> None:
    put(store, "a.txt", ["one"])
    writes = [one for one in qdrant.requests if one.is_write]
    made, *indexes = [one.body for one in itertools.takewhile(lambda one: one.path != "/points", writes)]
    assert made == {
        "vectors": {"size": DIMENSIONS, "distance": "Cosine"},
        "sparse_vectors": {"words": {"modifier": "idf"}},
    }
    assert sorted((one["field_name"], one["field_schema"]) for one in indexes) == [
        ("kind", "keyword"),
        ("place", "integer"),
        ("source", "keyword"),
        ("version", "integer"),
    ]


def test_indexes_that_are_missing_are_made_when_it_is_opened(
    client: QdrantClient, qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    original_collection(client, "one")
    open_qdrant_store(MODEL)
    n_made = len([one for one in qdrant.requests if one.path == "/index"])
    open_qdrant_store(MODEL)
    assert (n_made, len([one for one in qdrant.requests if one.path == "/index"])) == (4, 4)


def test_of_two_models_that_open_a_new_collection_at_once_the_first_is_kept(
    qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    first, second = (Fingerprint(name, DIMENSIONS, name) for name in ("first", "second"))
    qdrant.meanwhile(lambda seen: seen.path == "/points" and seen.is_write, lambda: open_qdrant_store(first))
    with pytest.raises(MemoryMismatch, match=r"the model first .* second"):
        open_qdrant_store(second)
    open_qdrant_store(first)


def test_a_collection_of_other_dimensions_is_refused_by_name_without_its_key(
    client: QdrantClient, qdrant: QdrantServer
) -> None:
    original_collection(client, "one", size=16)
    with pytest.raises(MemoryMismatch) as refusal:
        QdrantStore(qdrant.url.replace("//", "//user:secret@"), "notes", MODEL)
    assert f"the collection notes at {qdrant.url} holds vectors of the model with 16 dimensions" in str(refusal.value)
    assert "m (8 dimensions) is configured" in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_collection_that_is_made_anew_with_other_dimensions_is_refused_later(
    store: QdrantStore, client: QdrantClient
) -> None:
    client.delete_collection("notes")
    size = models.VectorParams(size=16, distance=models.Distance.COSINE)
    client.create_collection("notes", size, sparse_vectors_config={"words": models.SparseVectorParams()})
    with pytest.raises(MemoryMismatch, match="16 dimensions"):
        put(store, "a.txt", ["one"])
    with pytest.raises(MemoryMismatch, match="16 dimensions"):
        near(store, 0)


@pytest.mark.parametrize(
    "vectors_config",
    [
        {"image": models.VectorParams(size=DIMENSIONS, distance=models.Distance.COSINE)},
        models.VectorParams(size=DIMENSIONS, distance=models.Distance.MANHATTAN),
    ],
)
def test_a_collection_of_another_program_is_refused_and_left_alone(
    vectors_config: models.VectorParams, client: QdrantClient, open_qdrant_store: OpenStore
) -> None:
    client.create_collection("notes", vectors_config)
    with pytest.raises(MemoryDamaged, match="another program's"):
        open_qdrant_store(MODEL)
    assert client.get_collection("notes").payload_schema == {}


def test_a_key_in_the_url_is_sent_as_qdrant_wants_it(qdrant: QdrantServer) -> None:
    for user in ("k%2Fey@", "user:k%2Fey@"):
        QdrantStore(qdrant.url.replace("//", f"//{user}"), "notes", MODEL).close()
    assert {one.api_key for one in qdrant.requests} == {"k/ey"}


# The points


def test_chunks_have_the_ids_of_the_original_unless_these_are_taken(store: QdrantStore) -> None:
    put(store, "a.txt", ["same ", "same ", "other"])
    put(store, "b.txt", ["same "])
    first, again, other = store.chunks("a.txt")
    (elsewhere,) = store.chunks("b.txt")
    assert (first.id, other.id) == (str(uuid5(NAMESPACE, "same ")), str(uuid5(NAMESPACE, "other")))
    assert len({first.id, again.id, elsewhere.id}) == 3
    put(store, "a.txt", ["same "])
    assert [chunk.text for chunk in store.chunks("b.txt")] == ["same "]


def test_what_the_original_stored_is_found_and_is_of_no_document(
    client: QdrantClient, qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    original_collection(client, "old one", "old two")
    store = open_qdrant_store(MODEL)
    put(store, "a.txt", ["old one"], 2)
    assert (near(store, 0), near(store, 2)) == (["old one"], ["old one"])
    found = store.search(Query(vectors(1)[0], "old", 1))
    (chunk,) = found.chunks.values()
    assert (chunk.text, chunk.source, chunk.start, chunk.end) == ("old two", "", 0, 7)
    assert [one.source for one in store.documents()] == ["a.txt"]
    assert near(store, 0, sources=["a.txt"]) == []
    assert store.faults() == [
        f"the collection notes at {qdrant.url} has no sparse vector words: nothing is found by words"
    ]
    assert (store.clear(), near(store, 0), near(store, 1)) == (1, [], [])


@pytest.mark.parametrize(
    "payload", [{}, {"text": 5}, {"page_content": "x"}, {"text": "x", "version": "1", "source": 7}]
)
def test_what_other_programs_stored_does_no_harm(
    payload: dict[str, object], store: QdrantStore, client: QdrantClient
) -> None:
    client.upsert("notes", [models.PointStruct(id=7, vector=vectors(0)[0].tolist(), payload=payload)], wait=True)
    put(store, "a.txt", ["one"], 1)
    assert len(store.search(Query(vectors(0)[0], "one", 5)).nearest) == 2
    assert near(store, 1) == ["one"]
    assert store.faults() == []


def test_of_a_collection_that_compares_by_distance_the_cosine_is_told(
    client: QdrantClient, open_qdrant_store: OpenStore
) -> None:
    client.create_collection("notes", models.VectorParams(size=DIMENSIONS, distance=models.Distance.EUCLID))
    store = open_qdrant_store(MODEL)
    put(store, "a.txt", ["one", "two"])
    scores = [match.score for match in store.search(Query(vectors(1)[0], "", 2)).nearest]
    np.testing.assert_allclose(scores, [1, 0], atol=1e-6)


def test_a_document_may_have_no_chunks_or_more_than_fit_a_request(store: QdrantStore) -> None:
    store.put(Document("empty", "0" * 64, ""), [], vectors())
    texts = [f"{number} " for number in range(1300)]
    put(store, "long", texts, *(number % DIMENSIONS for number in range(1300)))
    assert [chunk.text for chunk in store.chunks("long")] == texts
    assert store.known_vectors("long").keys() == set(texts)
    assert [(one.source, one.n_chunks) for one in store.documents()] == [("empty", 0), ("long", 1300)]
    assert store.document("empty") == Document("empty", "0" * 64, "")


def test_what_goes_over_the_wire_is_what_other_readers_of_the_collection_rely_on(
    store: QdrantStore, qdrant: QdrantServer
) -> None:
    whole = Document("a.txt", "ab" * 32, "One two. ", "Title", page_starts=(0,))
    store.put(whole, [NewChunk(0, 9, "key", ("Heading",), 1, 2)], vectors(3))
    chunks, _ = [one.body["points"] for one in qdrant.requests if one.path == "/points" and one.is_write][-2:]
    (chunk,) = chunks
    words = chunk["vector"].pop("words")
    version = chunk["payload"].pop("version")
    assert chunk == {
        "id": str(uuid5(NAMESPACE, "One two. ")),
        "vector": {"": vectors(3)[0].tolist()},
        "payload": {
            "kind": "chunk",
            "text": "One two. ",
            "source": "a.txt",
            "title": "Title",
            "place": 0,
            "start": 0,
            "end": 9,
            "key": "key",
            "headings": ["Heading"],
            "first_page": 1,
            "last_page": 2,
        },
    }
    assert len(words["indices"]) == len(words["values"]) == len({"title", "heading", "one", "two"})
    assert store.documents()[0].added == version / 1e9


# Searching


@pytest.fixture
def graphs() -> Iterator[QdrantServer]:
    with closing(QdrantServer(builds_graphs=True)) as server:
        yield server
    assert server.mistakes == []


def test_a_graph_that_was_built_without_indexes_hides_nothing_from_a_filtered_search(graphs: QdrantServer) -> None:
    n_many, dimensions = 3000, 32
    numbers = np.random.default_rng(3)
    held = numbers.standard_normal((n_many, dimensions), np.float32)
    held /= np.linalg.norm(held, axis=1, keepdims=True)
    with closing(QdrantClient(graphs.url, check_compatibility=False)) as client:
        client.create_collection("notes", models.VectorParams(size=dimensions, distance=models.Distance.COSINE))
        for start in range(0, n_many, 500):
            points = [
                models.PointStruct(id=row, vector=held[row].tolist(), payload={"text": "", "source": str(row % 10)})
                for row in range(start, start + 500)
            ]
            client.upsert("notes", points, wait=True)
    graphs.optimize("notes")
    with closing(QdrantStore(graphs.url, "notes", Fingerprint("m", dimensions))) as store:
        for query in held[:10]:
            found = [match.chunk for match in store.search(Query(query, "", 10, ["3"])).nearest]
            assert found == [10 * place + 3 for place in np.argsort(held[3::10] @ query)[::-1][:10]]


def test_a_graph_of_which_most_was_removed_hides_nothing(graphs: QdrantServer) -> None:
    with closing(QdrantStore(graphs.url, "notes", MODEL)) as store:
        for name, size in {"most": 2900, "rest": 100}.items():
            put(store, name, [f"{name} {number}. " for number in range(size)], *[0] * size)
        graphs.optimize("notes")
        store.remove("most")
        assert len(near(store, 0, 50)) == 50


# What is wrong with it


def test_damage_is_told(store: QdrantStore, client: QdrantClient) -> None:
    put(store, "a.txt", ["one ", "two ", "three"])
    put(store, "b.txt", ["four "], 3)
    put(store, "c.txt", ["five "], 4)
    client.delete("notes", [store.chunks("a.txt")[1].id], wait=True)
    tamper(client, points_with("text", "three"), {"text": "tampered"})
    of_b = {"whole": "none", "digest": "of another", "model": "other"}
    tamper(client, points_with("sha256", sha256(b"four ").hexdigest()), of_b)
    assert sorted(store.faults()) == [
        "a.txt: chunk 1 is missing",
        "a.txt: chunk 2 is not a part of its document",
        "b.txt: its text is damaged",
        "b.txt: its vectors are of the model other",
    ]
    with pytest.raises(MemoryDamaged, match=r"the text of b\.txt in the collection notes"):
        store.document("b.txt")
    assert matching(store, "five") == ["five "]


@pytest.mark.parametrize("change", [lambda store: put(store, "a.txt", ["two"]), lambda store: store.remove("a.txt")])
def test_what_a_crash_left_an_hour_ago_goes_with_the_next_change(
    change: Callable[[QdrantStore], object], store: QdrantStore, client: QdrantClient
) -> None:
    put(store, "a.txt", ["one"])
    put(store, "b.txt", ["left"], 1)
    (left,) = store.chunks("b.txt")
    tamper(client, points_with("text", "left"), {"source": "a.txt", "version": 1_700_000_000_000_000_000})
    store.remove("b.txt")
    assert near(store, 1) == []
    assert store.faults() == [
        "chunks left of documents whose storing was cut off: 1; storing or removing these anew deletes them"
    ]
    change(store)
    assert client.retrieve("notes", [left.id]) == []
    assert store.faults() == []
