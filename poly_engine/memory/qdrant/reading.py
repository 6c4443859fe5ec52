"""Which documents there are, and which version of each counts."""

from collections.abc import Iterable, Iterator

from qdrant_client import models

from poly_engine.memory.qdrant.collection import Collection, Selection
from poly_engine.memory.qdrant.filters import among, where
from poly_engine.memory.qdrant.points import CHUNK, DOCUMENT, Payload, document_id

__all__ = ["chunks_of", "document_payloads", "live_versions"]


def live_versions(collection: Collection, sources: Iterable[str]) -> dict[str, int]:
    """The version that counts of each of the documents `sources`; those that are not there are left out."""
    ids = [document_id(source) for source in sources]
    records = collection.retrieve(ids, ["source", "version"]) if ids else []
    return {payload["source"]: payload["version"] for payload in _payloads(records)}


def document_payloads(collection: Collection, fields: Selection) -> list[Payload]:
    """All documents, in the order in which they were put."""
    records = collection.scroll(where(among("kind", [DOCUMENT])), fields)
    return sorted(_payloads(records), key=lambda payload: payload["version"])


def chunks_of(source: str, version: int, *conditions: models.Condition) -> models.Filter:
    """What lets through the chunks of a version, for which some more conditions hold."""
    return where(among("kind", [CHUNK]), among("source", [source]), among("version", [version]), *conditions)


def _payloads(records: Iterable[models.Record]) -> Iterator[Payload]:
    return (record.payload or {} for record in records)
