"""Making a collection ready: created and indexed if need be, and of the embedding model that is configured."""

from dataclasses import dataclass
from typing import Final

from qdrant_client import models

from poly_engine.errors import MemoryDamaged, MemoryMismatch, MemoryUnwritable
from poly_engine.memory.qdrant.collection import Collection
from poly_engine.memory.qdrant.filters import among, where
from poly_engine.memory.qdrant.points import MODEL_ID, fingerprint, model_point, new_version
from poly_engine.memory.records import Fingerprint

__all__ = ["WORDS", "Shape", "open_collection"]

WORDS: Final = "words"

_INDEXES: Final = {
    "kind": models.PayloadSchemaType.KEYWORD,
    "source": models.PayloadSchemaType.KEYWORD,
    "version": models.PayloadSchemaType.INTEGER,
    "place": models.PayloadSchemaType.INTEGER,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a collection is made: how it compares vectors, and whether it finds chunks by words too, as those that the
    original Poly used do not.
    """

    distance: models.Distance
    has_words: bool

    def cosine(self, score: float) -> float:
        """The cosine of two vectors of length 1, of the score that the server gives them."""
        return 1 - score * score / 2 if self.distance == models.Distance.EUCLID else score


def open_collection(collection: Collection, model: Fingerprint) -> Shape:
    """Create a collection if there is none; say how it is made.

    Raises MemoryMismatch if it holds vectors of another model than `model`, and MemoryDamaged if it is none of ours.
    One without a model, but of the right dimensions, is taken for one of this: it is new, or the original Poly's.
    """
    if not collection.exists():
        _create(collection, model.dimensions)
    info = collection.info()
    vectors = _vectors(info.config.params, collection.where)
    stored = _stored_model(collection)
    _check(stored, vectors.size, model, collection.where)
    # Before there is any data: in a graph that was built without them, a filtered search found nothing.
    for field in _INDEXES.keys() - info.payload_schema.keys():
        collection.create_index(field, _INDEXES[field])
    if stored is None:
        _keep(collection, model)
    words = (info.config.params.sparse_vectors or {}).get(WORDS)
    return Shape(vectors.distance, words is not None and words.modifier == models.Modifier.IDF)


def _create(collection: Collection, dimensions: int) -> None:
    try:
        collection.create(
            models.VectorParams(size=dimensions, distance=models.Distance.COSINE),
            {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        )
    except MemoryUnwritable:
        if not collection.exists():  # else somebody was quicker
            raise


def _vectors(params: models.CollectionParams, where: str) -> models.VectorParams:
    vectors = params.vectors.get("") if isinstance(params.vectors, dict) else params.vectors
    if vectors is None or vectors.multivector_config or vectors.distance == models.Distance.MANHATTAN:
        raise MemoryDamaged(
            f"{where} is another program's: a memory needs one unnamed vector for each point, compared by the cosine; "
            "configure another collection, which is created if there is none"
        )
    return vectors


def _stored_model(collection: Collection) -> Fingerprint | None:
    records = collection.retrieve([MODEL_ID], payload=True)
    try:
        return fingerprint(records[0].payload or {}) if records else None
    except KeyError as error:
        raise MemoryDamaged(f"{collection.where} no longer says of which model its vectors are: {error}") from error


def _check(stored: Fingerprint | None, size: int, model: Fingerprint, where: str) -> None:
    if stored is not None and stored != model:
        raise MemoryMismatch(where, _name(stored), _name(model))
    if size != model.dimensions:
        raise MemoryMismatch(where, f"with {size} dimensions", _name(model))


def _keep(collection: Collection, model: Fingerprint) -> None:
    """Write down the model, unless another process has done so since it was looked for."""
    point = model_point(model, version := new_version())
    collection.upsert([point], own=where(among("version", [version])))
    stored = _stored_model(collection)
    if stored is None:
        raise MemoryUnwritable(f"{collection.where} does not keep what it confirms")
    _check(stored, model.dimensions, model, collection.where)


def _name(model: Fingerprint) -> str:
    return f"{model.model} ({model.dimensions} dimensions)"
