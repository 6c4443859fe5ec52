"""Memories as text that can be kept, sent and read elsewhere: a line of JSON on the model, then one for each document.

A document comes with its chunks and their vectors, so that nothing has to be embedded again where the model is the
same.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from poly_engine.errors import InvalidRequest
from poly_engine.extract import Heading
from poly_engine.memory.records import Document, Fingerprint, NewChunk, Vectors
from poly_engine.memory.store import Store

__all__ = ["Entry", "entry_line", "header_line", "parse_entry", "parse_header", "read_entry"]

_FORMAT, _VERSION = "poly-memory", 1
_MOST_TRIES = 5
_TOLERANCE = 0.01  # 16-bit floats


@dataclass(frozen=True, slots=True)
class Entry:
    """A document with its chunks and their vectors, as a store takes it."""

    document: Document
    chunks: list[NewChunk]
    vectors: Vectors


def read_entry(store: Store, source: str) -> Entry | None:
    """A document out of a store, all of one moment; None if it is gone. Others may replace it meanwhile."""
    for _ in range(_MOST_TRIES):
        document = store.document(source)
        if document is None:
            return None
        stored = store.chunks(source)
        known = store.known_vectors(source)
        is_whole = all(document.text[one.start : one.end] == one.text and one.key in known for one in stored)
        if is_whole and store.checksum(source) == document.sha256:
            chunks = [
                NewChunk(one.start, one.end, one.key, one.headings, one.first_page, one.last_page) for one in stored
            ]
            return Entry(document, chunks, np.array([known[one.key] for one in stored], np.float32))
    raise InvalidRequest(f"{source} is damaged, or it changes all the time: poly memory verify knows more")


def header_line(fingerprint: Fingerprint) -> bytes:
    """The first line, which says of what model the vectors are."""
    return _line({"format": _FORMAT, "version": _VERSION, **asdict(fingerprint)})


def entry_line(entry: Entry) -> bytes:
    """The line of a document."""
    chunks = [
        {**_without_defaults(chunk), "vector": base64.b64encode(vector.astype("<f2").tobytes()).decode()}
        for chunk, vector in zip(entry.chunks, entry.vectors, strict=True)
    ]
    return _line({**_without_defaults(entry.document), "chunks": chunks})


def parse_header(line: bytes) -> Fingerprint:
    """What the first line says. Raises InvalidRequest if it is none."""
    header = _parsed(line, 1)
    if header.get("format") != _FORMAT:
        raise InvalidRequest("this is no exported memory: its first line does not say that it is one")
    if header.get("version") != _VERSION:
        raise InvalidRequest(f"the memory was exported in version {header.get('version')}, and this Poly reads 1")
    try:
        return Fingerprint(str(header["model"]), int(header["dimensions"]), str(header["digest"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequest("line 1 does not say of what model the vectors are") from error


def parse_entry(line: bytes, number: int, dimensions: int) -> Entry:
    """The document in line `number`. Raises InvalidRequest if it is none, or its parts do not fit each other."""
    given = _parsed(line, number)
    try:
        chunks = given.pop("chunks")
        vectors = [np.frombuffer(base64.b64decode(one.pop("vector")), "<f2") for one in chunks]
        headings = tuple(Heading(**heading) for heading in given.pop("headings", ()))
        document = Document(**given, headings=headings)
        document = Document(**{**_fields(document), "page_starts": tuple(document.page_starts)})
        entry = Entry(
            document,
            [NewChunk(**{**one, "headings": tuple(one.get("headings", ()))}) for one in chunks],
            np.array(vectors, np.float32).reshape(-1, dimensions),
        )
        _check(entry)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidRequest(f"line {number} holds no document that can be imported: {error}") from error
    return entry


def _check(entry: Entry) -> None:
    """Raise ValueError for what no store may be given."""
    n_characters = len(entry.document.text)
    if not entry.document.source or not entry.chunks:
        raise ValueError("a document has a source, and chunks")
    if not all(0 <= chunk.start < chunk.end <= n_characters for chunk in entry.chunks):
        raise ValueError("a chunk is no part of the text")
    if not np.all(np.abs(np.linalg.norm(entry.vectors, axis=1) - 1) < _TOLERANCE):
        raise ValueError("a vector is not of length 1")


def _fields(thing: Document | NewChunk) -> dict[str, Any]:  # Any: of many types
    return {name: getattr(thing, name) for name in thing.__slots__}


def _without_defaults(thing: Document | NewChunk) -> dict[str, Any]:  # Any: as above
    return {key: value for key, value in asdict(thing).items() if value not in (None, "", ())}


def _line(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes, number: int) -> dict[str, Any]:  # Any: as JSON
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"line {number} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise InvalidRequest(f"line {number} is no JSON object")
    return content
