"""The route of completions, as OpenAI has it: a prompt is the first that is said to a task, with its own around it."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from poly_engine.overrides import MOST_LOGPROBS
from poly_serve.access import Kind
from poly_serve.inputs import InvalidParameter, body_of
from poly_serve.openai.answers import Ask, overrides_of
from poly_serve.openai.messages import Conversation
from poly_serve.openai.replying import reply
from poly_serve.openai.settings import MOST_CHOICES, Settings
from poly_serve.openai.shapes import CompletionShape
from poly_serve.openai.texts import Texts
from poly_serve.openai.unsupported import COMPLETION, refuse_unsupported
from poly_serve.replies import openai_error
from poly_serve.routing import NamedInBody, Route

__all__ = ["ROUTES"]


class CompletionRequest(Settings):
    """A prompt to a task, or several."""

    prompt: Texts
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None

    @property
    def n_logprobs(self) -> int | None:
        n: int | None = self._agreed("logprobs", *(["n_probs"] if self.n_probs else []))
        if self.echo and n is not None:
            raise InvalidParameter(
                "echo", "shows the prompt, of which there are no log-probabilities: leave out either"
            )
        return n


async def completions(request: web.Request) -> web.StreamResponse:
    """The answer of a task to a prompt, or several, each to one or several."""
    await refuse_unsupported(request, COMPLETION)
    body = await body_of(request, CompletionRequest)
    n_each, bias = body.n_choices, body.bias
    overrides = await overrides_of(request, body)
    prompts = [prompt for prompt in body.prompt for _ in range(n_each)]
    if len(prompts) > MOST_CHOICES:
        raise InvalidParameter("prompt", f"{len(prompts)} choices are wanted, and {MOST_CHOICES} is the most")
    asks = [Ask(Conversation(None, (), text), overrides[i % n_each], bias) for i, text in enumerate(prompts)]
    return await reply(request, body, asks, CompletionShape(body.model, n_each, prompts if body.echo else ()))


ROUTES = (Route("POST", "/v1/completions", completions, NamedInBody(Kind.TASK), openai_error, body=CompletionRequest),)
