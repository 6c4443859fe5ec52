"""Clients over bare sockets, which ask, and leave, in each of the ways that there are."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["KINDS", "WAYS", "Asker", "asking"]

_HOST = "Host: localhost\r\n"


@dataclass(frozen=True, slots=True)
class Asker:
    """A client that has asked something."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def leave(self, way: str) -> None:
        """Go: with a last word (fin), without (rst), or go on listening but say nothing more (half)."""
        match way:
            case "fin":
                self.writer.close()
            case "rst":
                linger = struct.pack("ii", 1, 0)
                self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.writer.transport.abort()
            case "half":
                self.writer.write_eof()


@asynccontextmanager
async def asking(url: str, kind: str, task: str, prompt: str) -> AsyncIterator[Asker]:
    """Somebody who asks a task in one of `KINDS`. Nothing is read of the answer."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 12)
    try:
        await KINDS[kind](reader, writer, task, prompt)
        yield Asker(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _live(_: asyncio.StreamReader, writer: asyncio.StreamWriter, task: str, prompt: str) -> None:
    writer.write(_post(f"/v1/task/{task}/live", {"prompt": prompt}))


async def _completion(_: asyncio.StreamReader, writer: asyncio.StreamWriter, task: str, prompt: str) -> None:
    writer.write(_post(f"/v1/task/{task}/completion", {"prompt": prompt}))


async def _openai_whole(_: asyncio.StreamReader, writer: asyncio.StreamWriter, task: str, prompt: str) -> None:
    writer.write(_post("/v1/chat/completions", _chat(task, prompt)))


async def _openai_stream(_: asyncio.StreamReader, writer: asyncio.StreamWriter, task: str, prompt: str) -> None:
    writer.write(_post("/v1/chat/completions", {**_chat(task, prompt), "stream": True}))


async def _texts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: str, prompt: str) -> None:
    await _upgrade(reader, writer, task, "")
    writer.write(_frame(prompt))


async def _events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: str, prompt: str) -> None:
    await _upgrade(reader, writer, task, "Sec-WebSocket-Protocol: poly.events.v1\r\n")
    writer.write(_frame(json.dumps({"type": "prompt", "prompt": prompt})))


KINDS: Mapping[str, Callable[[asyncio.StreamReader, asyncio.StreamWriter, str, str], Awaitable[None]]] = {
    "WebSocket, texts": _texts,
    "WebSocket, events": _events,
    "SSE": _live,
    "completion": _completion,
    "OpenAI, stream": _openai_stream,
    "OpenAI, whole": _openai_whole,
}
WAYS = ("fin", "rst", "half")


def _chat(task: str, prompt: str) -> dict[str, object]:
    return {"model": task, "messages": [{"role": "user", "content": prompt}]}


def _post(path: str, body: dict[str, object]) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\n{_HOST}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def _upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: str, more: str) -> None:
    writer.write(
        f"GET /v1/task/{task}/chat HTTP/1.1\r\n{_HOST}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")


def _frame(text: str) -> bytes:
    """A text frame of a client (RFC 6455), whose mask changes nothing."""
    content = text.encode()
    size = bytes([0x80 | len(content)]) if len(content) < 126 else b"\xfe" + len(content).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + content
