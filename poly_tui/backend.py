"""What the terminal interface stands on: an engine that is imported and opened when it is first asked for."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from poly_engine.config import Config, load
from poly_engine.errors import InvalidRequest
from poly_engine.interface import Engine

__all__ = ["Backend"]


@runtime_checkable
class _Reconfigurable(Protocol):
    async def reconfigure(self, config: Config) -> None: ...


class Backend:
    """The engine that all screens share, closed at the end of `async with`.

    `open_engine` may take its time, and is called in a thread. `url` is that of the server that does the work, if one
    does, and `key` what it is told. `config_file` is the configuration in effect, None if it is the built-in one or
    that of a server; `read_config` reads it.
    """

    def __init__(
        self,
        open_engine: Callable[[], Engine],
        *,
        url: str | None = None,
        key: str | None = None,
        config_file: Path | None = None,
        read_config: Callable[[], Config] | None = None,
    ) -> None:
        self.url = url
        self.key = key
        self.config_file = config_file
        self.n_reloads = 0
        """How often another configuration came into effect: who holds something of the one before looks here."""
        self._open = open_engine
        self._read_config = read_config
        self._opening: asyncio.Task[Engine] | None = None

    @classmethod
    def of(cls, engine: Engine, *, url: str | None = None, config_file: Path | None = None) -> Self:
        """An engine that is there already."""

        def read_config() -> Config:
            return load(config_file).config

        return cls(lambda: engine, url=url, config_file=config_file, read_config=read_config)

    async def engine(self) -> Engine:
        """The engine, once it is there. Raises PolyError if it cannot be had; asking again tries again."""
        if self._opening is None or (self._opening.done() and self._opening.exception() is not None):
            self._opening = asyncio.create_task(asyncio.to_thread(self._open))
        return await asyncio.shield(self._opening)

    async def reload(self, config_file: Path | None = None) -> None:
        """Read the configuration again, from another file if one is given, and have the engine go on with it.

        Raises ConfigError if it is wrong, and InvalidRequest where a server has one of its own.
        """
        read = self._read_config if config_file is None else lambda: load(config_file).config
        if read is None or self.url is not None:
            raise InvalidRequest("a server has its own configuration: change it where it runs")
        config = await asyncio.to_thread(read)
        engine = await self.engine()
        assert isinstance(engine, _Reconfigurable), "an engine with a configuration of ours takes another one"
        await engine.reconfigure(config)
        self._read_config, self.config_file = read, config_file or self.config_file
        self.n_reloads += 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opening is None:
            return
        await asyncio.wait([self._opening])
        if not self._opening.cancelled() and self._opening.exception() is None:
            await self._opening.result().close()
