"""What a memory holds as points of a collection, and back.

    chunk     id: of its text, as in the original     unnamed vector, "words"   payload: text, source, version, place …
    document  id: of its source                       no vector                 payload: version, sha256, its text …
    model     one id                                  no vector                 payload: the embedding model of them all

A version is one `put` of a document. The point of the document names the version that counts; it is one point, so
that writing it is all or nothing, and chunks of other versions are not there for anybody.
"""

import base64
import binascii
import json
import secrets
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid5

import numpy as np
from qdrant_client import models

from poly_engine.extract import Heading
from poly_engine.memory.records import ChunkId, Document, Fingerprint, NewChunk, StoredChunk, Vectors
from poly_engine.types import DocumentInfo

__all__ = [
    "CHUNK",
    "DOCUMENT",
    "MODEL",
    "MODEL_ID",
    "Payload",
    "chunk_ids",
    "chunk_point",
    "dense",
    "document_id",
    "document_info",
    "document_point",
    "fingerprint",
    "model_point",
    "new_version",
    "other_id",
    "point_id",
    "stored_chunk",
    "stored_document",
]

Payload: TypeAlias = Mapping[str, Any]
"""JSON that the server gave: anybody may have written it."""

CHUNK: Final = "chunk"
DOCUMENT: Final = "document"
MODEL: Final = "model"

_TEXTS = UUID("067FB304-F9B1-4E74-8ACA-28051B8492AB")  # of the original Poly
_SOURCES = uuid5(_TEXTS, "sources")
MODEL_ID: Final = str(uuid5(_TEXTS, "model"))


def new_version() -> int:
    """A number for a `put`, later ones being greater: nanoseconds since 1970, the last three digits by chance."""
    return time.time_ns() // 1000 * 1000 + secrets.randbelow(1000)


def chunk_ids(texts: Sequence[str]) -> list[str]:
    """The ids that the original Poly gives to texts."""
    return [str(uuid5(_TEXTS, text)) for text in texts]


def other_id(taken: str, source: str, version: int, place: int) -> str:
    """An id for a chunk whose own is taken by another of the same text, or by the same of the version before."""
    return str(uuid5(UUID(taken), f"{source}\0{version}\0{place}"))


def document_id(source: str) -> str:
    """The id of the point of a document."""
    return str(uuid5(_SOURCES, source))


def chunk_point(
    id_: str,
    document: Document,
    chunk: NewChunk,
    *,
    place: int,
    version: int,
    vector: Vectors,
    words: models.SparseVector | None,
) -> models.PointStruct:
    """Chunk number `place` of a document. `words` is None if the collection has no such vector."""
    payload = {
        "kind": CHUNK,
        "text": document.text[chunk.start : chunk.end],
        "source": document.source,
        "version": version,
        "title": document.title,
        "place": place,
        "start": chunk.start,
        "end": chunk.end,
        "key": chunk.key,
        "headings": list(chunk.headings),
        "first_page": chunk.first_page,
        "last_page": chunk.last_page,
    }
    vectors: dict[str, Any] = {"": vector.tolist()}  # Any, as the client has it
    if words is not None and words.indices:
        vectors["words"] = words
    return models.PointStruct(id=id_, vector=vectors, payload=payload)


def point_id(point: models.PointStruct | models.Record | models.ScoredPoint) -> ChunkId:
    """The id of a point: a number, or a UUID in letters."""
    return point.id if isinstance(point.id, int) else str(point.id)


def stored_chunk(point: models.Record | models.ScoredPoint) -> StoredChunk:
    """A chunk of ours, or what another program put there: the original Poly left nothing but a text."""
    payload = point.payload or {}
    text = payload.get("text")
    text = text if isinstance(text, str) else ""
    return StoredChunk(
        point_id(point),
        payload.get("source", ""),
        payload.get("title", ""),
        payload.get("place", 0),
        payload.get("start", 0),
        payload.get("end", len(text)),
        text,
        payload.get("key", ""),
        tuple(payload.get("headings", ())),
        payload.get("first_page"),
        payload.get("last_page"),
    )


def document_point(document: Document, *, n_chunks: int, version: int, model: Fingerprint) -> models.PointStruct:
    """A document without its chunks."""
    headings = [(one.start, one.level, one.title) for one in document.headings]
    whole = json.dumps({"text": document.text, "headings": headings, "page_starts": document.page_starts})
    payload = {
        "kind": DOCUMENT,
        "source": document.source,
        "version": version,
        "sha256": document.sha256,
        "title": document.title,
        "media_type": document.media_type,
        "n_chunks": n_chunks,
        "n_characters": len(document.text),
        "n_pages": len(document.page_starts),
        "model": model.model,
        "digest": model.digest,
        "whole": base64.b64encode(zlib.compress(whole.encode(), 1)).decode(),
    }
    return models.PointStruct(id=document_id(document.source), vector={}, payload=payload)


def document_info(payload: Payload) -> DocumentInfo:
    """What is known of a document, besides its text."""
    return DocumentInfo(
        payload["source"],
        payload["title"],
        payload["media_type"],
        payload["n_chunks"],
        payload["n_characters"],
        payload["version"] / 1e9,
        payload.get("n_pages", 0),  # which is not there in what was put before it was kept
        payload.get("sha256", ""),
    )


def stored_document(payload: Payload) -> Document:
    """A document as it was put. Raises ValueError if that cannot be read."""
    try:
        whole = json.loads(zlib.decompress(base64.b64decode(payload["whole"], validate=True)))
        return Document(
            payload["source"],
            payload["sha256"],
            whole["text"],
            payload["title"],
            payload["media_type"],
            tuple(Heading(*one) for one in whole["headings"]),
            tuple(whole["page_starts"]),
        )
    except (binascii.Error, zlib.error, KeyError, TypeError) as error:
        raise ValueError(f"no document: {error}") from error


def model_point(model: Fingerprint, version: int) -> models.PointStruct:
    """The embedding model of a collection."""
    payload = {
        "kind": MODEL,
        "version": version,
        "model": model.model,
        "dimensions": model.dimensions,
        "digest": model.digest,
    }
    return models.PointStruct(id=MODEL_ID, vector={}, payload=payload)


def fingerprint(payload: Payload) -> Fingerprint:
    """The embedding model of a collection, of the payload of its point."""
    return Fingerprint(payload["model"], payload["dimensions"], payload["digest"])


def dense(record: models.Record) -> Vectors | None:
    """The unnamed vector of a point, if it was asked for and there is one."""
    vector = record.vector.get("") if isinstance(record.vector, dict) else record.vector
    return None if vector is None else np.array(vector, np.float32)
