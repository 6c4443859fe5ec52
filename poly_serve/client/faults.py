"""What goes wrong between a client and its server, as errors of Poly."""

import json
import os
from http import HTTPStatus

from poly_engine.errors import EngineFailed, EngineUnreachable, Forbidden, PolyError, Unauthorized
from poly_serve.wire import error_from

__all__ = ["broken", "no_poly", "refusal", "told", "unreachable"]

_LONGEST_WORDS = 300


def unreachable(url: str, error: BaseException) -> EngineUnreachable:
    """Nobody answers at an address."""
    return EngineUnreachable(f"the server at {url} cannot be reached: {_reason(error)}; poly serve has to run there")


def broken(url: str, error: BaseException | str) -> EngineUnreachable:
    """The connection broke in the middle of something."""
    reason = error if isinstance(error, str) else _reason(error)
    return EngineUnreachable(f"the connection to the server at {url} was lost before all was said: {reason}")


def no_poly(url: str) -> EngineFailed:
    """Somebody answers, and does not speak as Poly does."""
    return EngineFailed(f"{url} does not answer as a server of Poly does, or as one of another version")


def told(url: str, record: object) -> PolyError:
    """The error that a server tells."""
    try:
        return error_from(record)  # type: ignore[arg-type]  # if it is none, that is noticed there
    except (KeyError, TypeError, AttributeError):
        return no_poly(url)


def refusal(url: str, status: int, body: bytes) -> PolyError:
    """The error that an answer is: as the server says it, or as its status does if somebody else answers."""
    try:
        return error_from(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        words = " ".join(body.decode(errors="replace").split())[:_LONGEST_WORDS]
    said = f"the server at {url} answers {status}: {words or _phrase(status)}"
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return Unauthorized(said)
        case HTTPStatus.FORBIDDEN | HTTPStatus.MISDIRECTED_REQUEST:
            return Forbidden(said)
        case HTTPStatus.BAD_GATEWAY | HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.GATEWAY_TIMEOUT:
            return EngineUnreachable(said)  # of something between, which does not reach the server itself
        case _:
            return EngineFailed(said)


def _reason(error: BaseException) -> str:
    """What lies at the bottom of an error, in words."""
    bottom = error
    while (deeper := bottom.__cause__ or bottom.__context__) is not None:
        bottom = deeper
    if isinstance(bottom, OSError) and bottom.errno is not None and bottom.errno > 0:
        return os.strerror(bottom.errno)
    if isinstance(bottom, TimeoutError) or not str(bottom):
        return "it does not answer in time" if "Timeout" in type(error).__name__ else "it was closed"
    return (bottom.strerror if isinstance(bottom, OSError) and bottom.strerror else str(bottom)).strip(".")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "it does not say why"
