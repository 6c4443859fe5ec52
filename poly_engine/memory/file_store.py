"""The built-in store of a memory: one SQLite database is the truth, and vectors are searched exactly."""

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from poly_engine.errors import MemoryMismatch
from poly_engine.memory.database import Database
from poly_engine.memory.records import Fingerprint, Match, NewChunk, NewDocument, StoredChunk
from poly_engine.memory.vectors import VectorTable, packed, unpacked
from poly_engine.memory.words import TermCounts, any_of, searchable, terms
from poly_engine.types import DocumentInfo

__all__ = ["FileStore"]

Vectors = npt.NDArray[np.float32]

_CHUNKS = """
select chunks.id, source, title, place, start, end, chunks.text, headings, first_page, last_page
from chunks join documents on documents.id = chunks.document
"""


class FileStore:
    """Documents, chunks, vectors and words of one memory. Any thread may use it, and other processes beside it.

    What a method has returned from is on the disk. Raises MemoryMismatch if the vectors of the memory are of another
    model than `fingerprint` says, and MemoryDamaged if the file is none of ours.
    """

    def __init__(self, path: Path, fingerprint: Fingerprint) -> None:
        self._database = Database(path)
        self._reading = threading.Lock()
        self._vectors = VectorTable(fingerprint.dimensions)
        self._terms = TermCounts()
        try:
            self._check(fingerprint)
        except MemoryMismatch:
            self._database.close()
            raise

    def put(self, document: NewDocument, chunks: Sequence[NewChunk], vectors: Vectors) -> int:
        """Store a document with its chunks, in place of the one of the same source; all of it or nothing.

        `vectors` has shape (n_chunks, dimensions), each of length 1. Returns the id of the document.
        """
        assert len(chunks) == len(vectors), f"{len(chunks)} chunks and {len(vectors)} vectors"
        with self._database.writing() as writer:
            _remove(writer, "source = ?", (document.source,))
            added = _add_document(writer, document)
            _add_chunks(writer, added, document, chunks, vectors)
        return added

    def remove(self, source: str) -> bool:
        """Forget a document. False if there is none of that source."""
        with self._database.writing() as writer:
            return _remove(writer, "source = ?", (source,)) > 0

    def clear(self) -> int:
        """Forget everything; return how many documents that were."""
        with self._database.writing() as writer:
            return _remove(writer, "true", ())

    def checksum(self, source: str) -> str | None:
        """The SHA-256 of the content that the document of a source was taken from; None if there is none."""
        rows = self._rows("select sha256 from documents where source = ?", (source,))
        return str(rows[0][0]) if rows else None

    def documents(self) -> list[DocumentInfo]:
        """All documents, in the order in which they were added."""
        rows = self._rows(
            "select source, title, media_type, count(chunks.id), n_characters, added"
            " from documents left join chunks on chunks.document = documents.id"
            " group by documents.id order by documents.id"
        )
        return [DocumentInfo(*row) for row in rows]

    def text(self, source: str) -> str | None:
        """The whole text of a document, of which every chunk is a part."""
        rows = self._rows("select text from documents where source = ?", (source,))
        return _inflated(rows[0][0]) if rows else None

    def chunks(self, source: str) -> list[StoredChunk]:
        """The chunks of a document, in their order."""
        return [_chunk(row) for row in self._rows(_CHUNKS + " where source = ? order by place", (source,))]

    def get(self, ids: Iterable[int]) -> dict[int, StoredChunk]:
        """Chunks by their ids; what is gone is left out."""
        wanted = json.dumps(list(ids))
        rows = self._rows(_CHUNKS + " where chunks.id in (select value from json_each(?))", (wanted,))
        return {row[0]: _chunk(row) for row in rows}

    def known_vectors(self, source: str) -> Mapping[str, Vectors]:
        """The vectors of the chunks of a document by their keys: what need not be embedded again."""
        rows = self._rows(
            "select key, vector from chunks join documents on documents.id = document where source = ?", (source,)
        )
        return {key: unpacked(raw) for key, raw in rows}

    def nearest(self, vector: Vectors, n: int, sources: Collection[str] | None = None) -> list[Match]:
        """The `n` chunks whose vectors are most like `vector`, by the cosine, best first; of `sources` if given."""
        among = None if sources is None else self._chunks_of(sources)
        with self._reading:
            self._vectors.refresh(self._database.reader)
            return self._vectors.nearest(vector, n, among)

    def matching(self, text: str, n: int, sources: Collection[str] | None = None) -> list[Match]:
        """The `n` chunks that share the most telling words with `text`, by BM25, best first; of `sources` if given."""
        with self._reading:
            wanted = any_of(self._terms.telling(terms(text), self._database.reader))
        if not wanted:
            return []
        within, values = "", [wanted]
        if sources is not None:
            within = " and rowid in (select value from json_each(?))"
            values.append(json.dumps(sorted(self._chunks_of(sources))))
        rows = self._rows(
            f"select rowid, -bm25(words) from words where words match ?{within} order by rank limit {int(n)}", values
        )
        return [Match(*row) for row in rows]

    def faults(self) -> list[str]:
        """What is wrong with the memory, in sentences; nothing if it is sound."""
        found = [str(row[0]) for row in self._rows("pragma integrity_check") if row[0] != "ok"]
        for document in self.documents():
            text = self.text(document.source) or ""
            torn = [one.place for one in self.chunks(document.source) if text[one.start : one.end] != one.text]
            found += [f"{document.source}: chunk {place} is not a part of its document" for place in torn]
        with self._reading:
            self._vectors.refresh(self._database.reader)
            damaged = self._vectors.damaged
        return found + [f"the vector of chunk {chunk} is damaged" for chunk in damaged]

    def close(self) -> None:
        """Close it."""
        with self._reading:
            self._database.close()

    def _check(self, fingerprint: Fingerprint) -> None:
        with self._database.writing() as writer:
            facts = dict(writer.execute("select key, value from facts").fetchall())
            if not facts:
                values = [("model", fingerprint.model), ("dimensions", str(fingerprint.dimensions))]
                writer.executemany("insert into facts values (?, ?)", values)
                return
        stored = Fingerprint(facts["model"], int(facts["dimensions"]))
        if stored != fingerprint:
            raise MemoryMismatch(self._database.path, stored.model, fingerprint.model)

    def _chunks_of(self, sources: Collection[str]) -> set[int]:
        rows = self._rows(
            "select chunks.id from chunks join documents on documents.id = document"
            " where source in (select value from json_each(?))",
            (json.dumps(list(sources)),),
        )
        return {row[0] for row in rows}

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]  # as SQLite
        with self._reading:
            return self._database.reader.execute(statement, values).fetchall()


def _add_document(writer: sqlite3.Connection, document: NewDocument) -> int:
    row = (
        document.source,
        document.sha256,
        document.title,
        document.media_type,
        json.dumps(document.page_starts),
        len(document.text),
        zlib.compress(document.text.encode(), 1),
        time.time(),
    )
    added = writer.execute(
        "insert into documents (source, sha256, title, media_type, page_starts, n_characters, text, added)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    ).lastrowid
    assert added is not None
    return added


def _add_chunks(
    writer: sqlite3.Connection, document: int, whole: NewDocument, chunks: Sequence[NewChunk], vectors: Vectors
) -> None:
    (last,) = writer.execute("select coalesce(max(seq), 0) from sqlite_sequence where name = 'chunks'").fetchone()
    rows, words = [], []
    for place, (chunk, vector) in enumerate(zip(chunks, vectors, strict=True)):
        text = whole.text[chunk.start : chunk.end]
        span = (chunk.start, chunk.end, chunk.first_page, chunk.last_page)
        number = last + 1 + place
        rows.append((number, document, place, *span, json.dumps(chunk.headings), text, chunk.key, *packed(vector)))
        words.append((number, _words(whole.title, chunk.headings, text)))
    writer.executemany(
        "insert into chunks (id, document, place, start, end, first_page, last_page, headings, text, key, vector, crc)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    writer.executemany("insert into words (rowid, text) values (?, ?)", words)


def _remove(writer: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> int:
    """Remove the documents that a condition of ours holds for, with all that belongs to them."""
    rows = writer.execute(
        "select chunks.id, title, headings, chunks.text from chunks join documents on documents.id = document"
        f" where {condition}",
        values,
    ).fetchall()
    # The index has no copy of the text: it has to be told what it is to forget.
    gone = [(number, _words(title, json.loads(headings), text)) for number, title, headings, text in rows]
    writer.executemany("insert into words (words, rowid, text) values ('delete', ?, ?)", gone)
    return writer.execute(f"delete from documents where {condition}", values).rowcount


def _words(title: str, headings: Sequence[str], text: str) -> str:
    """What is found by words: a chunk also by its headings, and the title of its document."""
    return searchable(" ".join([title, *headings, text]))


def _inflated(text: bytes) -> str:
    return zlib.decompress(text).decode()


def _chunk(row: tuple) -> StoredChunk:  # type: ignore[type-arg]  # as SQLite gives it
    chunk, source, title, place, start, end, text, headings, first_page, last_page = row
    headings = tuple(json.loads(headings))
    return StoredChunk(chunk, source, title, place, start, end, text, headings, first_page, last_page)
