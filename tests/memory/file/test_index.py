"""The index of large memories: it finds what exact search finds, and is never trusted when it is damaged."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from poly_engine.memory.file import FileStore
from poly_engine.memory.file.database import Database
from poly_engine.memory.file.index_file import IndexFile, Published, empty_index
from poly_engine.memory.file.schema import FORMAT
from poly_engine.memory.records import Fingerprint, Query, Vectors
from tests.memory.file.faults import IS_FULL
from tests.memory.file.writer import started
from tests.memory.stores import DIMENSIONS, MODEL, document

MOST_EXACT = 50
N_DOCUMENTS, N_CHUNKS = 20, 10
N = 10
DEADLINE_S = 60
QUERIES = np.random.default_rng(0).standard_normal((5, DIMENSIONS)).astype(np.float32)
QUERIES /= np.linalg.norm(QUERIES, axis=1, keepdims=True)


def made_up(source: str, n: int = N_CHUNKS) -> Vectors:
    """The vectors of a document, which are always the same; 16-bit floats hold them exactly."""
    vectors = np.random.default_rng(list(source.encode())).standard_normal((n, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16).astype(np.float32)


def fill(store: FileStore, sources: Sequence[str], n: int = N_CHUNKS) -> None:
    for source in sources:
        store.put(*document(source, [f"{source} {number}. " for number in range(n)]), made_up(source, n))


def nearest(store: FileStore, query: Vectors, sources: Sequence[str] | None = None) -> list[tuple[str, int]]:
    """The sources and places of the nearest chunks."""
    found = store.search(Query(query, "", N, sources))
    chunks = [found.chunks[match.chunk] for match in found.nearest]
    return [(chunk.source, chunk.place) for chunk in chunks]


def exactly(query: Vectors, sources: Sequence[str], n: int = N_CHUNKS) -> list[tuple[str, int]]:
    """What `nearest` has to be where there are these documents."""
    scores = [
        (-float(row @ query), source, place) for source in sources for place, row in enumerate(made_up(source, n))
    ]
    return [(source, place) for _, source, place in sorted(scores)[:N]]


def assert_finds(store: FileStore, sources: Sequence[str]) -> None:
    for query in QUERIES:
        assert nearest(store, query) == exactly(query, sources)


def wait_for_index(store: FileStore, is_there: Callable[[], bool] | None = None) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not (is_there() if is_there else store.is_indexed):
        nearest(store, QUERIES[0])
        assert time.monotonic() < deadline, "no index is made"
        time.sleep(0.001)


def opened(folder: Path) -> closing[FileStore]:
    return closing(FileStore(folder / "memory.db", MODEL, most_exact=MOST_EXACT))


SOURCES = [f"{number}.txt" for number in range(N_DOCUMENTS)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a memory and its index."""
    folder = tmp_path_factory.mktemp("sound")
    with opened(folder) as store:
        fill(store, SOURCES)
        wait_for_index(store)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(sound, tmp_path / "copy")


def published(folder: Path) -> Published | None:
    """The index in a folder."""
    with closing(Database(folder / "memory.db", FORMAT)) as database, database.reading() as reader:
        (generation,) = reader.execute("select value from facts where key = 'generation'").fetchone()
    return IndexFile(folder / "memory.db", MODEL).read(generation)


# What it finds


def test_a_large_memory_gets_an_index_and_its_answers_stay_the_same(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, SOURCES)
        assert_finds(store, SOURCES)
        wait_for_index(store)
        assert_finds(store, SOURCES)


def test_a_small_memory_has_none(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, SOURCES[: MOST_EXACT // N_CHUNKS])
        assert_finds(store, SOURCES[: MOST_EXACT // N_CHUNKS])
        assert [file.name for file in tmp_path.iterdir() if "index" in file.name] == []


def test_an_index_that_is_there_is_used_and_not_made_again(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "poly_engine")
    with opened(folder) as store:
        wait_for_index(store)
        assert_finds(store, SOURCES)
    assert "made an index" not in caplog.text


def test_what_comes_and_goes_after_it_was_made_is_seen_at_the_next_search(folder: Path) -> None:
    with opened(folder) as store, opened(folder) as other:
        wait_for_index(store)
        fill(other, ["new.txt"])
        assert_finds(store, [*SOURCES, "new.txt"])
        for source in SOURCES[:5]:
            other.remove(source)
        assert_finds(store, [*SOURCES[5:], "new.txt"])
        fill(other, [SOURCES[7]])
        assert_finds(store, [*SOURCES[5:7], *SOURCES[8:], "new.txt", SOURCES[7]])


def test_it_is_made_anew_when_much_came_or_went(folder: Path) -> None:
    with opened(folder) as store:
        wait_for_index(store)
        more = [f"more {number}.txt" for number in range(5)]
        fill(store, more)
        wait_for_index(store, lambda: n_indexed(folder) == 250)
        assert_finds(store, [*SOURCES, *more])
        for source in SOURCES[:15]:
            store.remove(source)
        assert_finds(store, [*SOURCES[15:], *more])
        wait_for_index(store, lambda: n_indexed(folder) == 100)
        assert_finds(store, [*SOURCES[15:], *more])


def n_indexed(folder: Path) -> int:
    there = published(folder)
    return 0 if there is None else len(there.index)


def test_a_search_among_sources_gives_all_that_are_there(folder: Path) -> None:
    with opened(folder) as store:
        wait_for_index(store)
        fill(store, ["new.txt"])
        for sources in (SOURCES[:1], ["new.txt"], SOURCES[3:5], [*SOURCES, "new.txt"], []):
            for query in QUERIES:
                assert nearest(store, query, [*sources, "none.txt"]) == exactly(query, sources)


def test_the_index_of_other_chunks_of_the_same_numbers_is_not_used(folder: Path, tmp_path: Path) -> None:
    others = [f"other {number}.txt" for number in range(N_DOCUMENTS)]
    with opened(tmp_path / "other") as other:
        fill(other, others)
    with opened(folder) as store:
        wait_for_index(store)
        with (
            closing(Database(folder / "memory.db", FORMAT)) as old,
            closing(Database(tmp_path / "other" / "memory.db", FORMAT)) as new,
        ):
            assert old.adopt(new, lambda: True)
        assert_finds(store, others)
        wait_for_index(store, lambda: published(folder) is not None)
        assert_finds(store, others)


# What damage does


class Damage:
    """What can happen to the files of the index in a folder."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        (self._index,) = folder.glob("*.index-*")
        self._receipt = folder / "memory.db.index.receipt"
        self._folder = folder
        self._chance = chance

    def delete_the_index(self) -> None:
        self._index.unlink()

    def delete_the_receipt(self) -> None:
        self._receipt.unlink()

    def cut(self) -> None:
        os.truncate(self._index, self._chance.randrange(self._index.stat().st_size))

    def lengthen(self) -> None:
        self._index.write_bytes(self._index.read_bytes() + self._chance.randbytes(self._chance.randint(1, 5000)))

    def zero_a_sector(self) -> None:
        content = bytearray(self._index.read_bytes())
        begin = self._chance.randrange(len(content) // 512) * 512
        content[begin : begin + 512] = bytes(512)
        self._index.write_bytes(content)

    def flip_bits(self) -> None:
        content = bytearray(self._index.read_bytes())
        for _ in range(self._chance.choice([1, 8, 64])):
            content[self._chance.randrange(len(content))] ^= self._chance.randint(1, 255)
        self._index.write_bytes(content)

    def be_rubbish(self) -> None:
        n_bytes = self._chance.choice([0, 1, 64, self._index.stat().st_size])
        self._index.write_bytes(self._chance.randbytes(n_bytes))

    def have_rubbish_as_a_receipt(self) -> None:
        whole = self._receipt.read_bytes()
        cut = whole[: self._chance.randrange(len(whole))]
        rubbish = [b"", b"{}", b"null", b"[" * 100_000, cut, self._chance.randbytes(200), signed(b"[1]"), signed(b"{")]
        self._receipt.write_bytes(self._chance.choice(rubbish))

    def have_another_figure_in_the_receipt(self) -> None:
        content = bytearray(self._receipt.read_bytes())
        digits = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
        content[self._chance.choice(digits)] ^= 1
        self._receipt.write_bytes(content)

    def be_of_another_generation(self) -> None:
        """The index of other vectors, with its own receipt, or with this one."""
        before = self._receipt.read_bytes()
        publish(self._folder, 150, generation="another")
        if self._chance.random() < 0.5:
            (other,) = self._folder.glob("*.index-*")
            other.replace(self._index)
            self._receipt.write_bytes(before)

    def be_of_another_model(self) -> None:
        publish(self._folder, 150, Fingerprint("m", DIMENSIONS, "digest of another"))

    def have_other_dimensions(self) -> None:
        publish(self._folder, 150, Fingerprint("m", DIMENSIONS * 2, MODEL.digest))


DAMAGES = [kind for name, kind in vars(Damage).items() if not name.startswith("_")]


def signed(claims: bytes) -> bytes:
    return claims + b"\n" + sha256(claims).hexdigest().encode()


def generation_of(folder: Path) -> str:
    claims, _, _ = (folder / "memory.db.index.receipt").read_text().rpartition("\n")
    return str(json.loads(claims)["generation"])


def publish(folder: Path, n: int, fingerprint: Fingerprint = MODEL, generation: str | None = None) -> None:
    """Publish an index of the first chunks."""
    index = empty_index(fingerprint.dimensions)
    vectors = np.resize(np.concatenate([made_up(source) for source in SOURCES]), (n, fingerprint.dimensions))
    index.add(np.arange(1, n + 1, dtype=np.uint64), vectors, threads=1)
    published = Published(index, generation or generation_of(folder), n)
    IndexFile(folder / "memory.db", fingerprint).publish(published)


N_DAMAGES = 300


@pytest.mark.parametrize("number", range(N_DAMAGES))
def test_whatever_is_damaged_it_answers_at_once_and_has_a_sound_index_again(number: int, folder: Path) -> None:
    DAMAGES[number % len(DAMAGES)](Damage(folder, random.Random(number)))
    assert published(folder) is None
    with opened(folder) as store:
        assert_finds(store, SOURCES)
        wait_for_index(store)
        assert_finds(store, SOURCES)
    assert n_indexed(folder) == N_DOCUMENTS * N_CHUNKS


def test_damage_under_an_index_that_is_in_use_does_no_harm(folder: Path) -> None:
    with opened(folder) as store:
        wait_for_index(store)
        (index,) = folder.glob("*.index-*")
        index.write_bytes(bytes(index.stat().st_size))
        assert_finds(store, SOURCES)


# How it is made


def publish_for_ever(folder: Path, begun: Path) -> None:
    """Publish indexes of ever more chunks."""
    for n in cycle(range(1, N_DOCUMENTS * N_CHUNKS)):
        publish(folder, n)
        begun.touch()


@pytest.mark.timeout(300)
def test_an_index_is_there_whenever_who_publishes_is_killed(folder: Path, tmp_path: Path) -> None:
    for number in range(100 if IS_FULL else 20):
        begun = tmp_path / f"begun {number}"
        writer = started(publish_for_ever, folder, begun)
        while not begun.exists():
            assert writer.is_alive()
            time.sleep(0.001)
        time.sleep(random.Random(number).random() / 20)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        there = published(folder)
        assert there is not None
        assert len(there.index) == there.last_chunk
    with opened(folder) as store:
        more = [f"more {number}.txt" for number in range(5)]
        fill(store, more)
        wait_for_index(store, lambda: n_indexed(folder) == 250)
        assert_finds(store, [*SOURCES, *more])
    assert len([file for file in folder.iterdir() if "index-" in file.name]) == 1


def find(folder: Path, log: Path) -> None:
    """Search until there is an index, and write down what was done for it."""
    logging.basicConfig(filename=log, level=logging.INFO)
    with opened(folder) as store:
        wait_for_index(store)
        assert_finds(store, SOURCES)


def test_of_several_processes_one_makes_it_and_all_use_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, SOURCES)
    logs = [tmp_path / f"log {number}" for number in range(3)]
    searchers = [started(find, tmp_path, log) for log in logs]
    for searcher in searchers:
        searcher.join()
    assert [searcher.exitcode for searcher in searchers] == [0, 0, 0]
    assert sum(log.read_text().count("made an index") for log in logs) == 1


def test_while_another_process_makes_it_this_one_searches_exactly(folder: Path) -> None:
    (index,) = folder.glob("*.index-*")
    index.unlink()
    file = IndexFile(folder / "memory.db", MODEL)
    with opened(folder) as store:
        with file.turn() as is_mine:
            assert is_mine
            assert_finds(store, SOURCES)
            with file.turn() as is_theirs:
                assert not is_theirs
        wait_for_index(store)


def test_an_index_that_cannot_be_kept_is_used_all_the_same(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (index,) = folder.glob("*.index-*")
    index.unlink()
    folder.joinpath("memory.db.index.new").mkdir()
    with opened(folder) as store:
        wait_for_index(store)
        assert_finds(store, SOURCES)
    assert "cannot be kept" in caplog.text
    assert published(folder) is None


def test_closing_a_memory_stops_the_making_of_its_index(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, SOURCES[:10], 2000)
        nearest(store, QUERIES[0])
    assert published(tmp_path) is None
