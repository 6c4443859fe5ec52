"""The server that is looked after: none, one that was found, or one that was started, and what is known of it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from enum import Enum

from poly_engine.errors import AccessDenied, ConfigError, EngineClosed, EngineUnreachable, PolyError
from poly_serve.reports import RequestReport, ServerReport, TaskReport
from poly_tui.serving.log_line import LogLine
from poly_tui.serving.seam import Daemon, Servers, Watch

__all__ = ["Phase", "ServerLink"]

_MOST_LINES = 2000
_N_LAST_WORDS = 6
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - where to ask one that listens so


class Phase(Enum):
    """How things stand; its value is what is said of it."""

    LOOKING = "looking"
    NONE = "no server"
    FOUND = "found one"
    STARTING = "starting"
    RUNNING = "running"
    LOST = "lost"
    REFUSED = "refused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DIED = "died"

    @property
    def is_shown(self) -> bool:
        """Whether there is something to see of the server."""
        return self in (Phase.RUNNING, Phase.LOST, Phase.STOPPING)


class ServerLink:
    """Looks after one server at a time: the one at `url`, with `key`; else the one that was started before, or the one
    that answers where the configuration says. `look` first, and then `poll` again and again.
    """

    def __init__(self, servers: Servers, url: str | None = None, key: str | None = None) -> None:
        self.phase = Phase.LOOKING
        self.words = ""
        """Why it is so, if it is not as it should be."""
        self.place = url or ""
        """The URL of the server, or of the one that could be started."""
        self.report: ServerReport | None = None
        self.tasks: Sequence[TaskReport] = ()
        self.requests: Sequence[RequestReport] = ()
        self.log: deque[LogLine] = deque(maxlen=_MOST_LINES)
        self.n_logged = 0
        """How many lines there were in all."""
        self._servers = servers
        self._given = (url, key)
        self._daemon: Daemon | None = None
        self._watch: Watch | None = None

    @property
    def watch(self) -> Watch | None:
        """The server itself, if one is looked after."""
        return self._watch

    @property
    def daemon(self) -> Daemon | None:
        """The process, if it was started here."""
        return self._daemon

    @property
    def is_ours(self) -> bool:
        """Whether it was started here and is there."""
        return self._daemon is not None

    async def look(self) -> None:
        """Find what there is."""
        await self._hang_up()
        url, key = self._given
        if url is not None:
            await self.connect(url, key)
            return
        self._daemon = await asyncio.to_thread(self._servers.left_running)
        if self._daemon is not None:
            self.phase = Phase.STARTING
            return
        try:
            config = await asyncio.to_thread(self._servers.configuration)
        except ConfigError as error:
            self._say(Phase.NONE, str(error))
            return
        host, _, port = config.bind_address.rpartition(":")
        self.place = f"http://{_EVERYWHERE.get(host, host)}:{port}"
        watch = await asyncio.to_thread(self._servers.watch, self.place, None)
        is_there = await watch.is_there()
        await watch.close()
        self._say(Phase.FOUND if is_there else Phase.NONE)

    async def connect(self, url: str, key: str | None) -> None:
        """Look after the server at a URL."""
        await self._hang_up()
        if self._given[0] is not None:
            self._given = (url, key)  # this key, and no other, when it is looked for again
        try:
            self._watch = await asyncio.to_thread(self._servers.watch, url, key)
        except ConfigError as error:
            self._say(Phase.NONE, str(error))
            return
        self.place = self._watch.url
        self._say(Phase.STARTING if self.is_ours else Phase.LOOKING)

    async def start(self) -> None:
        """Start one. Raises PolyError, and then nothing has changed."""
        before = self.phase, self.words
        self._say(Phase.STARTING)  # whoever asks meanwhile need not ask again
        try:
            daemon = await asyncio.to_thread(self._servers.start)
        except PolyError:
            self._say(*before)
            raise
        await self._hang_up()
        self._daemon = daemon
        self.log, self.n_logged = deque(maxlen=_MOST_LINES), 0
        self._say(Phase.STARTING)

    def stop(self) -> None:
        """Have it stop, if it was started here; the second time at once."""
        if self._daemon is not None:
            self._daemon.stop()
            self._say(Phase.STOPPING)

    async def poll(self) -> None:
        """See how it is now."""
        if self._daemon is not None:
            await self._follow(self._daemon)
        if self._watch is not None:
            await self._ask(self._watch)

    async def close(self) -> None:
        """Look after nothing any more; what runs, runs on."""
        if self._daemon is not None:
            self._daemon.leave()
        await self._hang_up()

    async def _follow(self, daemon: Daemon) -> None:
        is_alive = daemon.is_alive()
        for line in daemon.read_log():  # at once: a thread that is left alone would read lines that nobody sees
            self.log.append(LogLine.of(line))
            self.n_logged += 1
        if not is_alive:
            last = "\n".join([row for line in self.log for row in line.rows][-_N_LAST_WORDS:])
            was_told = self.phase is Phase.STOPPING
            self._daemon = None
            await self._hang_up()
            self._say(Phase.STOPPED if was_told else Phase.DIED, "" if was_told else last)
        elif self._watch is None and daemon.url is not None:
            await self.connect(daemon.url, daemon.key)

    async def _ask(self, watch: Watch) -> None:
        try:
            self.requests = await watch.requests()
            self.report, self.tasks = await watch.report()
        except AccessDenied as error:
            self._say(Phase.REFUSED, str(error))
        except EngineClosed:
            pass  # it is looked after no more
        except EngineUnreachable as error:
            if self.phase is not Phase.STOPPING:
                self._say(Phase.LOST if self.report is not None else Phase.REFUSED, str(error))
        except PolyError as error:
            self._say(Phase.REFUSED, str(error))
        else:
            is_stopping = self.phase is Phase.STOPPING or self.report.is_draining
            self._say(Phase.STOPPING if is_stopping else Phase.RUNNING)

    async def _hang_up(self) -> None:
        watch, self._watch = self._watch, None
        self.report, self.tasks, self.requests = None, (), ()
        if watch is not None:
            await watch.close()

    def _say(self, phase: Phase, words: str = "") -> None:
        self.phase, self.words = phase, words
