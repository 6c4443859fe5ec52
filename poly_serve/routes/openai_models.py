"""The routes that list what OpenAI calls models: tasks, and the models below them."""

import time

from aiohttp import web

from poly_engine import ModelNotFound
from poly_serve.access import Kind
from poly_serve.engine import ENGINE
from poly_serve.openai.shapes import Json
from poly_serve.replies import json_reply, openai_error
from poly_serve.routing import MODEL_PREFIX, PRINCIPAL, Known, Route

__all__ = ["ROUTES"]


async def list_models(request: web.Request) -> web.Response:
    """The tasks, for chats and completions, and the models, for embeddings, that whoever asks may use.

    A model stands behind model: where a task has its name.
    """
    return json_reply({"object": "list", "data": await _entries(request)})


async def model(request: web.Request) -> web.Response:
    """One of them; a model also behind model: where it could do without."""
    entries, name = await _entries(request), request.match_info["name"]
    known = {f"{MODEL_PREFIX}{entry['id']}": entry for entry in entries if entry["kind"] == "model"}
    known |= {str(entry["id"]): entry for entry in entries}
    if name not in known:
        raise ModelNotFound(name, [str(entry["id"]) for entry in entries])
    return json_reply(known[name])


async def _entries(request: web.Request) -> list[Json]:
    principal, engine = request[PRINCIPAL], request.app[ENGINE]
    tasks, models = await engine.tasks(), await engine.models()
    taken = {task.name for task in tasks}
    now = int(time.time())

    def public(name: str) -> str:
        return MODEL_PREFIX + name if name in taken or name.startswith(MODEL_PREFIX) else name

    return [
        *(_entry(one.name, "task", now, one.description) for one in tasks if principal.may_use(Kind.TASK, one.name)),
        *(_entry(public(one.name), "model", now) for one in models if principal.may_use(Kind.MODEL, one.name)),
    ]


def _entry(name: str, kind: str, created: int, description: str = "") -> Json:
    known: Json = {"description": description} if description else {}
    return {"id": name, "object": "model", "created": created, "owned_by": "poly", "kind": kind, **known}


ROUTES = (
    Route("GET", "/v1/models", list_models, Known(), openai_error),
    Route("GET", "/v1/models/{name}", model, Known(), openai_error),
)
