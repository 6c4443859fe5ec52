"""A turn as a program: what asks a server, or the library, the same again."""

import json
import shlex
from pprint import pformat

from poly_engine.types import Turn
from poly_tui.chats.tree import ChatTurn

__all__ = ["as_curl", "as_python"]


def as_curl(turn: ChatTurn, url: str) -> str:
    """A command that asks the server at `url`. The key is read where it runs: $POLY_API_KEY."""
    body = json.dumps({"model": turn.task, "messages": _messages(turn)}, ensure_ascii=False)
    place = f"{url.rstrip('/')}/v1/chat/completions"
    return (
        f"curl {shlex.quote(place)} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "Authorization: Bearer $POLY_API_KEY" \\\n'
        f"  -d {shlex.quote(body)}\n"
    )


def as_python(turn: ChatTurn, url: str | None) -> str:
    """A program that asks the server at `url` by the client of OpenAI, or this machine by the library."""
    return _library(turn) if url is None else _client(turn, url)


def _client(turn: ChatTurn, url: str) -> str:
    base = f"{url.rstrip('/')}/v1"
    return f"""\
import os

from openai import OpenAI

client = OpenAI(base_url={base!r}, api_key=os.environ.get("POLY_API_KEY", "none"))
messages = {_literal(_messages(turn))}
for chunk in client.chat.completions.create(model={turn.task!r}, messages=messages, stream=True):
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
"""


def _library(turn: ChatTurn) -> str:
    history = "".join(f"    Turn({one.prompt!r}, {one.answer!r}),\n" for one in _history(turn))
    return f"""\
import asyncio
import os
from pathlib import Path

from poly_engine import LocalEngine, Token, Turn
from poly_engine.config import find, load

history = [
{history}]


async def main():
    config = load(find(None, os.environ, Path.cwd())).config
    async with LocalEngine(config) as engine, engine.session({turn.task!r}, history=history) as session:
        async with session.send({turn.prompt!r}) as events:
            async for event in events:
                if isinstance(event, Token):
                    print(event.text, end="", flush=True)
    print()


asyncio.run(main())
"""


def _history(turn: ChatTurn) -> list[Turn]:
    return [Turn(one.prompt, one.answer) for one in turn.path[:-1] if one.is_remembered]


def _messages(turn: ChatTurn) -> list[dict[str, str]]:
    said = [
        {"role": role, "content": text}
        for one in _history(turn)
        for role, text in (("user", one.prompt), ("assistant", one.answer))
    ]
    return [*said, {"role": "user", "content": turn.prompt}]


def _literal(value: object) -> str:
    return pformat(value, width=100, sort_dicts=False)
