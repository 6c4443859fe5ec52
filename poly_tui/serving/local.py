"""The `poly serve` of this machine: started in a session of its own, so that it may outlive who started it.

A file in the state folder tells of it, which only the user may read. The process holds a lock on that file as long as
it lives, so that nobody takes another process of the same number for it.
"""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import platformdirs

from poly_engine.config import Config, load
from poly_engine.errors import EngineFailed
from poly_tui.serving.credentials import new_key
from poly_tui.serving.log_file import LogFile
from poly_tui.serving.seam import Watch

__all__ = ["LocalDaemon", "LocalServers", "state_folder"]

_SERVING = re.compile(r"poly: serving at (\S+)")
_NOT_FOR_IT = ("POLY_URL", "POLY_API_KEY", "POLY_EXTRA_KEY")
"""What this program is told in its environment, and the server is not."""


def state_folder() -> Path:
    """Where it is noted what runs, and what it says."""
    return Path(platformdirs.user_state_dir("poly", appauthor=False))


@dataclass(frozen=True, slots=True)
class _Note:
    """What the file tells of a server."""

    pid: int
    url: str | None = None
    key: str | None = field(default=None, repr=False)


class LocalServers:
    """Servers of this machine. They are started with the configuration in the file that `config_file` names when it is
    asked, or with the built-in one; notes and logs are kept in `folder`.
    """

    def __init__(self, config_file: Callable[[], Path | None], folder: Path) -> None:
        self._config_file = config_file
        self._folder = folder

    def configuration(self) -> Config:
        """What a server would be started with. Raises ConfigError."""
        return load(self._config_file()).config

    def watch(self, url: str, key: str | None) -> Watch:
        """Look at a server. Raises ConfigError for a URL that is none."""
        from poly_serve.client.watch import ServerWatch  # httpx, 150 ms

        return ServerWatch(url, key)

    def left_running(self) -> "LocalDaemon | None":
        """The one that was started before, and runs on."""
        return LocalDaemon.of_note(self._folder)

    def start(self) -> "LocalDaemon":
        """Start one. Raises ConfigError, and EngineFailed if one runs already, or if nothing can be started."""
        from poly_serve.access import Access  # 60 ms

        config, file = self.configuration(), self._config_file()
        access = Access(config)
        needs_key = config.public or not access.is_open
        arguments = [] if file is None else ["--config", str(file)]
        return LocalDaemon.begin(self._folder, arguments, new_key().key if needs_key else None)


class LocalDaemon:
    """A `poly serve` that this program has started, or finds running."""

    def __init__(self, folder: Path, note: _Note, process: subprocess.Popen[bytes] | None = None) -> None:
        self._folder = folder
        self._note = note
        self._process = process
        self._log = LogFile(_log_of(folder))

    @classmethod
    def begin(cls, folder: Path, arguments: Sequence[str], key: str | None) -> Self:
        """Start one, with arguments before the verb, and a key that it takes beside those of its configuration.

        Raises EngineFailed.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = _lock(folder)
        except OSError as error:
            raise EngineFailed(f"the state folder {folder} cannot be written: {error.strerror}") from error
        if lock is None:
            raise EngineFailed("a server that was started here runs already")
        try:
            process = _spawn(folder, arguments, key, lock)
        except OSError as error:
            raise EngineFailed(f"poly serve cannot be started: {error.strerror}") from error
        finally:
            os.close(lock)  # the process holds it on
        daemon = cls(folder, _Note(process.pid, None, key), process)
        daemon._write_note()
        return daemon

    @classmethod
    def of_note(cls, folder: Path) -> Self | None:
        """The one that the note in a folder tells of, if its process is there."""
        if not _is_locked(folder):
            return None
        try:
            plain = json.loads(_note_of(folder).read_text("utf-8"))
            return cls(folder, _Note(int(plain["pid"]), plain.get("url"), plain.get("key")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # somebody else writes there; what runs then can still be looked at by its address

    @property
    def url(self) -> str | None:
        """Where it serves; None until it does."""
        return self._note.url

    @property
    def key(self) -> str | None:
        """What opens it to who started it, if it wants a key."""
        return self._note.key

    @property
    def log_path(self) -> Path:
        """The file that it writes its log to."""
        return self._log.path

    def is_alive(self) -> bool:
        """Whether its process is there."""
        if self._process is not None:
            return self._process.poll() is None
        return _is_locked(self._folder)

    def read_log(self) -> Sequence[str]:
        """The lines that came since it was read last."""
        lines = list(self._log.read())
        if not self.is_alive():
            lines += [*self._log.read(), *filter(None, [self._log.read_rest()])]
        for line in lines:
            if self._note.url is None and (found := _SERVING.match(line)):
                self._note = _Note(self._note.pid, found[1], self._note.key)
                self._write_note()
        return lines

    def stop(self) -> None:
        """Tell it to stop; it waits for what is under way. The second time it ends at once."""
        self._signal(signal.SIGTERM)

    def reload(self) -> None:
        """Tell it to read its configuration again."""
        self._signal(signal.SIGHUP)

    def leave(self) -> None:
        """Let it run on without this program."""
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0  # else Python complains of a process that is not waited for
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self._note.pid, number)

    def _write_note(self) -> None:
        plain = {"pid": self._note.pid, "url": self._note.url, "key": self._note.key}
        with suppress(OSError):  # a full disk: then only this program knows of it
            _note_of(self._folder).write_text(json.dumps(plain), "utf-8")  # not anew: the lock is on this very file


def _spawn(folder: Path, arguments: Sequence[str], key: str | None, lock: int) -> "subprocess.Popen[bytes]":
    log = _log_of(folder)
    with suppress(FileNotFoundError):
        log.replace(log.with_suffix(".log.1"))
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as file:
        return subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-m", "poly_tui", *arguments, "serve", "--log-format", "json"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=_environment(key),
            pass_fds=[lock],
            start_new_session=True,
        )


def _environment(key: str | None) -> Mapping[str, str]:
    """What the server is told: only the hash of its key, as others may see what a process was started with."""
    from poly_serve.access import key_digest  # 60 ms

    told = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_IT}
    return told if key is None else {**told, "POLY_EXTRA_KEY": key_digest(key)}


def _lock(folder: Path) -> int | None:
    """Hold the lock of a folder: a file that is open as long as it is held. None if somebody else holds it."""
    file = os.open(_note_of(folder), os.O_RDWR | os.O_CREAT, 0o600)
    os.fchmod(file, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _is_locked(folder: Path) -> bool:
    if not _note_of(folder).exists():
        return False
    try:
        file = _lock(folder)
    except OSError:
        return False
    if file is not None:
        os.close(file)
    return file is None


def _note_of(folder: Path) -> Path:
    return folder / "serve.json"


def _log_of(folder: Path) -> Path:
    return folder / "serve.log"
