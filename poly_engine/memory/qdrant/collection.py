"""One collection of a Qdrant server: the calls that a store makes, and what their failures mean."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

import httpcore
import httpx
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from poly_engine.errors import InvalidRequest, MemoryFailed, MemoryMismatch, MemoryUnavailable, MemoryUnwritable
from poly_engine.memory.qdrant.transport import TimedTransport
from poly_engine.memory.records import ChunkId

__all__ = ["Collection", "Selection"]

Selection: TypeAlias = bool | list[str]
"""All of a payload, nothing of it, or some fields."""

_WRITE_BATCH, _READ_BATCH = 256, 1000
_VECTOR_PAGE = 256  # a vector of 1,000 dimensions is 20 kB of JSON
_GRPC_PORT = 6334
_GATEWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)

# What the client raises of answers that are none: it wraps what its HTTP library raises, and what it cannot parse, but
# for what is no JSON at all; and it asserts that there is a result.
_NO_ANSWER = (
    ResponseHandlingException,
    QdrantException,
    json.JSONDecodeError,
    UnicodeDecodeError,
    RecursionError,
    AssertionError,
)


class Collection:
    """A collection by its name, be it there or not. `url` may hold an API key as user or password.

    Every call ends in `timeout_s` seconds for each request that it takes, of which there are several only for more than
    256 points. All raise MemoryUnavailable if the server does not answer, or answers what it should not; those that
    write MemoryUnwritable if it refuses; and MemoryMismatch if vectors are of another length than it has.
    """

    def __init__(self, url: str, name: str, timeout_s: float) -> None:
        self._name = name
        self._timeout_s = timeout_s
        try:
            parts = urlsplit(url)
            address = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
            self.where = f"the collection {name} at {address}"
            self._hint = " (6334 is the port of its other protocol; REST has 6333)" if parts.port == _GRPC_PORT else ""
            ssl_context = httpx.create_ssl_context() if parts.scheme == "https" else None
            self._transport = TimedTransport(timeout_s, ssl_context)
            self._client = _client(address, unquote(parts.password or parts.username or ""), self._transport)
        except ValueError as error:
            raise InvalidRequest(f"there is no Qdrant server at such a URL: {error}") from error
        if name in (".", ".."):
            raise InvalidRequest(f"no collection can have the name {name}")

    def sharing_time(self) -> AbstractContextManager[None]:
        """Let all calls of this thread in the block end in `timeout_s` seconds together."""
        return self._transport.sharing()

    def exists(self) -> bool:
        """Whether it is there."""
        with self._translated():
            return self._client.collection_exists(self._name)

    def info(self) -> models.CollectionInfo:
        """How it is made and how it is."""
        with self._translated():
            return self._client.get_collection(self._name)

    def create(self, vectors: models.VectorParams, sparse: dict[str, models.SparseVectorParams]) -> None:
        """Create it."""
        with self._translated(writing=True):
            self._client.create_collection(self._name, vectors, sparse_vectors_config=sparse)

    def create_index(self, field: str, kind: models.PayloadSchemaType) -> None:
        """Let points be selected by a field of their payload."""
        with self._translated(writing=True):
            self._check_done(self._client.create_payload_index(self._name, field, kind, wait=True))

    def retrieve(self, ids: Sequence[ChunkId], payload: Selection, *, vectors: bool = False) -> list[models.Record]:
        """Points by their ids, in any order; those that are not there are left out."""
        found: list[models.Record] = []
        size = _VECTOR_PAGE if vectors else _READ_BATCH
        for start in range(0, len(ids), size):
            with self._translated():
                found += self._client.retrieve(
                    self._name, list(ids[start : start + size]), with_payload=payload, with_vectors=_names(vectors)
                )
        return found

    def scroll(self, where: models.Filter, payload: Selection, *, vectors: bool = False) -> Iterator[models.Record]:
        """All points that a filter lets through, in the order of their ids."""
        size, offset = _VECTOR_PAGE if vectors else _READ_BATCH, None
        while True:
            with self._translated():
                records, offset = self._client.scroll(
                    self._name, where, size, offset=offset, with_payload=payload, with_vectors=_names(vectors)
                )
            yield from records
            if offset is None:
                return

    def count(self, where: models.Filter) -> int:
        """How many points a filter lets through, exactly."""
        with self._translated():
            return self._client.count(self._name, where, exact=True).count

    def query(self, requests: Sequence[models.QueryRequest]) -> list[list[models.ScoredPoint]]:
        """What several searches find, of each the best first; all in one request."""
        with self._translated():
            answers = self._client.query_batch_points(self._name, requests)
        if len(answers) != len(requests):
            raise MemoryUnavailable(f"{self.where} answered {len(answers)} of {len(requests)} searches")
        return [answer.points for answer in answers]

    def upsert(self, points: Sequence[models.PointStruct], own: models.Filter | None) -> None:
        """Write points; over no others than those that `own` lets through, if it is given. Servers before 1.16 do not
        know that, and write over any.
        """
        for start in range(0, len(points), _WRITE_BATCH):
            batch = list(points[start : start + _WRITE_BATCH])
            with self._translated(writing=True):
                self._check_done(self._client.upsert(self._name, batch, wait=True, update_filter=own))

    def delete(self, where: models.Filter) -> None:
        """Delete all points that a filter lets through."""
        with self._translated(writing=True):
            self._check_done(self._client.delete(self._name, models.FilterSelector(filter=where), wait=True))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _check_done(self, result: models.UpdateResult) -> None:
        if result.status != models.UpdateStatus.COMPLETED:
            raise MemoryUnwritable(f"{self.where} took something to be written, but did not confirm it in time")

    @contextmanager
    def _translated(self, *, writing: bool = False) -> Iterator[None]:
        try:
            yield
        except UnexpectedResponse as error:
            raise self._refusal(error, writing=writing) from error
        except _NO_ANSWER as error:
            raise MemoryUnavailable(f"{self.where} {self._failure(error)}{self._hint}") from error

    def _failure(self, error: Exception) -> str:
        source = error.source if isinstance(error, ResponseHandlingException) else error
        if isinstance(source, httpcore.TimeoutException):
            return f"did not answer in {self._timeout_s:g} s"
        if isinstance(source, (httpcore.NetworkError, httpcore.ProtocolError)):
            return f"cannot be reached ({source}): see whether the server runs, and the URL is right"
        if isinstance(source, QdrantException):
            return f"has too much to do: {source}"
        return "answered what no Qdrant server does: see whether the URL is right"

    def _refusal(self, error: UnexpectedResponse, *, writing: bool) -> MemoryFailed:
        reason = _reason(error)
        lengths = re.search(r"expected dim: (\d+), got (\d+)", reason)
        if lengths:
            return MemoryMismatch(self.where, f"with {lengths[1]} dimensions", f"one with {lengths[2]}")
        if writing and error.status_code not in _GATEWAY:
            return MemoryUnwritable(f"{self.where} cannot be written: {reason}")
        return MemoryUnavailable(f"{self.where} cannot be read: {reason}{self._hint}")


def _client(address: str, api_key: str, transport: TimedTransport) -> QdrantClient:
    return QdrantClient(
        address,
        prefer_grpc=False,
        check_compatibility=False,  # it asks in a thread of its own, and warns where nobody reads it
        metadata={"api-key": api_key} if api_key else {},  # as api_key it warns of keys without TLS, also on localhost
        transport=transport,  # which has its own idea of timeouts
    )


def _names(vectors: bool) -> list[str] | bool:  # noqa: FBT001 - which it is, is all that it says
    return [""] if vectors else False


def _reason(error: UnexpectedResponse) -> str:
    """What the server says of a refusal: {"status": {"error": …}}, if it is Qdrant that speaks."""
    try:
        content = json.loads(error.content)
        return str(content["status"]["error"])
    except (ValueError, LookupError, TypeError, RecursionError):
        if error.status_code == HTTPStatus.UNAUTHORIZED:
            return "it wants an API key, which may stand in the URL: http://KEY@host"
        return f"the server answered with status {error.status_code}"
