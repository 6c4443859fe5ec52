"""What every store promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from poly_engine.errors import MemoryMismatch
from poly_engine.extract import Heading
from poly_engine.memory.records import Document, Fingerprint, NewChunk, Query, Vectors
from poly_engine.memory.store import Store
from tests.memory.conftest import OpenStore
from tests.memory.stores import DIMENSIONS, MODEL, document, matching, near, put, vectors


def test_what_is_put_is_found_by_vector_and_by_words(store: Store) -> None:
    put(store, "a.txt", ["The cat sleeps. ", "A dog barks."])
    assert near(store, 1) == ["A dog barks."]
    assert matching(store, "Which dogs bark?") == ["A dog barks."]


def test_a_document_comes_back_as_it_was_put(store: Store) -> None:
    whole = Document(
        "日本/ä b'\"%.pdf", "ab" * 32, "Ünï 日本 😀e", "Title", "application/pdf", (Heading(0, 1, "Ünï"),), (0, 4)
    )
    store.put(whole, [NewChunk(0, 3, "k", ("Ünï",), 1, 1), NewChunk(4, 8, "l", (), 1, 2)], vectors(0, 1))
    assert store.document(whole.source) == whole
    assert store.checksum(whole.source) == whole.sha256
    first, second = store.chunks(whole.source)
    assert (first.text, first.place, first.key, first.headings) == ("Ünï", 0, "k", ("Ünï",))
    assert (second.text, second.source, second.title) == ("日本 😀", whole.source, "Title")
    assert (second.start, second.end, second.first_page, second.last_page) == (4, 8, 1, 2)
    (info,) = store.documents()
    assert (info.source, info.title, info.media_type) == (whole.source, "Title", "application/pdf")
    assert (info.n_chunks, info.n_characters, info.n_pages) == (2, len(whole.text), 2)
    assert info.sha256 == whole.sha256
    assert store.faults() == []


def test_what_is_not_there_is_told(store: Store) -> None:
    assert (store.document("a"), store.checksum("a"), store.remove("a"), store.clear()) == (None, None, False, 0)
    assert (store.documents(), store.chunks("a"), dict(store.known_vectors("a")), near(store, 0)) == ([], [], {}, [])


def test_a_document_of_the_same_source_takes_the_place_of_the_one_before(store: Store) -> None:
    put(store, "a.txt", ["one ", "two "])
    put(store, "b.txt", ["three"], 2)
    put(store, "a.txt", ["four"], 0)
    assert [(one.source, one.n_chunks) for one in store.documents()] == [("b.txt", 1), ("a.txt", 1)]
    assert near(store, 0) == ["four"]
    assert near(store, 1) == []
    assert matching(store, "two") == []


def test_a_document_of_which_a_part_changed_keeps_the_other_parts(store: Store) -> None:
    put(store, "a.txt", ["one ", "two ", "three "])
    put(store, "a.txt", ["zero ", "two ", "three "])
    assert [chunk.text for chunk in store.chunks("a.txt")] == ["zero ", "two ", "three "]
    assert (near(store, 0), near(store, 1)) == (["zero "], ["two "])


def test_what_is_removed_leaves_nothing_behind(store: Store) -> None:
    put(store, "a.txt", ["one ", "two "])
    put(store, "b.txt", ["three"], 2)
    assert store.remove("a.txt")
    assert not store.remove("a.txt")
    assert (near(store, 0), matching(store, "one"), store.chunks("a.txt")) == ([], [], [])
    assert near(store, 2) == ["three"]
    assert store.clear() == 1
    assert (store.documents(), near(store, 2)) == ([], [])


def test_a_text_that_several_documents_hold_stays_while_one_of_them_does(store: Store) -> None:
    put(store, "a.txt", ["same ", "same ", "other"])
    put(store, "b.txt", ["same "])
    assert [chunk.text for chunk in store.chunks("a.txt")] == ["same ", "same ", "other"]
    store.remove("a.txt")
    assert [chunk.text for chunk in store.chunks("b.txt")] == ["same "]
    assert near(store, 0) == ["same "]


def test_a_search_can_be_limited_to_sources(store: Store) -> None:
    for number in range(5):
        put(store, f"{number}.txt", [f"the same word {number}"], 0)
    assert sorted(near(store, 0, 10, ["1.txt", "3.txt"])) == ["the same word 1", "the same word 3"]
    assert matching(store, "word", 10, ["3.txt"]) == ["the same word 3"]
    assert near(store, 0, 10, []) == []


@pytest.mark.parametrize(
    "text", ["", "?!", '"', "AND OR NOT", "a* NEAR(b c)", "col:x & !(y|z)", "'; drop table chunks"]
)
def test_any_text_may_be_searched_for(store: Store, text: str) -> None:
    put(store, "a.txt", ["nothing of that kind"])
    assert matching(store, text) == []


def test_scripts_without_spaces_are_found_by_parts_of_a_word(store: Store) -> None:
    put(store, "a.txt", ["東京都は日本の首都です。", "犬が好きです。"])
    assert matching(store, "日本の首都")[0].startswith("東京都")


def test_a_chunk_is_found_by_the_words_of_its_headings_and_its_title(store: Store) -> None:
    whole, (one, two) = document("a.txt", ["It barks. ", "It sleeps."])
    below = NewChunk(two.start, two.end, two.key, ("Cats",))
    store.put(Document(whole.source, whole.sha256, whole.text, "Animals"), [one, below], vectors(0, 1))
    assert matching(store, "cats") == ["It sleeps."]
    assert len(matching(store, "animals")) == 2


def test_what_is_written_by_others_is_seen_at_the_next_search(store: Store, open_store: OpenStore) -> None:
    other = open_store(MODEL)
    put(other, "a.txt", ["from elsewhere"])
    assert near(store, 0) == ["from elsewhere"]
    other.remove("a.txt")
    assert near(store, 0) == []


def test_it_is_all_there_when_it_is_opened_again(store: Store, open_store: OpenStore) -> None:
    put(store, "a.txt", ["one ", "two"])
    store.close()
    assert near(open_store(MODEL), 1) == ["two"]


def test_vectors_are_known_by_key_and_by_chunk(store: Store) -> None:
    put(store, "a.txt", ["one ", "two"], 3, 5)
    known = store.known_vectors("a.txt")
    assert known.keys() == {"one ", "two"}
    np.testing.assert_allclose(known["two"], vectors(5)[0], atol=1e-3)
    first, second = store.chunks("a.txt")
    by_chunk = store.vectors([first.id, second.id])
    np.testing.assert_allclose(by_chunk[first.id], vectors(3)[0], atol=1e-3)


def test_a_part_of_the_chunks_can_be_asked_for(store: Store) -> None:
    put(store, "a.txt", [f"{number} " for number in range(6)])
    assert [chunk.place for chunk in store.chunks("a.txt", 2, 4)] == [2, 3, 4]
    assert [chunk.place for chunk in store.chunks("a.txt", 4)] == [4, 5]


def test_another_model_is_refused_and_a_new_name_of_the_same_is_not(store: Store, open_store: OpenStore) -> None:
    put(store, "a.txt", ["one"])
    with pytest.raises(MemoryMismatch, match="other"):
        open_store(Fingerprint("other", DIMENSIONS, "digest of another"))
    with pytest.raises(MemoryMismatch):
        open_store(Fingerprint("m", DIMENSIONS + 1, "digest of m"))
    assert near(open_store(Fingerprint("renamed", DIMENSIONS, MODEL.digest)), 0) == ["one"]


def test_several_threads_may_use_it_at_once(store: Store) -> None:
    def work(name: str) -> None:
        for number in range(8):
            put(store, f"{name}{number}", [f"{name} {number}"], number)
            assert near(store, number, 100)

    with ThreadPoolExecutor() as threads:
        list(threads.map(work, "abc"))
    assert len(store.documents()) == 24


N_MANY = 3000
SHARES = {"one": 0.001, "ten": 0.01, "hundred": 0.1, "thousand": 1 / 3}


def test_a_filtered_search_gives_as_many_as_there_are_and_the_nearest_ones(open_store: OpenStore) -> None:
    store = open_store(MODEL)
    numbers = np.random.default_rng(7)
    held: dict[str, Vectors] = {}
    for name, share in {**SHARES, "rest": 1 - sum(SHARES.values())}.items():
        size = round(N_MANY * share)
        texts = [f"{name} word {number}. " for number in range(size)]
        held[name] = numbers.standard_normal((size, DIMENSIONS), np.float32)
        held[name] /= np.linalg.norm(held[name], axis=1, keepdims=True)
        store.put(*document(name, texts), held[name])
    for name in SHARES:
        n_right = 0
        wanted = min(10, len(held[name]))
        for query in vectors(*range(DIMENSIONS)):
            found = store.search(Query(query, "word", 10, [name]))
            assert (len(found.nearest), len(found.matching)) == (wanted, wanted)
            assert {found.chunks[match.chunk].source for match in found.nearest} == {name}
            best = set(np.argsort(held[name] @ query)[-wanted:].tolist())
            n_right += len(best & {found.chunks[match.chunk].place for match in found.nearest})
        assert n_right / (wanted * DIMENSIONS) >= 0.99, name
