"""The server as a process: it binds, drains when it is told to stop, and takes a new configuration while it runs."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from poly_engine import Engine
from poly_engine.config import Config
from poly_engine.errors import ConfigError
from poly_serve.access import Access
from poly_serve.admission import ADMISSION
from poly_serve.app import create_app
from poly_serve.lifecycle import LIFECYCLE
from poly_serve.routing import ACCESS
from poly_serve.serving import serving

__all__ = ["Daemon", "Reload", "check_address"]

_log = logging.getLogger(__name__)

_LAST_WORDS_S = 2.0
"""For errors to be told to streams that did not come to their end."""

Reload = Callable[[], Awaitable[Config]]
"""Reads the configuration anew and lets the engine use it. Raises ConfigError, and then nothing has changed."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> "Address":
        """The parts of "127.0.0.1:3000" or "[::1]:3000"."""
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]"), int(port))

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def check_address(config: Config) -> None:
    """Raise ConfigError if everybody could reach the server and nobody would need a key, unless that is wanted."""
    address = Address.of(config.bind_address)
    if address.is_local or config.public or not Access(config).is_open:
        return
    remedy = "set allowed_keys (poly key new makes one), bind to 127.0.0.1, or set public = true if that is wanted"
    raise ConfigError([f"bind_address: others reach {config.bind_address}, and no key is needed: {remedy}"])


class Daemon:
    """Serves an engine until it is told to stop by SIGTERM or SIGINT; a second one ends it at once.

    First it is not ready any more and takes no new work; what is under way has `grace_s` to come to its end, then it is
    told an error. SIGHUP lets it `reload`.
    """

    def __init__(self, engine: Engine, config: Config, reload: Reload, *, grace_s: float = 30.0) -> None:
        self._engine = engine
        self._config = config
        self._reload = reload
        self._grace_s = grace_s
        self._stopping = asyncio.Event()
        self._reloading: asyncio.Task[None] | None = None

    async def run(self, on_ready: Callable[[str], None] = lambda _: None) -> None:
        """Serve. `on_ready` is told the URL. Raises ConfigError, or OSError if the address cannot be bound."""
        check_address(self._config)
        app = create_app(self._engine, self._config)
        address = Address.of(self._config.bind_address)
        async with serving(app, address.host, address.port, last_words_s=_LAST_WORDS_S) as site:
            with self._signals(app):
                on_ready(site.url)
                await self._stopping.wait()
                site.stop_listening()
                await self._drain(app)

    def stop(self) -> None:
        """Begin to stop; the second time, end the process."""
        if self._stopping.is_set():
            os._exit(1)
        self._stopping.set()

    @contextlib.contextmanager
    def _signals(self, app: web.Application) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._begin_reload, app)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def _drain(self, app: web.Application) -> None:
        lifecycle = app[LIFECYCLE]
        lifecycle.begin_to_drain()
        _log.info("draining: %d requests are under way", lifecycle.n_under_way)
        if not await lifecycle.is_idle_within(self._grace_s):
            _log.warning("%d requests did not come to their end in %g s", lifecycle.n_under_way, self._grace_s)
        await self._engine.close()
        await lifecycle.is_idle_within(_LAST_WORDS_S)

    def _begin_reload(self, app: web.Application) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload_now(app))

    async def _reload_now(self, app: web.Application) -> None:
        try:
            config = await self._reload()
            app[ACCESS].use(config)
            app[ADMISSION].use(config)
        except ConfigError as error:
            _log.error("the configuration stays as it was: %s", "; ".join(error.problems))
        else:
            _log.info("the configuration was read anew")
