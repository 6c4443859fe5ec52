"""What the section of the server stands on, so that it can be shown over servers that are not there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from poly_engine.config import Config
from poly_engine.types import Event
from poly_serve.reports import RequestReport, ServerReport, SoFar, TaskReport

__all__ = ["Daemon", "Servers", "Watch"]


class Watch(Protocol):
    """A server as who runs it sees it. Everything may raise PolyError, as `poly_serve.client.watch` says."""

    @property
    def url(self) -> str:
        """Where it is."""
        ...

    async def is_there(self) -> bool:
        """Whether a server of Poly answers."""
        ...

    async def report(self) -> tuple[ServerReport, Sequence[TaskReport]]:
        """How it is, and what its tasks have done."""
        ...

    async def requests(self) -> Sequence[RequestReport]:
        """What it works on."""
        ...

    def watch(self, number: int) -> AbstractAsyncContextManager[AsyncIterator[SoFar | Event]]:
        """A request, from what was written so far to its end."""
        ...

    async def cancel(self, number: int) -> None:
        """End a request."""
        ...

    async def close(self) -> None:
        """Watch no more."""
        ...


class Daemon(Protocol):
    """A `poly serve` that was started here, now or before."""

    @property
    def url(self) -> str | None:
        """Where it serves; None until it does."""
        ...

    @property
    def key(self) -> str | None:
        """What opens it to who started it, if it wants a key."""
        ...

    @property
    def log_path(self) -> Path:
        """The file that it writes its log to."""
        ...

    def is_alive(self) -> bool:
        """Whether its process is there."""
        ...

    def read_log(self) -> Sequence[str]:
        """The lines that came since it was read last."""
        ...

    def stop(self) -> None:
        """Tell it to stop; it waits for what is under way. The second time it ends at once."""
        ...

    def reload(self) -> None:
        """Tell it to read its configuration again."""
        ...

    def leave(self) -> None:
        """Let it run on without this program."""
        ...


class Servers(Protocol):
    """Where servers come from."""

    def configuration(self) -> Config:
        """What a server would be started with. It is read from a file. Raises ConfigError."""
        ...

    def watch(self, url: str, key: str | None) -> Watch:
        """Look at a server. Raises ConfigError for a URL that is none."""
        ...

    def left_running(self) -> Daemon | None:
        """The one that was started before, and runs on."""
        ...

    def start(self) -> Daemon:
        """Start one. It may take its time, and is called in a thread. Raises PolyError."""
        ...
