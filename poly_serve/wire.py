"""What crosses the wire beside texts: events, errors, and what there is to know, as JSON."""

import json
from dataclasses import asdict
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from poly_engine import errors
from poly_engine.errors import EngineFailed, PolyError
from poly_engine.types import Done, Event, Progress, Recalled, Thinking, Token, Truncated

__all__ = ["decoded", "encoded", "error_from", "error_record", "event_from", "event_record"]

T = TypeVar("T")

_EVENTS: dict[str, type[Event]] = {
    kind.__name__.lower(): kind for kind in (Recalled, Truncated, Progress, Thinking, Token, Done)
}
_ERRORS = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PolyError)}


def event_record(event: Event) -> dict[str, object]:
    """An event, whose `type` is the name of its class in small letters."""
    return {"type": type(event).__name__.lower(), **asdict(event)}


def event_from(record: dict[str, Any]) -> Event:  # Any: as JSON
    """The event in a record. Raises KeyError or ValidationError if it is none."""
    kind = _EVENTS[record.pop("type")]
    return decoded(kind, record)


def error_record(error: PolyError) -> dict[str, object]:
    """An error, by its stable code."""
    return {"type": "error", "code": error.code, "message": str(error)}


def error_from(code: str, message: str) -> PolyError:
    """The error of a code, with that message: of the class that it had on the other side."""
    kind = _ERRORS.get(code, EngineFailed)
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    return error


def encoded(thing: object) -> str:
    """A dataclass, or a list of them, as JSON text."""
    plain = [asdict(one) for one in thing] if isinstance(thing, list | tuple) else asdict(thing)  # type: ignore[call-overload]  # of any class
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def decoded(kind: type[T], plain: object) -> T:
    """A dataclass of what JSON holds. Raises ValidationError."""
    adapter: TypeAdapter[T] = _adapter(kind)  # type: ignore[arg-type]  # classes are hashable
    return adapter.validate_python(plain)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # Any: of any class
    return TypeAdapter(kind)
