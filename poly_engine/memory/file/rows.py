"""Documents and chunks as rows of the tables."""

import json
import sqlite3
import time
import zlib
from collections.abc import Sequence
from typing import Any

from poly_engine.extract import Heading
from poly_engine.memory.file.texts import joined, rest
from poly_engine.memory.file.vectors import packed
from poly_engine.memory.records import Document, NewChunk, StoredChunk, Vectors
from poly_engine.memory.terms import searchable

__all__ = ["CHUNKS", "DOCUMENTS", "INFOS", "Row", "add", "chunk_of", "document_of", "remove"]

Row = tuple[Any, ...]  # Any: as SQLite gives it

CHUNKS = """
select chunks.id, source, title, place, start, end, chunks.text, key, headings, first_page, last_page
from chunks join documents on documents.id = chunks.document
"""
"""What `chunk_of` takes."""

DOCUMENTS = "select source, sha256, title, media_type, outline, page_starts, id, rest, crc from documents"
"""What `document_of` takes."""

INFOS = """
select source, title, media_type, n_chunks, n_characters, added,
    case when json_valid(page_starts) then json_array_length(page_starts) else 0 end, sha256
from documents order by id
"""
"""The columns of a `DocumentInfo`."""


def add(writer: sqlite3.Connection, document: Document, chunks: Sequence[NewChunk], vectors: Vectors) -> None:
    """Add a document with its chunks."""
    (last,) = writer.execute("select coalesce(max(seq), 0) from sqlite_sequence where name = 'chunks'").fetchone()
    number = _add_document(writer, document, chunks, last + 1)
    rows, words, stored, sentences = [], [], [], []
    for place, (chunk, vector) in enumerate(zip(chunks, vectors, strict=True)):
        text = document.text[chunk.start : chunk.end]
        span = (chunk.start, chunk.end, chunk.first_page, chunk.last_page)
        rows.append((last + 1 + place, number, place, *span, json.dumps(chunk.headings), text, chunk.key))
        words.append((last + 1 + place, _words(document.title, chunk.headings, text)))
        stored.append((last + 1 + place, *packed(vector)))
        if chunk.sentences is not None:
            sentences.append((last + 1 + place, *packed(chunk.sentences)))
    writer.executemany(
        "insert into chunks (id, document, place, start, end, first_page, last_page, headings, text, key)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    writer.executemany("insert into vectors (chunk, vector, crc) values (?, ?, ?)", stored)
    writer.executemany("insert into sentences (chunk, vectors, crc) values (?, ?, ?)", sentences)
    writer.executemany("insert into words (rowid, text) values (?, ?)", words)


def remove(writer: sqlite3.Connection, source: str) -> bool:
    """Remove the document of a source, with all that belongs to it. False if there is none."""
    found = writer.execute(
        "select id, title, first_chunk, n_chunks from documents where source = ?", (source,)
    ).fetchone()
    if found is None:
        return False
    number, title, first_chunk, n_chunks = found
    rows = writer.execute("select id, headings, text from chunks where document = ?", (number,)).fetchall()
    # The index has no copy of the text: it has to be told what it is to forget.
    gone = [(chunk, _words(title, _headings(headings), text)) for chunk, headings, text in rows]
    writer.executemany("insert into words (words, rowid, text) values ('delete', ?, ?)", gone)
    if n_chunks:
        writer.execute("insert into removed (first, last) values (?, ?)", (first_chunk, first_chunk + n_chunks - 1))
    writer.execute("delete from documents where id = ?", (number,))
    return True


def document_of(row: Row, reader: sqlite3.Connection) -> Document | None:
    """A document, of its row; None if its text is not what was stored."""
    source, sha256, title, media_type, outline, page_starts, number, deflated, crc = row
    chunks = reader.execute("select start, text from chunks where document = ?", (number,)).fetchall()
    try:
        text = joined(zlib.decompress(deflated).decode(), chunks)
        headings = tuple(Heading(*one) for one in json.loads(outline))
        pages = tuple(json.loads(page_starts))
    except (zlib.error, ValueError, TypeError):
        return None
    if zlib.crc32(text.encode()) != crc:
        return None
    return Document(source, sha256, text, title, media_type, headings, pages)


def chunk_of(row: Row) -> StoredChunk:
    """A chunk, of its row."""
    chunk, source, title, place, start, end, text, key, headings, first_page, last_page = row
    return StoredChunk(chunk, source, title, place, start, end, text, key, _headings(headings), first_page, last_page)


def _headings(stored: str) -> tuple[str, ...]:
    """The headings of a chunk. Where they are damaged there are none: it can be read and removed all the same."""
    if stored == "[]":
        return ()
    try:
        return tuple(map(str, json.loads(stored)))
    except (ValueError, TypeError):
        return ()


def _add_document(writer: sqlite3.Connection, document: Document, chunks: Sequence[NewChunk], first_chunk: int) -> int:
    row = (
        document.source,
        document.sha256,
        document.title,
        document.media_type,
        json.dumps([(one.start, one.level, one.title) for one in document.headings]),
        json.dumps(document.page_starts),
        len(document.text),
        zlib.compress(rest(document.text, ((one.start, one.end) for one in chunks)).encode(), 1),
        zlib.crc32(document.text.encode()),
        first_chunk,
        len(chunks),
        time.time(),
    )
    added = writer.execute(
        "insert into documents (source, sha256, title, media_type, outline, page_starts, n_characters, rest, crc,"
        " first_chunk, n_chunks, added) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    ).lastrowid
    assert added is not None
    return added


def _words(title: str, headings: Sequence[str], text: str) -> str:
    """What is found by words: a chunk also by its headings, and the title of its document."""
    return searchable(" ".join([title, *headings, text]))
