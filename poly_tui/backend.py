"""What the terminal interface stands on: an engine that is imported and opened when it is first asked for."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from poly_engine.errors import InvalidRequest
from poly_engine.interface import Engine

if TYPE_CHECKING:  # pydantic, 150 ms before the first paint
    from poly_engine.config import Config

__all__ = ["Backend", "Source"]


class Source(Protocol):
    """Where an engine comes from. All of it may take its time, and is called in threads."""

    def open_engine(self) -> Engine:
        """An engine for the configuration in effect. Raises PolyError."""

    def find_config(self) -> Path | None:
        """The file of the configuration in effect; None if it is the built-in one. Raises ConfigError."""

    def read_config(self) -> "Config":
        """The configuration in effect. Raises ConfigError."""


@runtime_checkable
class _Reconfigurable(Protocol):
    async def reconfigure(self, config: "Config") -> None: ...


class Backend:
    """The engine that all screens share, closed at the end of `async with`.

    `url` is the server that does the work, if one does, and `key` what it is told.
    """

    def __init__(self, source: Source, *, url: str | None = None, key: str | None = None) -> None:
        self.url = url
        self.key = key
        self.config_file: Path | None = None
        """The configuration in effect, once there is an engine; None if it is the built-in one or a server's."""
        self.n_reloads = 0
        """How often another configuration came into effect: who holds something of the one before looks here."""
        self.speeds: dict[str, float] = {}
        """Tokens a second that models were last seen to write, by their names."""
        self.talked_to = ""
        """The task that the chat is with, once it is known."""
        self._source = source
        self._opening: asyncio.Task[Engine] | None = None

    @classmethod
    def of(cls, engine: Engine, *, url: str | None = None, config_file: Path | None = None) -> Self:
        """An engine that is there already."""
        return cls(_Given(engine, config_file), url=url)

    async def engine(self) -> Engine:
        """The engine, once it is there. Raises PolyError if it cannot be had; asking again tries again."""
        if self._opening is None or (self._opening.done() and self._opening.exception() is not None):
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def reload(self) -> None:
        """Read the configuration again, where it is now, and have the engine go on with it.

        Raises ConfigError if it is wrong, and InvalidRequest where a server has one of its own.
        """
        if self.url is not None:
            raise InvalidRequest(f"{self.url} has its own configuration: change it on the machine where it runs")
        config = await asyncio.to_thread(self._source.read_config)
        engine = await self.engine()
        assert isinstance(engine, _Reconfigurable), "an engine with a configuration of ours takes another one"
        await engine.reconfigure(config)
        self.config_file = await asyncio.to_thread(self._source.find_config)
        self.n_reloads += 1

    async def _open(self) -> Engine:
        engine = await asyncio.to_thread(self._source.open_engine)
        if self.url is None:
            self.config_file = await asyncio.to_thread(self._source.find_config)
        return engine

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


class _Given:
    """The source of an engine that is there already."""

    def __init__(self, engine: Engine, config_file: Path | None) -> None:
        self._engine = engine
        self._config_file = config_file

    def open_engine(self) -> Engine:
        return self._engine

    def find_config(self) -> Path | None:
        return self._config_file

    def read_config(self) -> "Config":
        from poly_engine.config import load  # as above

        return load(self._config_file).config
