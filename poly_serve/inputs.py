"""What comes in: prompts and bodies, checked before anything is done with them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ParamSpec, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from poly_engine import InvalidRequest
from poly_engine.errors import suggestion
from poly_serve.bodies import whole_body
from poly_serve.wire import decoded

__all__ = [
    "InvalidParameter",
    "Prompt",
    "body_of",
    "json_object",
    "json_of",
    "no_draft",
    "off_loop",
    "prompt_of",
    "thing_of",
    "truth_of",
    "wants_detail",
]

_MOST_BODY_BYTES = 8 << 20
_DEEPEST = 64
_LARGE_BYTES = 1 << 16
"""What takes longer than a millisecond to read."""

_BODY = web.RequestKey("body", dict[str, Any])  # Any: as JSON
_N_BYTES = web.RequestKey("n_bytes", int)

B = TypeVar("B", bound=BaseModel)
P = ParamSpec("P")
T = TypeVar("T")


class InvalidParameter(InvalidRequest):
    """One parameter of a body is not as it has to be; `param` is the path to it, such as messages[2].role."""

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param or 'the body'}: {reason}")
        self.param = param


class Prompt(BaseModel):
    """A prompt, as the original takes it. What else is said is ignored."""

    prompt: str


async def prompt_of(request: web.Request) -> str:
    """The prompt of a request of the original: in the query, or in a body of JSON. Raises InvalidRequest."""
    if request.method == "GET":
        prompt: object = request.query.get("prompt")
    else:
        prompt = (await json_of(request)).get("prompt")
    if not isinstance(prompt, str):
        raise InvalidRequest("prompt is missing: it is a text, in the query of GET or in the JSON body of POST")
    return prompt


async def body_of(request: web.Request, kind: type[B]) -> B:
    """The body of a request, as what it has to be. Raises InvalidParameter that names the first key that is wrong."""
    given = await json_of(request)
    try:
        return await off_loop(request[_N_BYTES], kind.model_validate, given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidParameter(_path(first["loc"]), first["msg"]) from error


def no_draft(given: Mapping[str, object]) -> None:
    """Raise InvalidParameter for a draft of settings, with which a caller could use what it may not."""
    if given.get("settings") is not None:
        raise InvalidParameter("settings", "a server answers by its own configuration: try drafts where its models are")


async def json_of(request: web.Request) -> dict[str, Any]:  # Any: as JSON
    """The JSON object in the body of a request; all its texts can be written as UTF-8. Raises InvalidRequest."""
    if _BODY not in request:
        request[_BODY] = await _read_json(request)
    return request[_BODY]


async def _read_json(request: web.Request) -> dict[str, Any]:  # Any: as JSON
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise InvalidRequest(f"the body has to be application/json, and it is said to be {request.content_type}")
    raw = await whole_body(request, _MOST_BODY_BYTES)
    request[_N_BYTES] = len(raw)
    return await off_loop(len(raw), json_object, raw, "the body")


async def off_loop(n_bytes: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function, which has to do with so many bytes: if that takes long, in a thread. Python's lock is then
    given back between its parts, so that nobody else waits for all of them.
    """
    if n_bytes <= _LARGE_BYTES:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


def json_object(raw: bytes, what: str) -> dict[str, Any]:  # Any: as JSON
    """The JSON object in `raw`, whose texts can all be written as UTF-8. Raises InvalidRequest about `what` it is."""
    try:
        content = from_json(raw, allow_inf_nan=False)  # takes half as long as json does
    except ValueError as error:
        raise InvalidRequest(f"{what} is no JSON: {str(error)[:200]}") from error
    if not isinstance(content, dict):
        raise InvalidRequest(f"{what} has to be a JSON object")
    if _depth(content) > _DEEPEST:
        raise InvalidRequest(f"{what} is nested more than {_DEEPEST} deep")
    return content


def thing_of(kind: type[T], plain: object, where: str) -> T:
    """A dataclass of what JSON holds. Raises InvalidParameter that names what is wrong, also a key that it has not."""
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # only dataclasses are asked for
    for key in plain if isinstance(plain, dict) else ():
        if key not in known:
            raise InvalidParameter(_path((where, key)), f"there is no such key{suggestion(str(key), known)}")
    try:
        return decoded(kind, plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidParameter(_path((where, *first["loc"])), first["msg"]) from error


def truth_of(request: web.Request, key: str, *, default: bool) -> bool:
    """A switch in the query: true or false. Raises InvalidRequest."""
    text = request.query.get(key)
    if text is None:
        return default
    if text not in ("true", "false", "1", "0"):
        raise InvalidRequest(f"{key} has to be true or false, not {text!r}")
    return text in ("true", "1")


def wants_detail(request: web.Request) -> bool:
    """Whether somebody asks for more than the original tells, with ?detail=1."""
    return request.query.get("detail") in ("true", "1")


def _path(where: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in where).removeprefix(".")


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        waiting += [(child, depth + 1) for child in inside if isinstance(child, (dict, list))]
    return deepest
