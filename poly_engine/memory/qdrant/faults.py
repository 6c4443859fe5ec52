"""What is wrong with a memory in a collection."""

from collections.abc import Iterator

import numpy as np
from qdrant_client import models

from poly_engine.memory.qdrant.collection import Collection
from poly_engine.memory.qdrant.filters import among, older_than, where
from poly_engine.memory.qdrant.opening import WORDS, Shape
from poly_engine.memory.qdrant.points import (
    CHUNK,
    Payload,
    dense,
    document_id,
    stored_chunk,
    stored_document,
)
from poly_engine.memory.qdrant.reading import chunks_of, document_payloads, live_versions
from poly_engine.memory.qdrant.writing import ABANDONED_S
from poly_engine.memory.records import Fingerprint

__all__ = ["find_faults"]

_LENGTH_TOLERANCE = 0.01


def find_faults(collection: Collection, shape: Shape, model: Fingerprint) -> Iterator[str]:
    """Every fault, in a sentence. All documents, chunks and vectors are read for that."""
    info = collection.info()
    if info.status == models.CollectionStatus.RED:
        yield f"{collection.where} has failed: {info.optimizer_status}"
    if not shape.has_words:
        yield f"{collection.where} has no sparse vector {WORDS}: nothing is found by words"
    documents = document_payloads(collection, ["source", "version", "n_chunks", "model", "digest"])
    for payload in documents:
        found = list(_faults_of(collection, payload, model))
        source, version = payload["source"], payload["version"]
        if found and live_versions(collection, [source]) == {source: version}:  # else it was replaced meanwhile
            yield from (f"{source}: {fault}" for fault in found)
    yield from _abandoned(collection, [payload["version"] for payload in documents])


def _faults_of(collection: Collection, payload: Payload, model: Fingerprint) -> Iterator[str]:
    if payload["digest"] != model.digest:
        yield f"its vectors are of the model {payload['model']}"
    text = _text(collection, payload["source"])
    if text is None:
        yield "its text is damaged"
    missing = set(range(payload["n_chunks"]))
    for record in collection.scroll(chunks_of(payload["source"], payload["version"]), payload=True, vectors=True):
        chunk, vector = stored_chunk(record), dense(record)
        missing.discard(chunk.place)
        if text is not None and text[chunk.start : chunk.end] != chunk.text:
            yield f"chunk {chunk.place} is not a part of its document"
        if vector is None or abs(np.linalg.norm(vector) - 1) > _LENGTH_TOLERANCE:
            yield f"the vector of chunk {chunk.place} is damaged"
    yield from (f"chunk {place} is missing" for place in sorted(missing))


def _text(collection: Collection, source: str) -> str | None:
    records = collection.retrieve([document_id(source)], payload=True)
    try:
        return stored_document(records[0].payload or {}).text if records else None
    except ValueError:
        return None


def _abandoned(collection: Collection, versions: list[int]) -> Iterator[str]:
    counting = [among("version", versions)] if versions else []
    n_left = collection.count(where(among("kind", [CHUNK]), older_than(ABANDONED_S), must_not=counting))
    if n_left:
        yield (
            f"chunks left of documents whose storing was cut off: {n_left}; storing or removing these anew deletes them"
        )
