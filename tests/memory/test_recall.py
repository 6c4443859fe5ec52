"""Joining what was found by vectors with what was found by words, and choosing among it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from poly_engine.memory.recall import Selection, fuse
from poly_engine.memory.records import ChunkId, Found, Match, StoredChunk, Vectors
from poly_engine.types import Hit, Recalled


def chunks(*texts: str) -> dict[ChunkId, StoredChunk]:
    return {
        i: StoredChunk(i, f"{i}.txt", "", 0, 0, len(text), text, "", (), None, None) for i, text in enumerate(texts)
    }


def selection(*texts: str) -> Selection:
    """Of those texts, found in this order."""
    matches = [Match(number, -number) for number in range(len(texts))]
    return Selection(fuse(Found(matches, [], chunks(*texts)), ""))


def chosen(selection: Selection, n: int = 10) -> str:
    return told(selection.limit(n, lambda _: True))


def told(recalled: Recalled) -> str:
    """The texts of the hits, and those that were dropped with the reason."""
    dropped = [f"{one.hit.text}:{one.reason}" for one in recalled.dropped]
    return " ".join([*(hit.text for hit in recalled.hits), *dropped])


def unit(*angles: float) -> dict[ChunkId, Vectors]:
    """Vectors in a plane, at those angles in degrees."""
    return {i: np.array([np.cos(a), np.sin(a)], np.float32) for i, a in enumerate(np.radians(angles))}


def test_what_both_sides_find_comes_first() -> None:
    nearest = [Match(0, 0.9), Match(1, 0.8), Match(2, 0.1)]
    matching = [Match(1, 7.0), Match(2, 1.0)]
    found = fuse(Found(nearest, matching, chunks("a", "b", "c")), "b c")
    assert [hit.text for hit in found.values()] == ["b", "a", "c"]


def test_a_chunk_that_shares_one_word_of_many_counts_for_little_by_words() -> None:
    nearest = [Match(0, 0.9), Match(1, 0.1)]
    matching = [Match(1, 7.0), Match(2, 1.0)]
    texts = chunks("answer", "a rare word, and so on", "nothing")
    assert next(iter(fuse(Found(nearest, matching, texts), "how do I word it well"))) == 0
    assert next(iter(fuse(Found(nearest, matching, texts), "a rare word and so on"))) == 1


def test_each_hit_tells_how_it_was_found() -> None:
    (second, first) = fuse(Found([Match(0, 0.9)], [Match(1, 7.0)], chunks("a", "b")), "b").values()
    assert (first.vector_rank, first.vector_score, first.words_rank, first.words_score) == (1, 0.9, None, None)
    assert (second.vector_rank, second.words_rank, second.words_score) == (None, 1, 7.0)


def test_what_is_gone_meanwhile_is_left_out() -> None:
    assert list(fuse(Found([Match(7, 0.9), Match(0, 0.8)], [], chunks("a")), "")) == [0]


def test_nothing_found_gives_nothing() -> None:
    assert fuse(Found([], [], {}), "") == {}
    assert Selection({}).limit(5, lambda _: True) == Recalled(())


def test_a_text_that_occurs_twice_is_given_once() -> None:
    choice = selection("same", "same", "other")
    choice.drop_duplicates()
    assert chosen(choice) == "same other same:duplicate"


def test_what_is_unlike_the_prompt_is_dropped_and_every_hit_has_its_cosine() -> None:
    choice = selection("near", "far", "nearer")
    choice.drop_unlike(unit(0)[0], unit(30, 80, 10), min_score=0.5)
    recalled = choice.limit(10, lambda _: True)
    assert told(recalled) == "near nearer far:low_score"
    assert [round(hit.vector_score or 0, 2) for hit in recalled.hits] == [0.87, 0.98]


def test_what_is_like_a_better_hit_makes_room_for_something_else() -> None:
    choice = selection("first", "nearly first", "another")
    choice.diversify(unit(0, 1, 90), weight=0.5, n=2)
    assert chosen(choice) == "first another nearly first:similar"


def test_by_scores_alone_nothing_is_too_like_another() -> None:
    choice = selection("first", "nearly first", "another")
    choice.diversify(unit(0, 1, 90), weight=1.0, n=2)
    assert chosen(choice) == "first nearly first"


def test_the_worst_have_no_room_when_all_together_are_too_long() -> None:
    recalled = selection("aaa", "bb", "cccc", "d").limit(3, lambda hits: sum(len(hit.text) for hit in hits) <= 5)
    assert told(recalled) == "aaa bb cccc:no_room"
    assert recalled.n_without_room == 1


def test_a_hit_in_the_surroundings_of_a_better_one_is_no_hit_of_its_own() -> None:
    hits = fuse(Found([Match(i, -i) for i in range(4)], [], chunks("aa", "bb", "cc", "dd")), "")
    choice = Selection({i: replace(hit, source="a", start=2 * i, end=2 * i + 2) for i, hit in enumerate(hits.values())})

    def widened(hit: Hit) -> Hit:
        return replace(hit, start=hit.start - 2, end=hit.end + 2, text=f"({hit.text})")

    choice.widen(2, widened)
    assert chosen(choice, 2) == "(aa) (cc) bb:duplicate dd:duplicate"
