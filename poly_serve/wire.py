"""What crosses the wire beside texts: events, errors, and what there is to know, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from poly_engine import errors
from poly_engine.errors import EngineFailed, PolyError
from poly_engine.types import Calling, Done, Event, Progress, Recalled, Thinking, Token, ToolCall, Truncated

__all__ = ["PROTOCOL", "decoded", "encoded", "error_from", "error_record", "event_from", "event_record", "is_event"]

PROTOCOL = "poly.events.v1"
"""The subprotocol of a WebSocket over which a chat is held as events; `poly_serve.routes.events` describes it."""

T = TypeVar("T")

_EVENTS: dict[str, type[Event]] = {
    kind.__name__.lower(): kind for kind in (Recalled, Truncated, Progress, Thinking, Token, Calling, ToolCall, Done)
}
_ERRORS = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PolyError)}


def event_record(event: Event) -> dict[str, object]:
    """An event, whose `type` is the name of its class in small letters. A token tells `logprobs` if it has any."""
    kind: Any = type(event)  # Any: or mypy thinks that classes cannot be hashed
    plain: dict[str, object] = _adapter(kind).dump_python(event, warnings=False)  # faster than asdict
    if isinstance(event, Token) and event.logprobs is None:
        del plain["logprobs"]
    return {"type": kind.__name__.lower(), **plain}


def is_event(record: Mapping[str, object]) -> bool:
    """Whether a record is of an event that is known here."""
    return record.get("type") in _EVENTS


def event_from(record: Mapping[str, Any]) -> Event:  # Any: as JSON
    """The event in a record. Raises KeyError or ValidationError if it is none."""
    kind = _EVENTS[record["type"]]
    return decoded(kind, {key: value for key, value in record.items() if key != "type"})


def error_record(error: PolyError) -> dict[str, object]:
    """An error: its stable code, its message, and what else it knows, such as the `name` of what was not found."""
    known = {key: value for key, value in vars(error).items() if not key.startswith("_")}
    return {**known, "code": error.code, "message": str(error)}


def error_from(record: Mapping[str, Any]) -> PolyError:  # Any: as JSON
    """The error in a record, of the class that it had on the other side; one of an unknown code is EngineFailed.

    Raises KeyError if it is none.
    """
    kind = _ERRORS.get(record["code"], EngineFailed)
    error = kind.__new__(kind)  # the message is written already, which is what constructors do
    Exception.__init__(error, record["message"])
    known = {key: value for key, value in record.items() if key not in ("type", "code", "message")}
    vars(error).update((key, tuple(value) if isinstance(value, list) else value) for key, value in known.items())
    return error


def encoded(thing: object) -> str:
    """What JSON can hold, or dataclasses, as JSON text in one line of ASCII."""
    return json.dumps(thing, separators=(",", ":"), default=asdict)


def decoded(kind: type[T], plain: object) -> T:
    """A dataclass of what JSON holds. Keys that it does not have are left out. Raises ValidationError."""
    adapter: TypeAdapter[T] = _adapter(kind)  # type: ignore[arg-type]  # classes can be hashed
    return adapter.validate_python(plain)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # Any: of any class
    return TypeAdapter(kind)
