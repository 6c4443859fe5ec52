"""The routes that cut a text into tokens and put it together again, in the shapes of llama-server's."""

from aiohttp import web

from poly_serve.access import Kind
from poly_serve.engine import ENGINE
from poly_serve.inputs import body_of
from poly_serve.openai.settings import Body
from poly_serve.openai.unsupported import TOKENIZE, refuse_unsupported
from poly_serve.replies import json_reply, openai_error
from poly_serve.routing import NAME, NamedInBody, Route

__all__ = ["ROUTES"]


class TokenizeRequest(Body):
    """A text to be cut into the tokens of a model."""

    content: str
    add_special: bool | None = None
    with_pieces: bool | None = None


class DetokenizeRequest(Body):
    """Tokens of a model, whose text is wanted."""

    tokens: list[int]


async def tokenize(request: web.Request) -> web.Response:
    """The tokens of a text, in which nothing is special; with the one that every sequence begins with, if wanted."""
    await refuse_unsupported(request, TOKENIZE)
    body = await body_of(request, TokenizeRequest)
    engine, model = request.app[ENGINE], request[NAME]
    pieces = await engine.tokenize(model, body.content)
    if not body.add_special:
        pieces = pieces[len(await engine.tokenize(model, "")) :]  # no text has no other tokens
    if body.with_pieces:
        return json_reply({"tokens": [{"id": piece.id, "piece": piece.text} for piece in pieces]})
    return json_reply({"tokens": [piece.id for piece in pieces]})


async def detokenize(request: web.Request) -> web.Response:
    """The text that tokens spell, with the texts of special ones in it."""
    body = await body_of(request, DetokenizeRequest)
    return json_reply({"content": await request.app[ENGINE].detokenize(request[NAME], body.tokens)})


ROUTES = (
    Route("POST", "/tokenize", tokenize, NamedInBody(Kind.MODEL), openai_error, body=TokenizeRequest),
    Route("POST", "/detokenize", detokenize, NamedInBody(Kind.MODEL), openai_error, body=DetokenizeRequest),
)
