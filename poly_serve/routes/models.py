"""The routes of models: what there is, embeddings, and tokens."""

from aiohttp import web

from poly_serve.access import Kind
from poly_serve.engine import ENGINE
from poly_serve.inputs import prompt_of
from poly_serve.replies import in_plain_text, json_reply
from poly_serve.routing import PRINCIPAL, Known, Named, Route

__all__ = ["ROUTES"]


async def list_models(request: web.Request) -> web.Response:
    """The models, by their names."""
    principal = request[PRINCIPAL]
    models = await request.app[ENGINE].models()
    return json_reply({"models": [one.name for one in models if principal.may_use(Kind.MODEL, one.name)]})


async def embedding(request: web.Request) -> web.Response:
    """The vector of a text, as the model gives it."""
    prompt = await prompt_of(request)
    embeddings = await request.app[ENGINE].embed(request.match_info["name"], [prompt], normalize=False)
    return json_reply({"embedding": embeddings.vectors[0].tolist()})


async def tokenization(request: web.Request) -> web.Response:
    """The tokens of a text."""
    prompt = await prompt_of(request)
    pieces = await request.app[ENGINE].tokenize(request.match_info["name"], prompt)
    return json_reply({"tokens": [{"text": piece.text, "token": piece.id} for piece in pieces]})


_MODEL = Named(Kind.MODEL)
ROUTES = (
    Route("GET", "/v1/model", list_models, Known(), in_plain_text),
    Route("GET", "/v1/model/{name}/embedding", embedding, _MODEL, in_plain_text),
    Route("POST", "/v1/model/{name}/embedding", embedding, _MODEL, in_plain_text),
    Route("GET", "/v1/model/{name}/tokenization", tokenization, _MODEL, in_plain_text),
    Route("POST", "/v1/model/{name}/tokenization", tokenization, _MODEL, in_plain_text),
)
