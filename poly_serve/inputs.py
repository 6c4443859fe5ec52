"""What comes in: prompts and bodies, checked before anything is done with them."""

import json
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from poly_engine import InvalidRequest

__all__ = ["body_of", "json_of", "prompt_of", "truth_of"]

_MOST_BODY_BYTES = 8 << 20
_DEEPEST = 64

B = TypeVar("B", bound=BaseModel)


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
    """The body of a request, as what it has to be. Raises InvalidRequest that names the first key that is wrong."""
    try:
        return kind.model_validate(await json_of(request))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise InvalidRequest(f"{where}: {first['msg']}") from error


async def json_of(request: web.Request) -> dict[str, Any]:  # Any: as JSON
    """The JSON object in the body of a request. Raises InvalidRequest."""
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise InvalidRequest(f"the body has to be application/json, and it is said to be {request.content_type}")
    text = await request.read()
    if len(text) > _MOST_BODY_BYTES:
        raise InvalidRequest(f"the body is larger than {_MOST_BODY_BYTES >> 20} MiB")
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the body is no JSON: {str(error)[:200]}") from error
    if not isinstance(content, dict):
        raise InvalidRequest("the body has to be a JSON object")
    if _depth(content) > _DEEPEST:
        raise InvalidRequest(f"the body is nested more than {_DEEPEST} deep")
    return content


def truth_of(request: web.Request, key: str, *, default: bool) -> bool:
    """A switch in the query: true or false. Raises InvalidRequest."""
    text = request.query.get(key)
    if text is None:
        return default
    if text not in ("true", "false", "1", "0"):
        raise InvalidRequest(f"{key} has to be true or false, not {text!r}")
    return text in ("true", "1")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        waiting += [(child, depth + 1) for child in inside if isinstance(child, dict | list)]
    return deepest
