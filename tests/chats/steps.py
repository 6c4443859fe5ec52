"""What the tests of the chats do over and over."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from poly_engine.types import Done, Timings, Token, Usage
from poly_tui.chats.log import ChatLog
from poly_tui.chats.store import ChatStore
from poly_tui.chats.tree import Chat, ChatTurn

DONE = Done("stop", Usage(3, 0, 2, 5, 100), Timings(0.0, 0.25, 0.5))


def answer(log: ChatLog, prompt: str, text: str) -> ChatTurn:
    """A whole turn."""
    turn = log.ask(prompt, "echo", "fake")
    for word in text.split(" "):
        log.hear(Token(f"{word} ", 1))
    log.hear(DONE)
    return turn


def add_turn(store: ChatStore, chat: int, prompt: str, text: str, parent: int | None = None) -> int:
    """A whole turn, written straight into a store."""
    turn = ChatTurn(prompt, None, "echo", "fake", 1.0, text, state="complete")
    number = store.begin(chat, parent, turn)
    store.finish(number, turn)
    return number


def texts(chat: Chat) -> list[tuple[str, str]]:
    """Prompt and answer of each turn on the path."""
    return [(turn.prompt, turn.answer.rstrip()) for turn in chat.path]


def read(path: Path, number: int) -> Chat:
    """A chat as it is in a file."""
    store, _ = ChatStore.open(path)
    with closing(store):
        return store.load(number)
