"""A thread that writes chats to their file, so that neither an answer nor a key press waits for the disk."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from poly_engine.errors import PolyError
from poly_tui.chats.errors import ChatsFailed
from poly_tui.chats.store import ChatStore
from poly_tui.chats.tree import Chat, ChatTurn

__all__ = ["Scribe"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_SOON: Callable[[], None] = lambda: None  # noqa: E731 - a job that says that there is something to write

INTERVAL_S = 0.2
"""What comes in is written so often: a kill loses no more."""


class Scribe:
    """Does what it is told in the order in which it is told. The file is opened with the first job.

    `tell` hears, in the thread of the scribe, what users have to know: that a damaged file was set aside, or that
    nothing can be kept, which is told once.
    """

    def __init__(self, path: Path, tell: Callable[[str], object]) -> None:
        self._path = path
        self._tell = tell
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._texts: deque[tuple[ChatTurn, str, str]] = deque()
        self._drafts: dict[Chat, str] = {}
        self._is_woken = False
        self._has_complained = False
        self._store: ChatStore | None = None
        self._refusal: ChatsFailed | None = None
        self._thread = threading.Thread(target=self._run, name="chats", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[ChatStore], T]) -> "Future[T]":
        """Have something done; what it returns or raises can be had from the result."""
        future: Future[T] = Future()

        def do() -> None:
            if not future.set_running_or_notify_cancel():  # nobody waits for it any more
                return
            try:
                future.set_result(work(self._opened()))
            except Exception as error:  # noqa: BLE001 - whoever waits for the result gets it
                future.set_exception(error)

        self._jobs.put(do)
        return future

    def keep(self, work: Callable[[ChatStore], object]) -> None:
        """Have something done that nobody waits for. If it fails, that is told."""
        self._jobs.put(lambda: self._attempt(lambda: work(self._opened())))

    def write(self, turn: ChatTurn, answer: str, thinking: str) -> None:
        """Add to an answer soon, together with what else comes until then."""
        self._texts.append((turn, answer, thinking))
        self._wake()

    def set_draft(self, chat: Chat, text: str) -> None:
        """Keep a draft soon; only the last one of a chat counts."""
        self._drafts[chat] = text
        self._wake()

    def close(self, patience_s: float = 15.0) -> None:
        """Write all there is, and close the file."""
        self._jobs.put(None)
        self._thread.join(patience_s)

    def _wake(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            self._jobs.put(_SOON)

    def _run(self) -> None:
        due: float | None = None
        while True:
            try:
                job = self._jobs.get(timeout=None if due is None else max(0.0, due - time.monotonic()))
            except queue.Empty:
                self._flush()
                due = None
                continue
            if job is _SOON:
                due = due or time.monotonic() + INTERVAL_S
                continue
            self._flush()  # a job finds in the file what came before it
            due = None
            if job is None:
                break
            job()
            if self._texts or self._drafts:  # what waited for its turn to be in the file
                due = time.monotonic() + INTERVAL_S
        if self._store is not None:
            self._attempt(self._store.close)

    def _flush(self) -> None:
        self._is_woken = False
        texts: dict[ChatTurn, list[tuple[str, str]]] = {}
        waiting = []
        while self._texts:
            turn, answer, thinking = self._texts.popleft()
            if turn.state != "writing":
                continue  # it is written as a whole, or was
            if turn.id is None:
                waiting.append((turn, answer, thinking))
            else:
                texts.setdefault(turn, []).append((answer, thinking))
        self._texts.extendleft(reversed(waiting))
        if texts:
            self._attempt(lambda: self._opened().append(_joined(texts)))
        for chat in [chat for chat in tuple(self._drafts) if chat.id is not None or not chat.roots]:
            draft = self._drafts.pop(chat)
            self._attempt(partial(self._keep_draft, chat.id, draft))

    def _keep_draft(self, number: int | None, text: str) -> None:
        self._opened().set_draft(number, text)

    def _opened(self) -> ChatStore:
        if self._refusal is not None:
            raise self._refusal
        if self._store is None:
            try:
                self._store, remark = ChatStore.open(self._path)
            except ChatsFailed as error:
                self._refusal = error
                raise
            if remark:
                self._tell(remark)
        return self._store

    def _attempt(self, work: Callable[[], Any]) -> None:  # Any: what it returns is of no use
        try:
            work()
        except PolyError as error:
            self._complain(str(error))
        except Exception as error:  # the edge of the thread: the log gets the traceback
            log.exception("a chat could not be kept")
            self._complain(f"unexpected {type(error).__name__}: {error}")

    def _complain(self, reason: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._tell(f"chats are not kept: {reason}")


def _joined(texts: dict[ChatTurn, list[tuple[str, str]]]) -> dict[int, tuple[str, str]]:
    return {
        turn.id: ("".join(answer for answer, _ in parts), "".join(thinking for _, thinking in parts))
        for turn, parts in texts.items()
        if turn.id is not None
    }
