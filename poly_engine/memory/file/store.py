"""The built-in store of a memory: one SQLite database is the truth, and what is quick to search is a copy of it."""

import json
import sqlite3
import threading
import uuid
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from poly_engine.errors import MemoryDamaged, MemoryMismatch
from poly_engine.memory.file.database import Database
from poly_engine.memory.file.index import VectorIndex
from poly_engine.memory.file.rows import CHUNKS, DOCUMENTS, INFOS, Row, add, chunk_of, document_of, remove
from poly_engine.memory.file.schema import FORMAT
from poly_engine.memory.file.vectors import EVERYTHING, Part, Span, VectorTable, unpacked
from poly_engine.memory.file.words import TermCounts, any_of, telling
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
from poly_engine.memory.terms import terms
from poly_engine.types import DocumentInfo

__all__ = ["FileStore"]

_NO_LIMIT = 1 << 62


class FileStore(Store):
    """Documents, chunks, vectors and words of one memory, in a file.

    Up to `most_exact` vectors are all compared, or as many as is quick; among more an index finds the near ones, once
    it is made. Raises MemoryMismatch if the vectors of the memory are of another model than `fingerprint` says, and
    MemoryDamaged if the file is none of ours.
    """

    def __init__(self, path: Path, fingerprint: Fingerprint, *, most_exact: int | None = None) -> None:
        self._database = Database(path, FORMAT)
        self._fingerprint = fingerprint
        try:
            self._check()
        except BaseException:
            self._database.close()
            raise
        self._nearing = threading.Lock()
        self._vectors = VectorTable(fingerprint.dimensions)
        self._index = VectorIndex(path, fingerprint, most_exact)
        self._words = ThreadPoolExecutor(1, "words of a memory")
        self._terms = TermCounts()

    keeps_sentences = True

    @property
    def is_indexed(self) -> bool:
        """Whether searches use an index; what is in it may be older than what they find."""
        return self._index.is_ready

    def put(self, document: Document, chunks: Sequence[NewChunk], vectors: Vectors) -> None:
        assert len(chunks) == len(vectors), f"{len(chunks)} chunks and {len(vectors)} vectors"
        with self._database.writing() as writer:
            self._refuse_other_model(writer)
            remove(writer, document.source)
            add(writer, document, chunks, vectors)

    def remove(self, source: str) -> bool:
        with self._database.writing() as writer:
            return remove(writer, source)

    def clear(self) -> int:
        with self._database.writing() as writer:
            sources = writer.execute("select source from documents").fetchall()
            return sum(remove(writer, source) for (source,) in sources)

    def checksum(self, source: str) -> str | None:
        rows = self._rows("select sha256 from documents where source = ?", (source,))
        return str(rows[0][0]) if rows else None

    def documents(self) -> list[DocumentInfo]:
        return [DocumentInfo(*row) for row in self._rows(INFOS)]

    def document(self, source: str) -> Document | None:
        with self._database.reading() as reader:
            row = reader.execute(DOCUMENTS + " where source = ?", (source,)).fetchone()
            if row is None:
                return None
            document = document_of(row, reader)
        if document is None:
            raise MemoryDamaged(f"{self._database.path}: the text of {source} is damaged")
        return document

    def chunks(self, source: str, first: int = 0, last: int | None = None) -> list[StoredChunk]:
        within = (source, first, _NO_LIMIT if last is None else last)
        rows = self._rows(CHUNKS + " where source = ? and place between ? and ? order by place", within)
        return [chunk_of(row) for row in rows]

    def known_vectors(self, source: str) -> Mapping[str, Vectors]:
        rows = self._rows(
            "select key, vector from documents join chunks on document = documents.id join vectors on chunk = chunks.id"
            " where source = ?",
            (source,),
        )
        return {key: unpacked(raw) for key, raw in rows}

    def vectors(self, chunks: Collection[ChunkId]) -> Mapping[ChunkId, Vectors]:
        wanted = "select chunk, vector from vectors where chunk in (select value from json_each(?))"
        return {chunk: unpacked(raw) for chunk, raw in self._rows(wanted, (json.dumps(list(chunks)),))}

    def sentences(self, chunks: Collection[ChunkId]) -> Mapping[ChunkId, Vectors]:
        wanted = "select chunk, vectors, crc from sentences where chunk in (select value from json_each(?))"
        rows = self._rows(wanted, (json.dumps(list(chunks)),))
        dimensions = self._vectors.dimensions
        return {chunk: unpacked(raw).reshape(-1, dimensions) for chunk, raw, crc in rows if zlib.crc32(raw) == crc}

    def search(self, query: Query) -> Found:
        among = None if query.sources is None else self._spans(query.sources)
        words = self._words.submit(self._matching, query, among)  # at once: SQLite and NumPy let go of Python's lock
        nearest = self._nearest(query, among)
        matching = words.result()
        return Found(nearest, matching, self._get(match.chunk for match in (*nearest, *matching)))

    def faults(self) -> list[str]:
        table = VectorTable(self._vectors.dimensions)  # not the one at hand: what was read then may be damaged by now
        with self._database.reading() as reader:
            found = [row[0] for row in reader.execute("pragma integrity_check") if row[0] != "ok"]
            documents = reader.execute(DOCUMENTS).fetchall()
            found += [f"the text of {row[0]} is damaged" for row in documents if document_of(row, reader) is None]
            table.refresh(reader)
            (n_chunks,) = reader.execute("select count(*) from chunks").fetchone()
        found += [f"the vector of chunk {chunk} is damaged" for chunk in table.damaged]
        n_missing = n_chunks - table.n_present - len(table.damaged)
        return [*found, f"the vectors of {n_missing} chunks are missing"] if n_missing else found

    def close(self) -> None:
        self._words.shutdown()
        with self._nearing:
            self._index.close()
        self._database.close()

    def _nearest(self, query: Query, among: Sequence[Span] | None) -> list[Match]:
        """By the cosine."""
        with self._nearing:
            with self._database.reading() as reader:
                self._refuse_other_model(reader)
                self._vectors.refresh(reader)
            return self._vectors.nearest(query.vector, query.n, self._parts(query, among))

    def _parts(self, query: Query, among: Sequence[Span] | None) -> Sequence[Part]:
        """The parts of the table that are to be compared."""
        if among is not None:
            return [self._vectors.rows_between(among)]
        return self._index.candidates(query.vector, query.n, self._vectors) or EVERYTHING

    def _matching(self, query: Query, among: Sequence[Span] | None) -> list[Match]:
        """By BM25."""
        words = terms(query.text)
        with self._database.reading() as reader:
            counts = self._terms.rarest_first(words, reader)
            found = _ranked(reader, telling(counts, query.n, self._terms.n_chunks), query, among)
            if among is not None and len(found) < query.n:  # what is common in all may be all that is in those
                found = _ranked(reader, any_of(words), query, among)
        return found

    def _get(self, ids: Iterable[ChunkId]) -> dict[ChunkId, StoredChunk]:
        wanted = json.dumps(list(ids))
        rows = self._rows(CHUNKS + " where chunks.id in (select value from json_each(?))", (wanted,))
        return {row[0]: chunk_of(row) for row in rows}

    def _check(self) -> None:
        """Refuse vectors of another model. What is new gets this one."""
        if not self._rows("select 1 from facts"):
            with self._database.writing() as writer:
                values = {**asdict(self._fingerprint), "generation": uuid.uuid4().hex}
                writer.executemany(
                    "insert or ignore into facts values (?, ?)", [(key, str(value)) for key, value in values.items()]
                )
        with self._database.reading() as reader:
            self._refuse_other_model(reader)

    def _refuse_other_model(self, connection: sqlite3.Connection) -> None:
        """All may have been embedded anew by another process since this one opened it."""
        facts = dict(connection.execute("select key, value from facts").fetchall())
        stored = Fingerprint(facts["model"], int(facts["dimensions"]), facts["digest"])
        if stored != self._fingerprint:
            raise MemoryMismatch(self._database.path, stored.model, self._fingerprint.model)

    def _spans(self, sources: Collection[str]) -> list[Span]:
        return self._rows(
            "select first_chunk, first_chunk + n_chunks - 1 from documents"
            " where n_chunks > 0 and source in (select value from json_each(?))",
            (json.dumps(list(sources)),),
        )

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        with self._database.reading() as reader:
            return reader.execute(statement, values).fetchall()


def _ranked(reader: sqlite3.Connection, wanted: str, query: Query, among: Sequence[Span] | None) -> list[Match]:
    """The best of the chunks that an FTS5 query finds, by BM25."""
    if not wanted or among == []:
        return []
    within, values = "", [wanted]
    if among is not None and query.sources is not None:
        # FTS5 skips what is not between two numbers. It would look up each of a set of them, but for the "+".
        within = (
            f" and rowid between {min(among)[0]} and {max(among)[1]} and +rowid in (select chunks.id from documents"
            " join chunks on document = documents.id where source in (select value from json_each(?)))"
        )
        values.append(json.dumps(list(query.sources)))
    rows = reader.execute(
        f"select rowid, -rank as score from words where words match ?{within} order by score desc limit {query.n}",
        values,
    )
    return [Match(*row) for row in rows]
