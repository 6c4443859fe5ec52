"""The route of chats, as OpenAI has it."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from poly_serve.access import Kind
from poly_serve.inputs import body_of
from poly_serve.openai.answers import Ask
from poly_serve.openai.messages import Message, conversation
from poly_serve.openai.replying import reply
from poly_serve.openai.shapes import ChatShape
from poly_serve.openai.tools import ToolSettings
from poly_serve.openai.unsupported import CHAT, refuse_unsupported
from poly_serve.replies import openai_error
from poly_serve.routing import NamedInBody, Route

__all__ = ["ROUTES"]

_MOST_MESSAGES = 4096


class ChatRequest(ToolSettings):
    """A chat with a task."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=_MOST_MESSAGES)]


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """The answer of a task to the last message of a chat, or several."""
    await refuse_unsupported(request, CHAT)
    body = await body_of(request, ChatRequest)
    said, bias, tools = conversation(body.messages), body.bias, await body.usable_tools()
    asks = [Ask(said, body.overrides(choice), bias, tools) for choice in range(body.n_choices)]
    return await reply(request, body, asks, ChatShape(body.model, body.n_choices))


ROUTES = (
    Route("POST", "/v1/chat/completions", chat_completions, NamedInBody(Kind.TASK), openai_error, body=ChatRequest),
)
