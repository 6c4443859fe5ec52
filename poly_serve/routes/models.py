"""The routes of models: what there is, embeddings, and tokens."""

import asyncio
import base64
from collections.abc import Sequence

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from poly_engine import Embeddings
from poly_serve.access import Kind
from poly_serve.admission import admitted
from poly_serve.engine import ENGINE
from poly_serve.inputs import Prompt, body_of, prompt_of, wants_detail
from poly_serve.metrics import METRICS
from poly_serve.progress import with_progress
from poly_serve.replies import in_json, in_plain_text, json_reply
from poly_serve.routing import PRINCIPAL, Known, Named, NamedModelOrUser, Route, Unlimited

__all__ = ["ROUTES"]


class Texts(BaseModel):
    """What is to be embedded."""

    model_config = ConfigDict(extra="forbid")

    texts: list[str]
    normalize: bool = True


class Tokens(BaseModel):
    """What is to be spelled."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tokens: list[int]


async def list_models(request: web.Request) -> web.Response:
    """The models, by their names; with detail=1 as objects, which say what is known of each: also what memory it takes,
    what device computes it and how many layers a GPU does, for how long nobody has used it (`idle_s`), and in how many
    seconds it is unloaded unless somebody does (`expires_in_s`).
    """
    principal = request[PRINCIPAL]
    models = [one for one in await request.app[ENGINE].models() if principal.may_use(Kind.MODEL, one.name)]
    return json_reply({"models": models if wants_detail(request) else [one.name for one in models]})


async def load(request: web.Request) -> web.StreamResponse:
    """Load a model: an event `progress` for each step, which is the share that is loaded, and `done` with the model.

    Whoever may use a task or a memory may have its model loaded.
    """
    engine, name = request.app[ENGINE], request.match_info["name"]
    return await with_progress(request, lambda tell: engine.load(name, tell))


async def unload(request: web.Request) -> web.Response:
    """Give the memory of a model back. Answers that it is in the middle of fail; whoever uses it next has it loaded
    again.
    """
    await request.app[ENGINE].unload(request.match_info["name"])
    return json_reply({"status": "ok"})


async def embedding(request: web.Request) -> web.Response:
    """The vector of a text, as the model gives it."""
    prompt = await prompt_of(request)
    embeddings = await _embedded(request, [prompt], normalize=False)
    return json_reply({"embedding": embeddings.vectors[0].tolist()})


async def embeddings(request: web.Request) -> web.Response:
    """The vectors of many texts: 32-bit floats, the lowest byte first, row by row in base64."""
    wanted = await body_of(request, Texts)
    found = await _embedded(request, wanted.texts, normalize=wanted.normalize)
    return json_reply(await asyncio.to_thread(_packed, found))  # a thousand large vectors take 50 ms


async def tokenization(request: web.Request) -> web.Response:
    """The tokens of a text."""
    prompt = await prompt_of(request)
    pieces = await request.app[ENGINE].tokenize(request.match_info["name"], prompt)
    return json_reply({"tokens": [{"text": piece.text, "token": piece.id} for piece in pieces]})


async def detokenization(request: web.Request) -> web.Response:
    """The text that tokens spell."""
    wanted = await body_of(request, Tokens)
    return json_reply({"text": await request.app[ENGINE].detokenize(request.match_info["name"], wanted.tokens)})


async def _embedded(request: web.Request, texts: Sequence[str], *, normalize: bool) -> Embeddings:
    model = request.match_info["name"]
    async with admitted(request, Kind.MODEL, model, texts):
        found = await request.app[ENGINE].embed(model, texts, normalize=normalize)
    request.app[METRICS].add_embedding(model, found.n_tokens, request[PRINCIPAL].subject)
    return found


def _packed(found: Embeddings) -> dict[str, object]:
    return {
        "vectors": base64.b64encode(found.vectors.astype("<f4").tobytes()).decode(),
        "embedding_size": found.vectors.shape[1],
        "n_tokens": found.n_tokens,
    }


_MODEL = Named(Kind.MODEL)
_ERRORS = (in_plain_text, in_json)
ROUTES = (
    Route("GET", "/v1/model", list_models, Known(), *_ERRORS),
    Route("POST", "/v1/model/{name}/load", load, NamedModelOrUser(), *_ERRORS),
    Route("POST", "/v1/model/{name}/unload", unload, Unlimited(), *_ERRORS),
    Route("GET", "/v1/model/{name}/embedding", embedding, _MODEL, *_ERRORS, query=("prompt",)),
    Route("POST", "/v1/model/{name}/embedding", embedding, _MODEL, *_ERRORS, body=Prompt),
    Route("POST", "/v1/model/{name}/embeddings", embeddings, _MODEL, *_ERRORS, body=Texts),
    Route("GET", "/v1/model/{name}/tokenization", tokenization, _MODEL, *_ERRORS, query=("prompt",)),
    Route("POST", "/v1/model/{name}/tokenization", tokenization, _MODEL, *_ERRORS, body=Prompt),
    Route("POST", "/v1/model/{name}/detokenization", detokenization, _MODEL, *_ERRORS, body=Tokens),
)
