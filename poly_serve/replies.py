"""Errors as answers: in plain text on the routes of the original, as error objects on those of OpenAI."""

import json
from collections.abc import Mapping

from aiohttp import web

from poly_engine.errors import (
    EngineClosed,
    EngineFailed,
    Forbidden,
    IllegalToken,
    InvalidRequest,
    MemoryFailed,
    MemoryMismatch,
    MemoryUnavailable,
    MemoryUnwritable,
    ModelLoadFailed,
    NotFound,
    Overloaded,
    PolyError,
    SessionBusy,
    Unauthorized,
    UnreadableDocument,
)

__all__ = ["in_plain_text", "json_reply", "openai_error", "status_of"]

_STATUSES: Mapping[type[PolyError], int] = {
    UnreadableDocument: 422,
    InvalidRequest: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    SessionBusy: 409,
    Overloaded: 503,
    MemoryMismatch: 409,
    MemoryUnavailable: 503,
    MemoryUnwritable: 507,
    EngineClosed: 503,
    ModelLoadFailed: 503,
    MemoryFailed: 500,
    EngineFailed: 500,
    PolyError: 500,
}
"""The first class of an error that is here says its status."""

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    422: "invalid_request_error",
    503: "unavailable_error",
}


def status_of(error: PolyError) -> int:
    """The status of HTTP that an error is told with."""
    if isinstance(error, UnreadableDocument) and error.cause == "unsupported_type":
        return 415
    return next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)


def json_reply(value: object, status: int = 200) -> web.Response:
    """JSON without spaces, as the original writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return web.Response(text=text, content_type="application/json", status=status)


def in_plain_text(error: PolyError) -> web.Response:
    """As the original says it. What a token does not allow is 401 there, without a word."""
    if isinstance(error, Forbidden):
        return web.Response(status=401, headers=_headers(error))
    return web.Response(text=_words(error), status=status_of(error), headers=_headers(error))


def openai_error(error: PolyError, param: str | None = None) -> web.Response:
    """As an error object."""
    status = status_of(error)
    told = {
        "message": str(error),
        "type": _TYPES.get(status, "server_error"),
        "param": param,
        "code": error.code,
    }
    return web.json_response({"error": told}, status=status, headers=_headers(error))


def _words(error: PolyError) -> str:
    match error:
        case IllegalToken():
            return "illegal token encountered"
        case NotFound():
            return f"{error.kind} not found: {error.name}"
        case EngineFailed() | ModelLoadFailed():
            return f"inference error: {error}"
        case MemoryFailed():
            return f"memory error: {error}"
        case _:
            return str(error)


def _headers(error: PolyError) -> dict[str, str]:
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, Overloaded | MemoryUnavailable | ModelLoadFailed):
        return {"Retry-After": str(getattr(error, "retry_after_s", 5))}
    return {}
