"""The route of chats, as OpenAI has it."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from poly_engine.overrides import MOST_LOGPROBS
from poly_serve.access import Kind
from poly_serve.inputs import InvalidParameter, body_of, off_loop
from poly_serve.openai.answers import Ask, overrides_of
from poly_serve.openai.messages import Message, conversation
from poly_serve.openai.replying import reply
from poly_serve.openai.shapes import ChatShape
from poly_serve.openai.tools import ToolSettings
from poly_serve.openai.unsupported import CHAT, refuse_unsupported
from poly_serve.replies import openai_error
from poly_serve.routing import NamedInBody, Route

__all__ = ["ROUTES"]

_MOST_MESSAGES = 4096
_MESSAGE_BYTES = 1 << 9
"""For which it takes as long to understand a message, however short it is, as for these."""


class ChatRequest(ToolSettings):
    """A chat with a task."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=_MOST_MESSAGES)]
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None

    @property
    def n_logprobs(self) -> int | None:
        if self.top_logprobs and not self.logprobs:
            raise InvalidParameter("top_logprobs", "says how many, and logprobs has to be true for there to be any")
        if not self.logprobs:
            return self.n_probs or None
        return self._agreed("top_logprobs", *(["n_probs"] if self.n_probs else [])) or 0


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """The answer of a task to the last message of a chat, or several."""
    await refuse_unsupported(request, CHAT)
    body = await body_of(request, ChatRequest)
    said = await off_loop(_MESSAGE_BYTES * len(body.messages), conversation, body.messages)
    bias, tools = body.bias, await body.usable_tools()
    asks = [Ask(said, overrides, bias, tools) for overrides in await overrides_of(request, body)]
    return await reply(request, body, asks, ChatShape(body.model, body.n_choices))


ROUTES = (
    Route("POST", "/v1/chat/completions", chat_completions, NamedInBody(Kind.TASK), openai_error, body=ChatRequest),
)
