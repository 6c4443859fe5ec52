"""The route that ranks documents by a query, in the shape of Jina's, which llama-server has, too."""

from typing import Annotated

from aiohttp import web
from pydantic import BeforeValidator, Field

from poly_serve.access import Kind
from poly_serve.admission import admitted
from poly_serve.engine import ENGINE
from poly_serve.inputs import body_of
from poly_serve.openai.settings import Body
from poly_serve.openai.shapes import Json
from poly_serve.openai.texts import MOST_TEXTS
from poly_serve.replies import json_reply, openai_error
from poly_serve.routing import NAME, NamedInBody, Route

__all__ = ["ROUTES"]


def _text(document: object) -> object:
    return document["text"] if isinstance(document, dict) and "text" in document else document


Document = Annotated[str, BeforeValidator(_text)]


class RerankRequest(Body):
    """Documents to be ranked by what they have to do with a query."""

    query: str
    documents: Annotated[list[Document], Field(min_length=1, max_length=MOST_TEXTS)]
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool | None = None


async def rerank(request: web.Request) -> web.Response:
    """The documents, best first, each with the cosine of its embedding and that of the query."""
    body = await body_of(request, RerankRequest)
    texts = [*body.documents, body.query]
    async with admitted(request, Kind.MODEL, request[NAME], texts):
        embedded = await request.app[ENGINE].embed(request[NAME], texts)
    *documents, query = embedded.vectors
    scores = [float(document @ query) for document in documents]
    best = sorted(range(len(scores)), key=lambda number: -scores[number])[: body.top_n]
    results: list[Json] = [{"index": number, "relevance_score": scores[number]} for number in best]
    if body.return_documents is not False:
        for one, number in zip(results, best, strict=True):
            one["document"] = {"text": body.documents[number]}
    usage = {"prompt_tokens": embedded.n_tokens, "total_tokens": embedded.n_tokens}
    return json_reply({"object": "list", "model": body.model, "results": results, "usage": usage})


ROUTES = (Route("POST", "/v1/rerank", rerank, NamedInBody(Kind.MODEL), openai_error, body=RerankRequest),)
