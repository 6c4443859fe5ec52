"""The store in a Qdrant collection when a crash, another writer or the server itself comes between its steps."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from poly_engine.errors import MemoryUnavailable, MemoryUnwritable
from poly_engine.memory.records import Query
from poly_engine.memory.store import Store
from tests.memory.conftest import OpenStore
from tests.memory.qdrant_server import QdrantServer, Seen
from tests.memory.stores import MODEL, matching, near, put, vectors


@pytest.fixture
def store(open_qdrant_store: OpenStore) -> Store:
    return open_qdrant_store(MODEL)


# A crash


OLD, NEW = [[f"{name} {number}. " for number in range(260)] for name in ("old", "new")]


def assert_whole(store: Store, source: str, *versions: list[str]) -> None:
    texts = [chunk.text for chunk in store.chunks(source)]
    assert texts in versions
    whole = store.document(source)
    assert ("" if whole is None else whole.text) == "".join(texts)
    found = store.search(Query(vectors(0)[0], "", 1000, [source]))
    assert sorted(found.chunks[match.chunk].text for match in found.nearest) == sorted(texts)


def cut_off_everywhere(
    qdrant: QdrantServer,
    open_store: OpenStore,
    *,
    does_it: bool,
    change: Callable[[Store, str], object],
    after: list[str],
) -> int:
    """Let the server die at each write of a change, look at what is left, and make the change again.

    Returns how many writes it takes.
    """
    for number in itertools.count(1):
        store = open_store(MODEL)
        source = f"{number}.txt"
        put(store, source, OLD, *[0] * len(OLD))
        put(store, "b.txt", ["stays"], 1)
        qdrant.die_at_write(number, does_it=does_it)
        try:
            change(store, source)
        except MemoryUnavailable:
            qdrant.live()
            assert_whole(store, source, OLD, after)
            assert_whole(store, "b.txt", ["stays"])
            assert store.faults() == []
            change(store, source)
            assert_whole(store, source, after)
        else:
            qdrant.live()
            return number - 1
    raise AssertionError


@pytest.mark.parametrize("does_it", [False, True])
def test_a_put_that_is_cut_off_anywhere_leaves_the_document_before_or_the_new_one(
    *, does_it: bool, qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    def replace(store: Store, source: str) -> None:
        put(store, source, NEW, *[0] * len(NEW))

    n_writes = cut_off_everywhere(qdrant, open_qdrant_store, does_it=does_it, change=replace, after=NEW)
    assert n_writes == 4  # two for the chunks, the document, and what it takes the place of


@pytest.mark.parametrize("does_it", [False, True])
def test_a_removal_that_is_cut_off_anywhere_leaves_the_document_or_nothing(
    *, does_it: bool, qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    n_writes = cut_off_everywhere(
        qdrant, open_qdrant_store, does_it=does_it, change=lambda store, source: store.remove(source), after=[]
    )
    assert n_writes == 2


# Others


def writes_chunks(seen: Seen) -> bool:
    return seen.path == "/points" and seen.is_write and seen.body["points"][0]["payload"]["kind"] == "chunk"


def commits(seen: Seen) -> bool:
    return seen.path == "/points" and seen.is_write and seen.body["points"][0]["payload"]["kind"] == "document"


def asks_what_counts(seen: Seen) -> bool:
    return seen.path == "/points" and not seen.is_write and seen.body["with_payload"] == ["source", "version"]


def test_a_document_that_is_finished_during_a_search_is_seen_whole(
    store: Store, qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    texts = [f"{number} " for number in range(300)]  # more than one request takes
    reader = open_qdrant_store(MODEL)
    has_looked, is_finished = threading.Event(), threading.Event()

    def wait_for_the_writer() -> None:
        has_looked.set()
        is_finished.wait(10)

    with ThreadPoolExecutor() as threads:

        def search_now() -> None:
            qdrant.meanwhile(asks_what_counts, wait_for_the_writer)
            searches.append(threads.submit(near, reader, 0, 1000))
            assert has_looked.wait(10)

        searches: list[Future[list[str]]] = []
        qdrant.meanwhile(lambda seen: writes_chunks(seen) and len(seen.body["points"]) < 256, search_now)
        put(store, "a.txt", texts, *[0] * len(texts))
        is_finished.set()
        assert len(searches[0].result()) == len(texts)


def test_a_search_never_mixes_two_versions_of_a_document(store: Store, open_qdrant_store: OpenStore) -> None:
    put(store, "a.txt", [f"0 {number}. " for number in range(5)], *[0] * 5)
    seen: list[list[str]] = []

    def look(is_over: threading.Event) -> None:
        reader = open_qdrant_store(MODEL)
        while not seen or not is_over.is_set():
            seen.append(near(reader, 0, 100))

    is_over = threading.Event()
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(look, is_over)
        for version in range(1, 20):
            put(store, "a.txt", [f"{version} {number}. " for number in range(5)], *[0] * 5)
        is_over.set()
        reading.result()
    assert {len(texts) for texts in seen} == {5}
    assert {len({text.split()[0] for text in texts}) for texts in seen} == {1}


def test_of_two_that_write_one_text_at_once_both_keep_it(
    store: Store, qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    other = open_qdrant_store(MODEL)
    qdrant.meanwhile(writes_chunks, lambda: put(other, "b.txt", ["same ", "b"]))
    put(store, "a.txt", ["same ", "a"])
    assert [chunk.text for chunk in store.chunks("a.txt")] == ["same ", "a"]
    assert [chunk.text for chunk in store.chunks("b.txt")] == ["same ", "b"]
    assert store.faults() == []


def test_of_two_that_write_one_document_at_once_the_last_is_kept_whole(
    store: Store, qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    other = open_qdrant_store(MODEL)
    put(store, "a.txt", ["before"])
    qdrant.meanwhile(commits, lambda: put(other, "a.txt", ["earlier"]))
    put(store, "a.txt", ["la", "ter"])
    assert [chunk.text for chunk in store.chunks("a.txt")] == ["la", "ter"]
    assert (near(store, 0), matching(store, "earlier")) == (["la"], [])
    assert store.faults() == []


def test_a_document_that_is_put_while_all_are_forgotten_stays_whole(
    store: Store, qdrant: QdrantServer, open_qdrant_store: OpenStore
) -> None:
    other = open_qdrant_store(MODEL)
    put(store, "a.txt", ["one"])
    qdrant.meanwhile(commits, other.clear)
    put(store, "b.txt", ["two"], 1)
    assert ([one.source for one in store.documents()], near(store, 1)) == (["b.txt"], ["two"])
    assert store.faults() == []


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, {"status": {"error": "Service internal error: No space left on device (os error 28)"}, "time": 0.1}),
        (403, {"status": {"error": "Forbidden"}, "time": 0.0}),
        (413, "Payload too large"),
        (200, {"result": {"operation_id": 3, "status": "completed"}, "status": "ok", "time": 0.1}),  # and forgets it
    ],
)
def test_what_is_not_written_is_not_acknowledged_and_reading_goes_on(
    status: int, answer: object, store: Store, qdrant: QdrantServer
) -> None:
    put(store, "a.txt", ["one"])
    qdrant.say_of_writes(status, answer, does_them=False)
    with pytest.raises(MemoryUnwritable, match="the collection notes at http"):
        put(store, "a.txt", ["two"])
    assert near(store, 0) == ["one"]
    assert store.faults() == []


def test_what_is_only_taken_to_be_written_is_not_acknowledged(store: Store, qdrant: QdrantServer) -> None:
    answer = {"result": {"operation_id": 3, "status": "acknowledged"}, "status": "ok", "time": 0.1}
    qdrant.say_of_writes(200, answer, does_them=True)
    with pytest.raises(MemoryUnwritable, match="did not confirm"):
        put(store, "a.txt", ["two"])
