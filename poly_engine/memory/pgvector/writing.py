"""Writes documents into the tables of a memory in PostgreSQL."""

from collections.abc import Sequence

from pgvector import HalfVector
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from poly_engine.memory.pgvector.server import Connection
from poly_engine.memory.pgvector.tables import Tables
from poly_engine.memory.pgvector.words import indexed
from poly_engine.memory.records import Document, NewChunk, Vectors

__all__ = ["add", "remove"]

_LOCK = SQL("select pg_advisory_xact_lock(hashtextextended(%s, %s::regclass::oid::bigint))")
_REMOVE = SQL("delete from {documents} where source = %s")
_ADD_DOCUMENT = SQL("""
insert into {documents}
(source, sha256, title, media_type, headings, page_starts, text, n_characters, n_chunks, n_words)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id
""")
_NUMBERS = SQL("select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)")
_ADD_CHUNK = SQL("""
insert into {chunks}
(id, document, place, start_at, end_at, first_page, last_page, headings, text, key, n_words, words)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, to_tsvector('english', %s))
""")
_ADD_VECTOR = SQL("insert into {vectors} (chunk, document, vector) values (%s, %s, %s)")


def remove(source: str, connection: Connection, tables: Tables) -> bool:
    """Remove the document of a source, with all that belongs to it. False if there is none."""
    # Two that replace one document at once would each remove the one before, and the second could not add its own.
    connection.execute(_LOCK, [source, tables.text("documents")])
    return connection.execute(tables.within(_REMOVE), [source]).rowcount > 0


def add(
    document: Document, chunks: Sequence[NewChunk], vectors: Vectors, connection: Connection, tables: Tables
) -> None:
    """Add a document of whose source there is none."""
    texts = [document.text[one.start : one.end] for one in chunks]
    words = [indexed(" ".join([document.title, *one.headings, text])) for one, text in zip(chunks, texts, strict=True)]
    n_words = [len(one.split()) for one in words]
    number = _add_document(document, len(chunks), sum(n_words), connection, tables)
    numbers = [row[0] for row in connection.execute(_NUMBERS, [tables.text("chunks"), len(chunks)])]
    spans = [(one.start, one.end, one.first_page, one.last_page, Jsonb(one.headings)) for one in chunks]
    keys = [one.key for one in chunks]
    rows = zip(numbers, range(len(chunks)), spans, texts, keys, n_words, words, strict=True)
    with connection.cursor() as cursor:
        cursor.executemany(
            tables.within(_ADD_CHUNK),
            [(chunk, number, place, *span, text, key, n, found) for chunk, place, span, text, key, n, found in rows],
        )
        cursor.executemany(
            tables.within(_ADD_VECTOR),
            [(chunk, number, HalfVector(vector)) for chunk, vector in zip(numbers, vectors, strict=True)],
        )


def _add_document(document: Document, n_chunks: int, n_words: int, connection: Connection, tables: Tables) -> int:
    headings = [(one.start, one.level, one.title) for one in document.headings]
    values = (
        document.source,
        document.sha256,
        document.title,
        document.media_type,
        Jsonb(headings),
        list(document.page_starts),
        document.text,
        len(document.text),
        n_chunks,
        n_words,
    )
    row = connection.execute(tables.within(_ADD_DOCUMENT), values).fetchone()
    assert row is not None
    return int(row[0])
