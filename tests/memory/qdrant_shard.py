"""Collections in Qdrant's own engine, spoken to as its REST interface is: in models generated from its OpenAPI."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import qdrant_edge as edge
from qdrant_client.http import models

_DISTANCES = {
    models.Distance.COSINE: edge.Distance.Cosine,
    models.Distance.DOT: edge.Distance.Dot,
    models.Distance.EUCLID: edge.Distance.Euclid,
    models.Distance.MANHATTAN: edge.Distance.Manhattan,
}
_INDEXES = {
    models.PayloadSchemaType.KEYWORD: edge.PayloadSchemaType.Keyword,
    models.PayloadSchemaType.INTEGER: edge.PayloadSchemaType.Integer,
}
_KINDS = {str(there): here for here, there in _INDEXES.items()}


class Shard:
    """A collection in a folder. With `builds_graphs` a graph is built of as few vectors as there may be."""

    def __init__(self, folder: Path, *, builds_graphs: bool = False) -> None:
        self._params = models.CreateCollection.model_validate_json((folder / "collection.json").read_text())
        files = folder / "shard"
        is_new = not files.exists()
        files.mkdir(exist_ok=True)
        config = _config(self._params, builds_graphs=builds_graphs)
        self._shard = edge.EdgeShard.create(str(files), config) if is_new else edge.EdgeShard.load(str(files))

    @staticmethod
    def make(folder: Path, params: models.CreateCollection) -> None:
        """Write down what a collection is to be like, in a new folder."""
        folder.mkdir(parents=True)
        (folder / "collection.json").write_text(params.model_dump_json(exclude_none=True))

    def info(self) -> models.CollectionInfo:
        indexed = {
            name: models.PayloadIndexInfo(data_type=_KINDS[str(index.data_type)], points=index.points)
            for name, index in self._shard.info().payload_schema.items()
        }
        return models.CollectionInfo(
            status=models.CollectionStatus.GREEN,
            optimizer_status=models.OptimizersStatusOneOf.OK,
            points_count=self._shard.info().points_count,
            segments_count=self._shard.info().segments_count,
            config=models.CollectionConfig(
                params=models.CollectionParams(
                    vectors=self._params.vectors, sparse_vectors=self._params.sparse_vectors
                ),
                hnsw_config=models.HnswConfig(m=16, ef_construct=100, full_scan_threshold=10000),
                optimizer_config=models.OptimizersConfig(
                    deleted_threshold=0.2,
                    vacuum_min_vector_number=1000,
                    default_segment_number=0,
                    flush_interval_sec=5,
                ),
            ),
            payload_schema=indexed,
        )

    def create_index(self, request: models.CreateFieldIndex) -> None:
        assert isinstance(request.field_schema, models.PayloadSchemaType)
        self._shard.update(edge.UpdateOperation.create_field_index(request.field_name, _INDEXES[request.field_schema]))

    def upsert(self, request: models.PointsList) -> None:
        points = [edge.Point(id=_id(one.id), vector=_vector(one.vector), payload=one.payload) for one in request.points]
        self._shard.update(edge.UpdateOperation.upsert_points(points, _filter(request.update_filter)))

    def delete(self, request: models.PointIdsList | models.FilterSelector) -> None:
        if isinstance(request, models.PointIdsList):
            self._shard.update(edge.UpdateOperation.delete_points([_id(one) for one in request.points]))
        else:
            chosen = _filter(request.filter)
            assert chosen is not None
            self._shard.update(edge.UpdateOperation.delete_points_by_filter(chosen))

    def retrieve(self, request: models.PointRequest) -> list[models.Record]:
        payload, vector = request.with_payload, request.with_vector
        assert isinstance(payload, bool | list)
        return _records(self._shard.retrieve([_id(one) for one in request.ids], payload, vector or False))

    def scroll(self, request: models.ScrollRequest) -> models.ScrollResult:
        payload = request.with_payload
        assert isinstance(payload, bool | list)
        wanted = edge.ScrollRequest(
            offset=None if request.offset is None else _id(request.offset),
            limit=request.limit,
            filter=_filter(request.filter),
            with_payload=payload,
            with_vector=request.with_vector or False,
        )
        records, offset = self._shard.scroll(wanted)
        return models.ScrollResult(points=_records(records), next_page_offset=None if offset is None else _told(offset))

    def count(self, request: models.CountRequest) -> models.CountResult:
        wanted = edge.CountRequest(exact=request.exact is not False, filter=_filter(request.filter))
        return models.CountResult(count=self._shard.count(wanted))

    def query(self, request: models.QueryRequest) -> models.QueryResponse:
        payload, params, query = request.with_payload, request.params, request.query
        assert isinstance(payload, bool | list)
        assert isinstance(query, models.NearestQuery), query
        wanted = edge.QueryRequest(
            limit=request.limit or 10,
            query=edge.Query.Nearest(_named(query.nearest), using=request.using),
            filter=_filter(request.filter),
            with_payload=payload,
            params=edge.SearchParams(hnsw_ef=params.hnsw_ef, exact=bool(params.exact)) if params else None,
        )
        points = [
            models.ScoredPoint(id=_told(one.id), version=one.version, score=one.score, payload=one.payload)
            for one in self._shard.query(wanted)
        ]
        return models.QueryResponse(points=points)

    def optimize(self) -> None:
        """Do at once what a server does in the background: merge, and build graphs."""
        self._shard.optimize()

    def close(self) -> None:
        self._shard.close()


def _config(params: models.CreateCollection, *, builds_graphs: bool) -> edge.EdgeConfig:
    vectors = params.vectors
    assert isinstance(vectors, models.VectorParams | dict)
    dense = (
        {name: _vector_params(one) for name, one in vectors.items()}
        if isinstance(vectors, dict)
        else _vector_params(vectors)
    )
    sparse = {
        name: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if one.modifier == models.Modifier.IDF else None)
        for name, one in (params.sparse_vectors or {}).items()
    }
    if not builds_graphs:
        return edge.EdgeConfig(vectors=dense, sparse_vectors=sparse)
    return edge.EdgeConfig(
        vectors=dense,
        sparse_vectors=sparse,
        hnsw_config=edge.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=10),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=10, default_segment_number=1),
    )


def _vector_params(params: models.VectorParams) -> edge.EdgeVectorParams:
    return edge.EdgeVectorParams(size=params.size, distance=_DISTANCES[params.distance])


def _id(id_: int | str | UUID) -> edge.PointId:
    return id_ if isinstance(id_, int) else str(id_)


def _told(id_: edge.PointId) -> int | str:
    return id_ if isinstance(id_, int) else str(id_)


def _vector(vector: object) -> edge.Vector:
    if isinstance(vector, dict):
        return {name: _named(one) for name, one in vector.items()}
    assert isinstance(vector, list)
    return vector


def _named(vector: object) -> list[float] | edge.SparseVector:
    if isinstance(vector, models.SparseVector):
        return edge.SparseVector(vector.indices, vector.values)
    assert isinstance(vector, list)
    return vector


def _records(records: Iterable[edge.Record]) -> list[models.Record]:
    return [models.Record(id=_told(one.id), payload=one.payload, vector=_shown(one.vector)) for one in records]


def _shown(vector: Any) -> Any:  # Any: the two libraries describe the same vectors in types of their own
    if isinstance(vector, dict):
        return {name: _shown(one) for name, one in vector.items()}
    if isinstance(vector, edge.SparseVector):
        return models.SparseVector(indices=vector.indices, values=vector.values)
    return vector


def _filter(wanted: models.Filter | None) -> edge.Filter | None:
    if wanted is None:
        return None
    return edge.Filter(
        must=_conditions(wanted.must), should=_conditions(wanted.should), must_not=_conditions(wanted.must_not)
    )


def _conditions(wanted: object) -> list[edge.ConditionType] | None:
    if wanted is None:
        return None
    return [_condition(one) for one in (wanted if isinstance(wanted, list) else [wanted])]


def _condition(wanted: object) -> edge.ConditionType:
    if isinstance(wanted, models.IsEmptyCondition):
        return edge.IsEmptyCondition(wanted.is_empty.key)
    assert isinstance(wanted, models.FieldCondition)
    if isinstance(wanted.match, models.MatchAny):
        return edge.FieldCondition(key=wanted.key, match=edge.MatchAny(wanted.match.any))
    assert isinstance(wanted.range, models.Range)
    bounds = wanted.range
    within = edge.RangeFloat(gte=bounds.gte, gt=bounds.gt, lte=bounds.lte, lt=bounds.lt)
    return edge.FieldCondition(key=wanted.key, range=within)
