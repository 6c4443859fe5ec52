"""The route of embeddings, as OpenAI has it."""

import asyncio
import base64
import json
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from aiohttp import web
from pydantic import Field

from poly_serve.access import Kind
from poly_serve.admission import admitted
from poly_serve.engine import ENGINE
from poly_serve.inputs import InvalidParameter, body_of
from poly_serve.metrics import METRICS
from poly_serve.openai.settings import Body
from poly_serve.openai.texts import Texts
from poly_serve.openai.unsupported import EMBEDDING, refuse_unsupported
from poly_serve.replies import openai_error
from poly_serve.routing import NAME, PRINCIPAL, NamedInBody, Route

__all__ = ["ROUTES"]


class EmbeddingRequest(Body):
    """Texts to be embedded by a model."""

    input: Texts
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None


async def embeddings(request: web.Request) -> web.Response:
    """The vectors of texts, each of Euclidean length 1."""
    await refuse_unsupported(request, EMBEDDING)
    body = await body_of(request, EmbeddingRequest)
    engine, model = request.app[ENGINE], request[NAME]
    async with admitted(request, Kind.MODEL, model, body.input):
        if body.dimensions is not None:
            n = (await engine.load(model)).embedding_size
            if n is not None and body.dimensions != n:
                raise InvalidParameter("dimensions", f"vectors of {model} have {n}, and are not cut: leave it out")
        embedded = await engine.embed(model, body.input)
    request.app[METRICS].add_embedding(model, embedded.n_tokens, request[PRINCIPAL].subject)
    write = _in_base64 if body.encoding_format == "base64" else _in_digits
    vectors = await asyncio.to_thread(lambda: list(map(write, embedded.vectors)))  # 2,048 long ones take a second
    text = _written(body.model, vectors, embedded.n_tokens)
    return web.Response(text=text, content_type="application/json")


def _in_base64(vector: npt.NDArray[np.float32]) -> str:
    return f'"{base64.b64encode(vector.astype("<f4").tobytes()).decode()}"'


def _in_digits(vector: npt.NDArray[np.float32]) -> str:
    return json.dumps(vector.tolist(), separators=(",", ":"))


def _written(model: str, vectors: list[str], n_tokens: int) -> str:
    """The reply, around vectors that are JSON already."""
    entries = ",".join(f'{{"object":"embedding","index":{i},"embedding":{one}}}' for i, one in enumerate(vectors))
    usage = json.dumps({"prompt_tokens": n_tokens, "total_tokens": n_tokens})
    return f'{{"object":"list","data":[{entries}],"model":{json.dumps(model)},"usage":{usage}}}'


ROUTES = (Route("POST", "/v1/embeddings", embeddings, NamedInBody(Kind.MODEL), openai_error, body=EmbeddingRequest),)
