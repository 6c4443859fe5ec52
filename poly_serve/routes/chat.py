"""A chat as the original has it: a prompt is a text frame, and so is each token of its answer; an empty one ends it."""

import asyncio

from aiohttp import WSCloseCode, WSMsgType, web

from poly_engine import PolyError, Token
from poly_serve.access import Kind
from poly_serve.admission import admitted
from poly_serve.engine import ENGINE
from poly_serve.sockets import Socket

__all__ = ["chat_in_texts"]

_MOST_WAITING = 16
"""Prompts that may come while an answer is written."""


async def chat_in_texts(request: web.Request, socket: Socket) -> None:
    """Hold a chat until the client leaves, or something goes wrong. Who leaves, ends the answer that is written."""
    prompts: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(_answer(request, socket, prompts))
        await _listen(socket, prompts)
        answering.cancel()


async def _listen(socket: Socket, prompts: asyncio.Queue[str]) -> None:
    async for message in socket.messages():
        if message.type is not WSMsgType.TEXT:
            await socket.close(WSCloseCode.UNSUPPORTED_DATA, "a prompt has to be a text")
        elif prompts.full():
            await socket.close(WSCloseCode.TRY_AGAIN_LATER, f"{_MOST_WAITING} prompts are waiting already")
        else:
            prompts.put_nowait(message.data)


async def _answer(request: web.Request, socket: Socket, prompts: asyncio.Queue[str]) -> None:
    task = request.match_info["name"]
    try:
        async with request.app[ENGINE].session(task) as session:
            while True:
                prompt = await prompts.get()
                async with (
                    admitted(request, Kind.TASK, task, [prompt]) as served,
                    session.send(prompt) as events,
                ):
                    async for event in served.follow(events):
                        if isinstance(event, Token) and event.text:
                            await socket.send(event.text)
                await socket.send("")
    except PolyError as error:
        await socket.close(WSCloseCode.INTERNAL_ERROR, str(error))
    except ConnectionError:
        pass  # the client is gone, which whoever listens hears, too
