"""The built-in store of a memory: one SQLite database is the truth, and vectors are searched exactly."""

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from poly_engine.errors import MemoryMismatch
from poly_engine.extract import Heading
from poly_engine.memory.file.database import Database
from poly_engine.memory.file.schema import FORMAT
from poly_engine.memory.file.vectors import VectorTable, packed, unpacked
from poly_engine.memory.file.words import TermCounts, any_of, searchable, terms
from poly_engine.memory.records import (
    ChunkId,
    Document,
    Fingerprint,
    Found,
    Match,
    NewChunk,
    Query,
    StoredChunk,
    Vectors,
)
from poly_engine.memory.store import Store
from poly_engine.types import DocumentInfo

__all__ = ["FileStore"]

_NO_LIMIT = 1 << 62

_CHUNKS = """
select chunks.id, source, title, place, start, end, chunks.text, key, headings, first_page, last_page
from chunks join documents on documents.id = chunks.document
"""


class FileStore(Store):
    """Documents, chunks, vectors and words of one memory, in a file.

    Raises MemoryMismatch if the vectors of the memory are of another model than `fingerprint` says, and MemoryDamaged
    if the file is none of ours.
    """

    def __init__(self, path: Path, fingerprint: Fingerprint) -> None:
        self._database = Database(path, FORMAT)
        self._reading = threading.Lock()
        self._vectors = VectorTable(fingerprint.dimensions)
        self._terms = TermCounts()
        try:
            self._check(fingerprint)
        except MemoryMismatch:
            self._database.close()
            raise

    def put(self, document: Document, chunks: Sequence[NewChunk], vectors: Vectors) -> None:
        assert len(chunks) == len(vectors), f"{len(chunks)} chunks and {len(vectors)} vectors"
        with self._database.writing() as writer:
            _remove(writer, "source = ?", (document.source,))
            added = _add_document(writer, document)
            _add_chunks(writer, added, document, chunks, vectors)

    def remove(self, source: str) -> bool:
        with self._database.writing() as writer:
            return _remove(writer, "source = ?", (source,)) > 0

    def clear(self) -> int:
        with self._database.writing() as writer:
            return _remove(writer, "true", ())

    def checksum(self, source: str) -> str | None:
        rows = self._rows("select sha256 from documents where source = ?", (source,))
        return str(rows[0][0]) if rows else None

    def documents(self) -> list[DocumentInfo]:
        rows = self._rows(
            "select source, title, media_type, count(chunks.id), n_characters, added"
            " from documents left join chunks on chunks.document = documents.id"
            " group by documents.id order by documents.id"
        )
        return [DocumentInfo(*row) for row in rows]

    def document(self, source: str) -> Document | None:
        rows = self._rows(
            "select source, sha256, text, title, media_type, outline, page_starts from documents where source = ?",
            (source,),
        )
        return _document(rows[0]) if rows else None

    def chunks(self, source: str, first: int = 0, last: int | None = None) -> list[StoredChunk]:
        within = (source, first, _NO_LIMIT if last is None else last)
        return [
            _chunk(row)
            for row in self._rows(_CHUNKS + " where source = ? and place between ? and ? order by place", within)
        ]

    def known_vectors(self, source: str) -> Mapping[str, Vectors]:
        rows = self._rows(
            "select key, vector from chunks join documents on documents.id = document where source = ?", (source,)
        )
        return {key: unpacked(raw) for key, raw in rows}

    def vectors(self, chunks: Collection[ChunkId]) -> Mapping[ChunkId, Vectors]:
        wanted = json.dumps(list(chunks))
        rows = self._rows("select id, vector from chunks where id in (select value from json_each(?))", (wanted,))
        return {chunk: unpacked(raw) for chunk, raw in rows}

    def search(self, query: Query) -> Found:
        among = None if query.sources is None else self._chunks_of(query.sources)
        nearest = self._nearest(query, among)
        matching = self._matching(query, among)
        return Found(nearest, matching, self._get(match.chunk for match in (*nearest, *matching)))

    def faults(self) -> list[str]:
        found = [str(row[0]) for row in self._rows("pragma integrity_check") if row[0] != "ok"]
        for info in self.documents():
            document = self.document(info.source)
            text = document.text if document else ""
            torn = [one.place for one in self.chunks(info.source) if text[one.start : one.end] != one.text]
            found += [f"{info.source}: chunk {place} is not a part of its document" for place in torn]
        with self._reading:
            self._vectors.refresh(self._database.reader)
            damaged = self._vectors.damaged
        return found + [f"the vector of chunk {chunk} is damaged" for chunk in damaged]

    def close(self) -> None:
        with self._reading:
            self._database.close()

    def _nearest(self, query: Query, among: Collection[int] | None) -> list[Match]:
        with self._reading:
            self._vectors.refresh(self._database.reader)
            return self._vectors.nearest(query.vector, query.n, among)

    def _matching(self, query: Query, among: Collection[int] | None) -> list[Match]:
        """By BM25, over the words that tell something."""
        with self._reading:
            wanted = any_of(self._terms.telling(terms(query.text), self._database.reader))
        if not wanted:
            return []
        within, values = "", [wanted]
        if among is not None:
            within = " and rowid in (select value from json_each(?))"
            values.append(json.dumps(sorted(among)))
        rows = self._rows(
            f"select rowid, -bm25(words) from words where words match ?{within} order by rank limit {int(query.n)}",
            values,
        )
        return [Match(*row) for row in rows]

    def _get(self, ids: Iterable[ChunkId]) -> dict[ChunkId, StoredChunk]:
        wanted = json.dumps(list(ids))
        rows = self._rows(_CHUNKS + " where chunks.id in (select value from json_each(?))", (wanted,))
        return {row[0]: _chunk(row) for row in rows}

    def _check(self, fingerprint: Fingerprint) -> None:
        with self._database.writing() as writer:
            facts = dict(writer.execute("select key, value from facts").fetchall())
            if not facts:
                values = [(key, str(value)) for key, value in asdict(fingerprint).items()]
                writer.executemany("insert into facts values (?, ?)", values)
                return
        stored = Fingerprint(facts["model"], int(facts["dimensions"]), facts["digest"])
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


def _add_document(writer: sqlite3.Connection, document: Document) -> int:
    row = (
        document.source,
        document.sha256,
        document.title,
        document.media_type,
        json.dumps([(one.start, one.level, one.title) for one in document.headings]),
        json.dumps(document.page_starts),
        len(document.text),
        zlib.compress(document.text.encode(), 1),
        time.time(),
    )
    added = writer.execute(
        "insert into documents (source, sha256, title, media_type, outline, page_starts, n_characters, text, added)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    ).lastrowid
    assert added is not None
    return added


def _add_chunks(
    writer: sqlite3.Connection, document: int, whole: Document, chunks: Sequence[NewChunk], vectors: Vectors
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


def _document(row: tuple) -> Document:  # type: ignore[type-arg]  # as SQLite gives it
    source, sha256, text, title, media_type, outline, page_starts = row
    return Document(
        source,
        sha256,
        zlib.decompress(text).decode(),
        title,
        media_type,
        tuple(Heading(*one) for one in json.loads(outline)),
        tuple(json.loads(page_starts)),
    )


def _chunk(row: tuple) -> StoredChunk:  # type: ignore[type-arg]  # as SQLite gives it
    chunk, source, title, place, start, end, text, key, headings, first_page, last_page = row
    headings = tuple(json.loads(headings))
    return StoredChunk(chunk, source, title, place, start, end, text, key, headings, first_page, last_page)
