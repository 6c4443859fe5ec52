"""Joining what was found by vectors with what was found by words."""

from poly_engine.memory.recall import fuse
from poly_engine.memory.records import ChunkId, Found, Match, StoredChunk


def chunks(*texts: str) -> dict[ChunkId, StoredChunk]:
    return {
        i: StoredChunk(i, f"{i}.txt", "", 0, 0, len(text), text, "", (), None, None) for i, text in enumerate(texts)
    }


def test_what_both_sides_find_comes_first() -> None:
    nearest = [Match(0, 0.9), Match(1, 0.8), Match(2, 0.1)]
    matching = [Match(1, 7.0), Match(2, 1.0)]
    assert [hit.text for hit in fuse(Found(nearest, matching, chunks("a", "b", "c")), 3)] == ["b", "a", "c"]


def test_each_hit_tells_how_it_was_found() -> None:
    (first, second) = fuse(Found([Match(0, 0.9)], [Match(1, 7.0)], chunks("a", "b")), 5)
    assert (first.vector_rank, first.vector_score, first.words_rank, first.words_score) == (1, 0.9, None, None)
    assert (second.vector_rank, second.words_rank, second.words_score) == (None, 1, 7.0)


def test_a_text_that_occurs_twice_is_given_once() -> None:
    hits = fuse(Found([Match(0, 0.9), Match(1, 0.8), Match(2, 0.7)], [], chunks("same", "same", "other")), 2)
    assert [hit.source for hit in hits] == ["0.txt", "2.txt"]


def test_what_is_gone_meanwhile_is_left_out() -> None:
    assert [hit.text for hit in fuse(Found([Match(7, 0.9), Match(0, 0.8)], [], chunks("a")), 5)] == ["a"]


def test_nothing_found_gives_nothing() -> None:
    assert fuse(Found([], [], {}), 5) == []
