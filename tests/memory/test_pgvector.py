"""The store in PostgreSQL: its tables and indexes, and what it finds by words."""

from __future__ import annotations

import math
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import LiteralString

import numpy as np
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from poly_engine.errors import InvalidRequest, MemoryDamaged
from poly_engine.memory.pgvector import PgvectorStore
from poly_engine.memory.pgvector.bm25 import _n_rare, _Term
from poly_engine.memory.pgvector.search import MOST_EXACT, nearest, scope_of
from poly_engine.memory.records import Fingerprint, Query, Vectors
from tests.memory.postgres import Admin, Postgres, wait_for
from tests.memory.stores import MODEL, document, matching, near, put, vectors

ROOT = Path(__file__).parents[2]
OPENING = """
import sys
from poly_engine.memory.pgvector import PgvectorStore
from tests.memory.stores import MODEL, put

store = PgvectorStore(sys.argv[1], "notes", MODEL)
put(store, sys.argv[2], ["one"])
store.close()
"""
KINDS = ("", "_documents", "_facts", "_vectors")


@pytest.fixture
def store(postgres: Postgres, table: str) -> Iterator[PgvectorStore]:
    with closing(PgvectorStore(postgres.url(), table, MODEL)) as store:
        yield store


# Its tables


@pytest.mark.parametrize(
    "table", ["", "a b", "1a", "-a", "a.b.c", ".a", "a.", 'a"b', "a'b", "notes; drop table notes", "a\0b", "a" * 54]
)
def test_what_cannot_be_the_name_of_a_table_is_refused(postgres: Postgres, table: str) -> None:
    with pytest.raises(InvalidRequest, match="the table of a memory"):
        PgvectorStore(postgres.url(), table, MODEL)


def test_its_tables_are_named_after_the_one_that_is_given(postgres: Postgres, database: str) -> None:
    url = postgres.url(database=database)
    longest = "Ä" * 26
    for table in ("Notes-2", "know-ledge.notes", "select", longest):
        with closing(PgvectorStore(url, table, MODEL)) as store:
            put(store, "a.txt", [table])
        with closing(PgvectorStore(url, table, MODEL)) as store:
            assert near(store, 0) == [table]
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select schemaname, tablename from pg_tables where tableowner = 'postgres'"
        ).fetchall()
    names = {("public", name) for name in ("Notes-2", "select", longest)} | {("know-ledge", "notes")}
    expected = {(schema, name + kind) for schema, name in names for kind in KINDS}
    assert {row for row in rows if not row[0].startswith(("pg_", "information"))} == expected


@pytest.mark.parametrize("source", ["'; drop table notes; --", '"', "%s {chunks} $1", "\\", "x" * 2000])
def test_any_source_is_taken_as_it_is(store: PgvectorStore, source: str) -> None:
    put(store, source, ["one ", "two"])
    put(store, "other", ["three"], 2)
    assert store.checksum(source) is not None
    assert near(store, 1, 9, [source]) == ["two"]
    assert store.remove(source)
    assert [one.source for one in store.documents()] == ["other"]


def test_what_postgresql_cannot_hold_is_refused_and_nothing_is_stored(store: PgvectorStore) -> None:
    for source in ("a\0b", "\ud800", "".join(map(chr, range(0x4E00, 0x9000)))):
        with pytest.raises(InvalidRequest, match="cannot hold this"):
            put(store, source, ["one"])
    assert store.documents() == []
    put(store, "a.txt", ["one"])


def test_many_that_open_it_at_once_make_it_once(postgres: Postgres, database: str) -> None:
    url = postgres.url(database=database)

    def opened(number: int) -> str:
        with closing(PgvectorStore(url, f"new.notes{number % 2}", MODEL)) as store:
            put(store, f"{number}.txt", ["one"])
        return f"{number}.txt"

    with ThreadPoolExecutor(8) as threads:
        sources = set(threads.map(opened, range(8)))
    stored = set()
    for number in range(2):
        with closing(PgvectorStore(url, f"new.notes{number}", MODEL)) as store:
            stored |= {one.source for one in store.documents()}
    assert stored == sources


def test_many_processes_that_open_it_at_once_make_it_once(postgres: Postgres, database: str) -> None:
    url = postgres.url(database=database)
    processes = [subprocess.Popen([sys.executable, "-c", OPENING, url, name], cwd=ROOT) for name in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    with closing(PgvectorStore(url, "notes", MODEL)) as store:
        assert sorted(one.source for one in store.documents()) == ["a", "b", "c"]


def test_many_that_put_one_source_at_once_leave_one_document(store: PgvectorStore) -> None:
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda number: put(store, "a.txt", [f"{number} ", "same"]), range(30)))
    (info,) = store.documents()
    assert info.n_chunks == 2
    assert store.faults() == []


def test_a_search_sees_one_state_of_the_memory(store: PgvectorStore) -> None:
    def write(version: int) -> None:
        put(store, "a.txt", [f"version {version} ", f"version {version}"], 0, 0)

    write(0)
    with ThreadPoolExecutor() as threads:
        writing = threads.submit(lambda: list(map(write, range(1, 100))))
        while not writing.done():
            found = store.search(Query(vectors(0)[0], "version", 5))
            assert (len(found.nearest), len(found.matching), len(found.chunks)) == (2, 2, 2)
    writing.result()


def test_a_table_of_another_program_is_refused_and_left_alone(postgres: Postgres, admin: Admin, table: str) -> None:
    admin.execute(SQL("create table {} as select 1 as cookie").format(Identifier(table)))
    with pytest.raises(MemoryDamaged, match="another program"):
        PgvectorStore(postgres.url(), table, MODEL)
    assert admin.execute(SQL("select * from {}").format(Identifier(table))).fetchall() == [(1,)]


def test_tables_of_a_format_to_come_are_refused(postgres: Postgres, admin: Admin, table: str) -> None:
    PgvectorStore(postgres.url(), table, MODEL).close()
    admin.execute(SQL("update {} set value = '99' where key = 'format'").format(Identifier(table + "_facts")))
    with pytest.raises(MemoryDamaged, match="format"):
        PgvectorStore(postgres.url(), table, MODEL)


def test_what_is_removed_leaves_no_rows_behind(store: PgvectorStore, admin: Admin, table: str) -> None:
    for number in range(3):
        put(store, f"{number}.txt", ["one ", "two "])
    assert store.remove("0.txt")
    assert store.clear() == 2
    for kind in ("", "_documents", "_vectors"):
        assert admin.execute(SQL("select * from {}").format(Identifier(table + kind))).fetchall() == []


def test_of_tables_that_are_gone_it_says_so(store: PgvectorStore, admin: Admin, table: str) -> None:
    admin.execute(SQL("drop table {}").format(Identifier(table + "_vectors")))
    with pytest.raises(MemoryDamaged, match=table):
        near(store, 0)
    with pytest.raises(MemoryDamaged):
        put(store, "a.txt", ["one"])
    assert len(store.faults()) == 1


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("update {chunks} set text = 'other' where place = 1", "a.txt: chunk 1 is not a part of its document"),
        ("delete from {vectors} where chunk = (select min(chunk) from {vectors})", "a.txt: some of its chunks"),
        ("delete from {chunks} where place = 1", "a.txt: some of its chunks"),
        ("update {vectors} set vector = '[0.5,0,0,0,0,0,0,0]'", "a.txt: the vector of chunk 0 has length 0.5"),
        ("drop index {words}", "create index on"),
    ],
)
def test_it_tells_what_is_wrong(store: PgvectorStore, admin: Admin, table: str, damage: str, fault: str) -> None:
    put(store, "a.txt", ["one ", "two"])
    assert store.faults() == []
    names = {kind: Identifier(f"{table}_{kind}") for kind in ("vectors", "documents")}
    admin.execute(SQL(damage).format(chunks=Identifier(table), words=Identifier(f"{table}_words_idx"), **names))
    assert store.faults()[0].startswith(fault) or fault in store.faults()[0]


# What is near

LARGE = Fingerprint("m", 32)
SIZES = {"one": 10, "ten": 100, "hundred": 1000, "third": 3400, "rest": MOST_EXACT - 4510}


class Large:
    """A store with more chunks than are searched without an index, and their vectors by source."""

    def __init__(self, url: str, table: str) -> None:
        self.url, self.table = url, table
        self.store = PgvectorStore(url, table, LARGE)
        self.held = {source: random_vectors(size, size) for source, size in SIZES.items()}
        for source, held in self.held.items():
            self.store.put(*document(source, [f"{source} everywhere {number} " for number in range(len(held))]), held)
        self.was_indexed_when_few = self.is_indexed()
        self.held["last"] = random_vectors(1, 1)
        self.store.put(*document("last", ["last"]), self.held["last"])

    def is_indexed(self) -> bool:
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("select to_regclass(%s) is not null", [self.table + "_nearest"]).fetchall()
        return rows == [(True,)]

    def best(self, query: Vectors, sources: Iterable[str], n: int) -> set[tuple[str, int]]:
        """The nearest chunks, by source and place."""
        scores = {(one, place): score for one in sources for place, score in enumerate(self.held[one] @ query)}
        return set(sorted(scores, key=lambda one: -scores[one])[:n])

    def matching(self, text: str, n: int, sources: Sequence[str] | None = None) -> list[str]:
        found = self.store.search(Query(self.held["last"][0], text, n, sources))
        return [found.chunks[one.chunk].text for one in found.matching]


def random_vectors(n: int, seed: int) -> Vectors:
    drawn = np.random.default_rng(seed).standard_normal((n, LARGE.dimensions), np.float32)
    held: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return held


@pytest.fixture(scope="module")
def large(postgres: Postgres) -> Iterator[Large]:
    large = Large(postgres.url(), f"notes_{uuid.uuid4().hex}")
    yield large
    large.store.close()


def test_an_index_is_made_once_there_are_many_vectors_and_used(large: Large, admin: Admin) -> None:
    assert not large.was_indexed_when_few
    assert large.is_indexed()
    n_right = 0
    with closing(PgvectorStore(large.url, large.table, LARGE)) as store:
        for query in random_vectors(20, 2):
            found = store.search(Query(query, "", 10))
            places = {(found.chunks[one.chunk].source, found.chunks[one.chunk].place) for one in found.nearest}
            n_right += len(places & large.best(query, large.held, 10))
    assert n_right >= 0.99 * 200
    wait_for(admin, "idx_scan = 20 from pg_stat_user_indexes where indexrelname = %s", large.table + "_nearest")
    assert large.store.faults() == []


def n_right_by_index(large: Large, source: str, options: str) -> int:
    """How many of 200, ten for each of 20 queries, are the nearest of a source, in a search that goes by the index."""
    n_right = 0
    with (
        closing(PgvectorStore(large.url + options, large.table, LARGE)) as store,
        store._server.reading() as connection,
    ):
        scope = scope_of([source], connection, store._tables)
        many = replace(scope, n_chunks=MOST_EXACT + 1)  # as if they were too many to be compared one by one
        for query in random_vectors(20, 3):
            places = {(row[2], row[4]) for row in nearest(Query(query, "", 10), many, connection, store._tables)}
            assert len(places) == 10
            n_right += len(places & large.best(query, [source], 10))
    return n_right


ONLY_BY_INDEX = "?options=-c%20enable_sort%3Doff"  # without sorting there is no other way
SHORT = "%20-c%20hnsw.max_scan_tuples%3D1"


@pytest.mark.parametrize("options", ["", ONLY_BY_INDEX])
@pytest.mark.parametrize("source", SIZES)
def test_a_filter_of_any_selectivity_loses_nothing_by_the_index(large: Large, source: str, options: str) -> None:
    assert n_right_by_index(large, source, options) >= 0.99 * 200


def test_where_the_index_gives_up_all_are_compared(large: Large) -> None:
    assert n_right_by_index(large, "one", ONLY_BY_INDEX + SHORT) == 200


def test_more_dimensions_than_can_be_indexed_are_searched_exactly(postgres: Postgres, table: str) -> None:
    numbers = np.random.default_rng(0).standard_normal((3, 4001), np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    with closing(PgvectorStore(postgres.url(), table, Fingerprint("m", 4001))) as store:
        store.put(*document("a.txt", ["one ", "two ", "three "]), numbers)
        found = store.search(Query(numbers[1], "", 2))
        assert found.chunks[found.nearest[0].chunk].text == "two "
        assert found.nearest[0].score == pytest.approx(1, abs=1e-3)
        assert len(store.known_vectors("a.txt")["one "]) == 4001
        assert store.faults() == []


# What is found by words


def test_words_are_ranked_by_bm25(store: PgvectorStore) -> None:
    texts = ["qa qb ", "qa " * 3 + "qc " * 20, "qb " * 40, "qc qd ", "qa qa qe qf qg qh qi qj "]
    put(store, "a.txt", texts[:2])
    assert len(matching(store, "qa qb qz")) == 2  # what it counted then is too little soon
    put(store, "b.txt", texts[2:])
    lengths = [len(text.split()) for text in texts]
    expected = dict.fromkeys(texts, 0.0)
    for word in ("qa", "qb"):
        times = [text.split().count(word) for text in texts]
        n_with = sum(1 for n in times if n)
        rarity = math.log(1 + (len(texts) - n_with + 0.5) / (n_with + 0.5))
        for text, n, length in zip(texts, times, lengths, strict=True):
            saturation = 1.2 * (0.25 + 0.75 * length * len(texts) / sum(lengths))
            expected[text] += rarity * n * 2.2 / (n + saturation)
    found = store.search(Query(vectors(0)[0], "qb qa qz", 5))
    scores = {found.chunks[match.chunk].text: match.score for match in found.matching}
    assert scores == pytest.approx({text: score for text, score in expected.items() if score})
    assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_what_has_the_rare_words_comes_first_and_then_what_has_the_common_ones(large: Large) -> None:
    assert {text.split()[0] for text in large.matching("everywhere ten", 50)} == {"ten"}
    both = [text.split()[0] for text in large.matching("everywhere one", 50)]
    assert (both[:10], len(both)) == (["one"] * 10, 50)


def test_a_word_that_is_rare_elsewhere_does_not_hide_those_that_are_here(large: Large) -> None:
    assert len(large.matching("third everywhere", 9, ["rest"])) == 9
    assert len(large.matching("ten everywhere", 9, ["one"])) == 9


def test_common_words_do_not_say_what_is_ranked() -> None:
    terms = [_Term(str(n_chunks), n_chunks) for n_chunks in (0, 7, 1_500, 4_000, 15_000)]
    assert [_n_rare(terms, n, 1.0) for n in (5, 50, 1_507, 1_508, 5_000, 10_000)] == [3, 3, 3, 4, 4, 5]
    assert [_n_rare(terms, n, 0.1) for n in (5, 50, 500, 1_000)] == [4, 4, 4, 5]


def test_a_word_that_was_not_there_is_found_when_it_is(store: PgvectorStore) -> None:
    put(store, "a.txt", ["one ", "two ", "three"])
    assert matching(store, "four") == []
    put(store, "b.txt", ["four"])
    assert matching(store, "four") == ["four"]


def test_forms_of_one_word_count_once(store: PgvectorStore) -> None:
    put(store, "a.txt", ["a dog ", "a cat ", "a bird"])
    assert matching(store, "dog") == ["a dog "]
    put(store, "b.txt", ["dogs ", "dogs again"])  # so that it has counted one form before, and the other behind
    once, twice = (store.search(Query(vectors(0)[0], text, 5)).matching for text in ("dogs", "dog dogs"))
    assert once == twice
    assert len(once) == 3


@pytest.mark.parametrize(
    ("text", "looked_for"),
    [
        ("Le café à Überlingen", "cafe"),
        ("Le cafe\u0301 noir", "CAFÉ"),
        ("see docs.example.com/guide", "guide"),
        ("see docs.example.com/guide", "example"),
        ("call snake_case_name here", "snake"),
        ("well-known", "known"),
        ("Übergrößenträger", "ubergroßentrager"),
        ("Привет, мир", "мир"),
        ("私はABCを使う", "abc"),
        ("1e5 x86-64", "x86"),
    ],
)
def test_a_word_is_found_however_it_is_written(store: PgvectorStore, text: str, looked_for: str) -> None:
    put(store, "a.txt", [text, "something else"])
    assert matching(store, looked_for) == [text]


@pytest.mark.parametrize("locale", ["builtin builtin_locale 'C.UTF-8'", "libc lc_collate 'C' lc_ctype 'C'"])
def test_words_of_all_scripts_are_found_whatever_the_locale(postgres: Postgres, locale: LiteralString) -> None:
    with (
        postgres.new_database("template template0 locale_provider " + locale) as database,
        closing(PgvectorStore(postgres.url(database=database), "notes", MODEL)) as store,
    ):
        texts = ["東京都は日本の首都です。", "Ein großes Haus", "Привет, мир"]
        put(store, "a.txt", texts)
        assert [matching(store, words) for words in ("日本の首都", "GROẞES", "МИР")] == [[text] for text in texts]
