"""Which chunks are ranked by words, and that their order is that of all."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from poly_engine.memory.file.words import TermCounts, any_of, telling
from poly_engine.memory.terms import searchable, terms

N_CHUNKS = 9_000


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    """The tables that words are looked up in: w2 is in every second chunk, w3 in every third, and so on."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table chunks (id integer primary key)")
        connection.execute("create virtual table words using fts5 (text, content = '')")
        chance = random.Random(1)
        for number in range(1, N_CHUNKS + 1):
            words = [f"w{n}" for n in (2, 3, 5, 50, 500) if number % n == 0 for _ in range(chance.randint(1, 3))]
            text = " ".join([*words, *["filler"] * chance.randint(1, 30)])
            connection.execute("insert into chunks values (?)", (number,))
            connection.execute("insert into words (rowid, text) values (?, ?)", (number, text))
        yield connection


def ranked(index: sqlite3.Connection, query: str, n: int = 10) -> list[int]:
    found = index.execute("select rowid from words where words match ? order by rank, rowid limit ?", (query, n))
    return [row[0] for row in found]


def counted(index: sqlite3.Connection, *words: str) -> list[tuple[str, int]]:
    return TermCounts().rarest_first(words, index)


def test_words_are_counted_and_the_rarest_comes_first(index: sqlite3.Connection) -> None:
    assert counted(index, "w2", "none", "w500", "w5") == [("none", 0), ("w500", 18), ("w5", 1800), ("w2", 4500)]


def test_a_word_that_comes_later_is_looked_for_although_it_was_not_there_when_it_was_counted() -> None:
    assert telling([("new", 0), ("old", 10)], 5, 100) == '"new" OR "old"'


def test_words_that_are_in_few_chunks_are_all_looked_for() -> None:
    assert telling([("a", 10), ("b", 20)], 5, 100) == any_of(["a", "b"])
    assert telling([], 5, 100) == ""


def test_the_common_words_of_a_large_memory_rank_but_do_not_find() -> None:
    query = telling([("rare", 100), ("common", 30_000), ("commonest", 90_000)], 50, 100_000)
    assert query == '("rare") AND ("rare" OR "common" OR "common")'


def test_common_words_find_where_rare_ones_would_find_too_little() -> None:
    assert telling([("rare", 9), ("common", 30_000)], 10, 100_000) == any_of(["rare", "common"])


def test_chunks_with_a_rare_word_come_in_the_order_that_all_words_give_them(index: sqlite3.Connection) -> None:
    words = ["w500", "w50", "w3", "w2"]
    query = telling(counted(index, *words), 10, N_CHUNKS)
    assert " AND " in query
    assert ranked(index, query) == ranked(index, any_of(words))


def test_runs_without_spaces_become_pairs_and_other_text_stays() -> None:
    assert searchable("plain text") == "plain text"
    assert searchable("ünï 日本語 x").split() == ["ünï", "日本", "本語", "x"]
    assert terms("Ünï 日本 ünï 語") == ["ünï", "日本", "語"]
