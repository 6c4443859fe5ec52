"""The sessions of chats by their ids: whoever lost the connection comes back to one, for some time."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from poly_engine import Session
from poly_engine.errors import SessionNotFound

__all__ = ["SESSIONS", "KeptSession", "Sessions"]

_PARKED_S = 120.0
_PATIENCE_S = 5.0
"""For a chat to leave its session to another one."""
_MOST_PARKED = 1024
_MOST_PARKED_OF_ONE = 128
"""Where nobody needs a key, everybody is one."""


@dataclass(eq=False, slots=True)
class KeptSession:
    """A session of somebody with a task. A chat is in it, which `leave` ends; or it is parked, and `leave` is None."""

    id: str
    task: str
    subject: str
    system: str | None
    session: Session
    leave: Callable[[], None] | None
    is_left: asyncio.Event = field(default_factory=asyncio.Event)
    expiry: asyncio.TimerHandle | None = None


class Sessions:
    """Keeps sessions: those that chats are in, and for `parked_s` those whose chats lost the connection.

    Of these there are `n_most`, and `n_most_of_one` of one subject: beyond that the one goes that was parked first.
    """

    def __init__(
        self, *, n_most: int = _MOST_PARKED, n_most_of_one: int = _MOST_PARKED_OF_ONE, parked_s: float = _PARKED_S
    ) -> None:
        self._n_most = n_most
        self._n_most_of_one = n_most_of_one
        self._parked_s = parked_s
        self._kept: dict[str, KeptSession] = {}
        self._parked: dict[str, KeptSession] = {}  # in the order in which they were parked
        self._closing: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def n_parked(self) -> int:
        """How many nobody is in."""
        return len(self._parked)

    def add(
        self, session: Session, *, task: str, subject: str, system: str | None, leave: Callable[[], None]
    ) -> KeptSession:
        """Keep a session that a chat is in."""
        kept = KeptSession(secrets.token_urlsafe(24), task, subject, system, session, leave)
        self._kept[kept.id] = kept
        return kept

    async def resume(self, id: str, *, task: str, subject: str, leave: Callable[[], None]) -> KeptSession:  # noqa: A002 - it is its name in the protocol
        """Let a chat into a session. If another one is in it, that one lost its connection, and has not noticed yet.

        Raises SessionNotFound, also to others than the subject that it is of.
        """
        kept = self._kept.get(id)
        if kept is None or (kept.task, kept.subject) != (task, subject):
            raise SessionNotFound(id)
        if kept.leave is not None:
            kept.leave()
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await kept.is_left.wait()
        if self._parked.pop(id, None) is None:  # it was ended, or not left, or somebody else was sooner
            raise SessionNotFound(id)
        if kept.expiry is not None:
            kept.expiry.cancel()
        kept.is_left.clear()
        kept.leave = leave
        return kept

    def park(self, kept: KeptSession) -> None:
        """The chat in a session, which is not in the middle of a turn, lost its connection."""
        if self._is_closed:
            self.end(kept)
            return
        of_one = [one for one in self._parked.values() if one.subject == kept.subject]
        if len(of_one) >= self._n_most_of_one:
            self.end(of_one[0])
        if len(self._parked) >= self._n_most:
            self.end(next(iter(self._parked.values())))
        kept.leave = None
        kept.expiry = asyncio.get_running_loop().call_later(self._parked_s, self.end, kept)
        self._parked[kept.id] = kept
        kept.is_left.set()

    def end(self, kept: KeptSession) -> None:
        """Nobody comes back to a session: it is closed."""
        self._kept.pop(kept.id, None)
        self._parked.pop(kept.id, None)
        if kept.expiry is not None:
            kept.expiry.cancel()
        kept.is_left.set()
        closing = asyncio.get_running_loop().create_task(kept.session.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close what is parked, and park nothing more."""
        self._is_closed = True
        for kept in list(self._parked.values()):
            self.end(kept)
        if self._closing:
            await asyncio.wait(self._closing)


SESSIONS = web.AppKey("sessions", Sessions)
