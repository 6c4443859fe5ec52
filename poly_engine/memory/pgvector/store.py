"""The store of a memory in PostgreSQL."""

import logging
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from pgvector import HalfVector
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from poly_engine.errors import MemoryFailed
from poly_engine.extract import Heading
from poly_engine.memory.pgvector.bm25 import WordSearch
from poly_engine.memory.pgvector.faults import faults_of
from poly_engine.memory.pgvector.search import COLUMNS, MOST_EXACT, nearest, scope_of
from poly_engine.memory.pgvector.server import Server
from poly_engine.memory.pgvector.tables import MOST_INDEXED_DIMENSIONS, Tables, make_index, open_tables
from poly_engine.memory.pgvector.writing import add, remove
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

__all__ = ["PgvectorStore"]

_log = logging.getLogger(__name__)

_DOCUMENTS = SQL("""
select source, title, media_type, n_chunks, n_characters, extract(epoch from added)::float8, cardinality(page_starts),
    sha256 from {documents} order by id
""")
_DOCUMENT = SQL("""
select source, sha256, text, title, media_type, headings, page_starts from {documents} where source = %s
""")
_CHUNKS = SQL("""
select {columns} from {chunks} as chunks join {documents} as documents on documents.id = document
where source = %s and place >= %s and (%s::bigint is null or place <= %s) order by place
""")
_KNOWN = SQL("""
select key, vector from {documents} as documents join {chunks} as chunks on chunks.document = documents.id
join {vectors} on chunk = chunks.id where source = %s
""")
_VECTORS = SQL("select chunk, vector from {vectors} where chunk = any(%s)")


class PgvectorStore(Store):
    """Documents, chunks, vectors and words of one memory, in tables of a PostgreSQL server. They are named after
    `table`, which may be `schema.table`, and made when they are missing. `url` is as PostgreSQL has it.

    Raises InvalidRequest if `url` or `table` cannot be one, MemoryMismatch if the vectors of the memory are of another
    model than `fingerprint` says, MemoryDamaged if the tables are none of ours, and MemoryUnavailable or
    MemoryUnwritable if the server does not answer, or does not let them be made.
    """

    def __init__(self, url: str, table: str, fingerprint: Fingerprint) -> None:
        self._tables = Tables(table)
        self._server = Server(url)
        self._words = WordSearch(self._tables)
        self._is_indexable = fingerprint.dimensions <= MOST_INDEXED_DIMENSIONS
        self._is_indexed = False
        open_tables(self._tables, self._server, fingerprint)

    def put(self, document: Document, chunks: Sequence[NewChunk], vectors: Vectors) -> None:
        assert len(chunks) == len(vectors), f"{len(chunks)} chunks and {len(vectors)} vectors"
        with self._server.writing() as connection:
            remove(document.source, connection, self._tables)
            add(document, chunks, vectors, connection, self._tables)
        self._index_if_large()

    def remove(self, source: str) -> bool:
        with self._server.writing() as connection:
            return remove(source, connection, self._tables)

    def clear(self) -> int:
        with self._server.writing() as connection:
            return connection.execute(self._tables.within(SQL("delete from {documents}"))).rowcount

    def checksum(self, source: str) -> str | None:
        rows = self._rows(SQL("select sha256 from {documents} where source = %s"), source)
        return rows[0][0] if rows else None

    def documents(self) -> list[DocumentInfo]:
        return [DocumentInfo(*row) for row in self._rows(_DOCUMENTS)]

    def document(self, source: str) -> Document | None:
        rows = self._rows(_DOCUMENT, source)
        return _document(rows[0]) if rows else None

    def chunks(self, source: str, first: int = 0, last: int | None = None) -> list[StoredChunk]:
        return [_chunk(row) for row in self._rows(_CHUNKS, source, first, last, last)]

    def known_vectors(self, source: str) -> Mapping[str, Vectors]:
        return {key: _vector(vector) for key, vector in self._rows(_KNOWN, source)}

    def vectors(self, chunks: Collection[ChunkId]) -> Mapping[ChunkId, Vectors]:
        return {chunk: _vector(vector) for chunk, vector in self._rows(_VECTORS, list(chunks))}

    def search(self, query: Query) -> Found:
        with self._server.reading() as connection:
            scope = scope_of(query.sources, connection, self._tables)
            near = nearest(query, scope, connection, self._tables)
            alike = self._words.matching(query, scope, connection)
        chunks = [_chunk(row[1:]) for row in (*near, *alike)]
        return Found(_matches(near), _matches(alike), {one.id: one for one in chunks})

    def faults(self) -> list[str]:
        return faults_of(self._server, self._tables, is_indexable=self._is_indexable)

    def close(self) -> None:
        self._server.close()

    def _rows(self, statement: SQL, *values: object) -> list[TupleRow]:
        with self._server.reading() as connection:
            return connection.execute(self._tables.within(statement, columns=COLUMNS), values).fetchall()

    def _index_if_large(self) -> None:
        """Failing to is no failure of what was put: searches are only slower, and the next may succeed."""
        if self._is_indexed or not self._is_indexable:
            return
        try:
            with self._server.reading() as connection:
                scope = scope_of(None, connection, self._tables)
            if scope.n_chunks > MOST_EXACT:
                make_index(self._tables, self._server)
                self._is_indexed = True
        except MemoryFailed as error:
            _log.warning("no index was made: %s", error)


def _matches(rows: Sequence[TupleRow]) -> list[Match]:
    return [Match(chunk, float(score)) for score, chunk, *_ in rows]


def _vector(vector: HalfVector) -> Vectors:
    return vector.to_numpy().astype(np.float32)


def _document(row: TupleRow) -> Document:
    source, sha256, text, title, media_type, headings, page_starts = row
    return Document(
        source, sha256, text, title, media_type, tuple(Heading(*one) for one in headings), tuple(page_starts)
    )


def _chunk(row: TupleRow) -> StoredChunk:
    chunk, source, title, place, start, end, text, key, headings, first_page, last_page = row
    return StoredChunk(chunk, source, title, place, start, end, text, key, tuple(headings), first_page, last_page)
