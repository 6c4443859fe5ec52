"""Errors as answers: in plain text on the routes of the original, or as JSON for who asks for that; as error objects on
the routes of OpenAI.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

from aiohttp import web

from poly_engine.errors import (
    EngineClosed,
    EngineFailed,
    EngineUnreachable,
    Forbidden,
    IllegalToken,
    InvalidRequest,
    MemoryFailed,
    MemoryMismatch,
    MemoryUnavailable,
    MemoryUnwritable,
    ModelLoadFailed,
    ModelNotFound,
    NotFound,
    Overloaded,
    PolyError,
    RequestCancelled,
    SessionBusy,
    TaskNotFound,
    Unauthorized,
    UnreadableDocument,
)
from poly_serve.bodies import TooLarge, TooSlow
from poly_serve.inputs import InvalidParameter, wants_detail
from poly_serve.wire import error_record

__all__ = [
    "asks_for_json",
    "in_json",
    "in_plain_text",
    "json_reply",
    "openai_error",
    "openai_error_object",
    "status_of",
]

_STATUSES: Mapping[type[PolyError], int] = {
    UnreadableDocument: 422,
    TooLarge: 413,
    TooSlow: 408,
    InvalidRequest: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    SessionBusy: 409,
    Overloaded: 503,
    RequestCancelled: 410,  # which clients do not try again by themselves, as they do after 409 and 5xx
    MemoryMismatch: 409,
    MemoryUnavailable: 503,
    MemoryUnwritable: 507,
    EngineClosed: 503,
    ModelLoadFailed: 503,
    EngineUnreachable: 503,
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
    408: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "unavailable_error",
}


def status_of(error: PolyError) -> int:
    """The status of HTTP that an error is told with."""
    if isinstance(error, UnreadableDocument) and error.cause == "unsupported_type":
        return 415
    return next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)


def json_reply(value: object, status: int = 200) -> web.Response:
    """JSON without spaces, as the original writes it; dataclasses are objects."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=asdict)
    return web.Response(text=text, content_type="application/json", status=status)


def asks_for_json(request: web.Request) -> bool:
    """Whether somebody wants to be told of errors in JSON, where they are told in plain text."""
    return "application/json" in request.headers.get("Accept", "") or wants_detail(request)


def in_json(error: PolyError) -> web.Response:
    """As `poly_serve.wire` writes it: {"code":…,"message":…} and what else it knows."""
    return web.json_response(error_record(error), status=status_of(error), headers=_headers(error))


def in_plain_text(error: PolyError) -> web.Response:
    """As the original says it. What a token does not allow is 401 there, without a word."""
    if isinstance(error, Forbidden):
        return web.Response(status=401, headers=_headers(error))
    return web.Response(text=_words(error), status=status_of(error), headers=_headers(error))


def openai_error(error: PolyError) -> web.Response:
    """As an error object, with the status that tells clients of OpenAI what to do: after 429 they try again later."""
    return web.json_response(openai_error_object(error), status=_openai_status(error), headers=_headers(error))


def openai_error_object(error: PolyError) -> dict[str, object]:
    """What OpenAI answers in place of what was asked for. A task is a model there."""
    told = {
        "message": str(error),
        "type": _TYPES.get(_openai_status(error), "server_error"),
        "param": _param(error),
        "code": ModelNotFound.code if isinstance(error, TaskNotFound) else error.code,
    }
    return {"error": told}


def _openai_status(error: PolyError) -> int:
    return 429 if isinstance(error, Overloaded) else status_of(error)


def _param(error: PolyError) -> str | None:
    match error:
        case InvalidParameter():
            return error.param or None
        case NotFound() | Forbidden():
            return "model"
    return None


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
    if isinstance(error, Overloaded | MemoryUnavailable | ModelLoadFailed | EngineClosed | EngineUnreachable):
        return {"Retry-After": str(getattr(error, "retry_after_s", 5))}
    return {}
