"""Which points are meant."""

import time
from collections.abc import Collection, Sequence

from qdrant_client import models

__all__ = ["among", "older_than", "where", "without"]


def where(
    *must: models.Condition, should: Sequence[models.Condition] = (), must_not: Sequence[models.Condition] = ()
) -> models.Filter:
    """Points of which all of `must` hold, one of `should` if there are any, and none of `must_not`."""
    return models.Filter(must=list(must) or None, should=list(should) or None, must_not=list(must_not) or None)


def among(key: str, values: Collection[str] | Collection[int]) -> models.FieldCondition:
    """That a field of the payload is one of `values`."""
    return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))  # type: ignore[arg-type]  # either


def without(key: str) -> models.IsEmptyCondition:
    """That the payload has no such field."""
    return models.IsEmptyCondition(is_empty=models.PayloadField(key=key))


def older_than(seconds: float) -> models.FieldCondition:
    """That a version began so long ago."""
    return models.FieldCondition(key="version", range=models.Range(lt=(time.time() - seconds) * 1e9))
