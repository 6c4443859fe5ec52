"""What goes wrong with a server of OpenAI's protocol, as errors of Poly."""

import json
import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from poly_engine.errors import (
    ContextExceeded,
    EngineFailed,
    EngineUnreachable,
    InvalidRequest,
    Overloaded,
    PolyError,
)

__all__ = ["broken", "no_protocol", "refusal", "told", "unreachable"]

_LONGEST_WORDS = 300
_LONGEST_WAIT_S = 3600
_OF_CONTEXT = re.compile(r"context[ _-]?(?:length|size|window)|maximum (?:context|model) length", re.IGNORECASE)
_SIZE = re.compile(r"(?:context|model length)[a-z ,(]{0,40}([0-9]{1,9})", re.IGNORECASE)
_N_TOKENS = re.compile(
    r"(?:requested tokens \(|has |have |requested |prompt contains |resulted in |prompt \(|request \()"
    r"(?:at least )?([0-9]{1,9})",
    re.IGNORECASE,
)


def unreachable(url: str, error: BaseException) -> EngineUnreachable:
    """Nobody answers at an address."""
    return EngineUnreachable(f"the server at {url} cannot be reached: {_reason(error)}")


def broken(url: str, error: BaseException | str) -> EngineUnreachable:
    """The connection broke in the middle of something."""
    reason = error if isinstance(error, str) else _reason(error)
    return EngineUnreachable(f"the connection to the server at {url} was lost before all was said: {reason}")


def no_protocol(url: str, what: str) -> EngineFailed:
    """Somebody answers, and does not speak as OpenAI does."""
    return EngineFailed(f"the server at {url} does not answer as one of OpenAI's protocol does: {what}")


def refusal(url: str, status: int, headers: Mapping[str, str], body: bytes) -> PolyError:
    """The error that an answer is, in the words of the server where it has some."""
    record = _record(body)
    words = _words(record) if record is not None else _plain(body, headers)
    said = f"the server at {url} answers {status}: {words or _phrase(status)}"
    if 300 <= status < 400:
        to = headers.get("location", "somewhere else")[:_LONGEST_WORDS]
        return EngineFailed(f"the server at {url} sends us to {to}, which is not followed: name that by url")
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return EngineFailed(f"{said}; api_key or api_key_env of the model names the key that it wants")
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            return Overloaded(said, _wait_s(headers.get("retry-after", "")))
        case HTTPStatus.BAD_GATEWAY | HTTPStatus.GATEWAY_TIMEOUT:
            return EngineUnreachable(said)  # of something between, which does not reach the server itself
        case HTTPStatus.BAD_REQUEST | HTTPStatus.REQUEST_ENTITY_TOO_LARGE | HTTPStatus.UNPROCESSABLE_ENTITY:
            return _of_context(record) or InvalidRequest(said)
    return _of_context(record) or EngineFailed(said)  # some have no other status for whatever goes wrong


def told(url: str, error: object) -> PolyError:
    """The error that a server tells in the middle of an answer."""
    record = error if isinstance(error, dict) else {"message": error}
    return _of_context(record) or EngineFailed(
        f"the server at {url} gave up: {_words(record) or 'it does not say why'}"
    )


def _record(body: bytes) -> dict[str, Any] | None:  # Any: as JSON
    """What is said of an error: below `error`, as OpenAI has it, below `detail`, or at once."""
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    inner = record.get("error", record.get("detail", record))
    return inner if isinstance(inner, dict) else {"message": inner}


def _words(record: Mapping[str, Any]) -> str:  # Any: as JSON
    message = record.get("message", record.get("reason", ""))
    text = message if isinstance(message, str) else json.dumps(message)
    return " ".join(text.split())[:_LONGEST_WORDS]


def _plain(body: bytes, headers: Mapping[str, str]) -> str:
    """What somebody says who does not speak JSON; a page of HTML is for browsers."""
    text = body[: 4 * _LONGEST_WORDS].decode(errors="replace")
    if "html" in headers.get("content-type", "") or text.lstrip()[:1] == "<":
        return ""
    return " ".join(text.split())[:_LONGEST_WORDS]


def _of_context(record: Mapping[str, Any] | None) -> PolyError | None:  # Any: as JSON
    """The error that a prompt is too long, if it is that. Where the server does not say how long, its words do."""
    if record is None:
        return None
    words = _words(record)
    codes = " ".join(str(record.get(key, "")) for key in ("code", "type"))
    if not ("context_length_exceeded" in codes or "exceed_context_size" in codes or _OF_CONTEXT.search(words)):
        return None
    size = record.get("n_ctx", _number(_SIZE, words))
    n_tokens = record.get("n_prompt_tokens", _number(_N_TOKENS, words))
    if isinstance(size, int) and isinstance(n_tokens, int):
        return ContextExceeded(n_tokens, size)
    return ContextUnknown(f"the prompt does not fit the context of the model: {words or codes.strip()}")


class ContextUnknown(ContextExceeded):
    """A prompt is longer than the context of its model, and the server does not say by how much: both counts are 0."""

    def __init__(self, message: str) -> None:
        super().__init__(0, 0)
        self.args = (message,)


def _number(pattern: re.Pattern[str], words: str) -> int | None:
    found = pattern.search(words)
    return int(found[1]) if found else None


def _wait_s(retry_after: str) -> int:
    return min(max(int(retry_after), 1), _LONGEST_WAIT_S) if retry_after.strip().isdecimal() else 1


def _reason(error: BaseException) -> str:
    """What lies at the bottom of an error, in words."""
    if "Timeout" in type(error).__name__:
        return "it does not answer in time"
    bottom = error
    while (deeper := bottom.__cause__ or bottom.__context__) is not None:
        bottom = deeper
    if isinstance(bottom, OSError) and bottom.errno is not None and bottom.errno > 0:
        return os.strerror(bottom.errno)
    if not str(bottom):
        return "it was closed"
    return (bottom.strerror if isinstance(bottom, OSError) and bottom.strerror else str(bottom)).strip(".")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "it does not say why"
