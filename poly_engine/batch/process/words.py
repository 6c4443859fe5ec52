"""What the process of a model says on stderr: its log, and what libraries print before they end it."""

import logging
import os
import re
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Collection

__all__ = ["EXIT_BUG", "LastWords", "MarkedLines", "cause_of_death"]

EXIT_BUG = 70
"""The status with which a process ends if its worker failed; sysexits.h calls it EX_SOFTWARE."""

_MARK = "\x1e"
_LOGGED = re.compile(rf"{_MARK}(\d+) (poly_engine[\w.]*) (.*)")
_FATAL = "Fatal Python error"
_FOLDER = re.compile(r"^\S*/(?=[\w.-]+:\d+: )")
"""Where the source of a library was compiled, which says nothing to anybody else."""
_N_KEPT = 3
_FRESH_S = 5.0
"""What was said longer ago has hardly to do with the death of who said it."""
_LONGEST_LINE = 2000
_READ_BYTES = 1 << 16
_LAST_MS = 200


class MarkedLines(logging.Formatter):
    """Marks the lines of a log in the child, so that the parent knows them from what libraries print."""

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).splitlines()
        return "\n".join(f"{_MARK}{record.levelno} {record.name} {line}" for line in lines)


class LastWords:
    """Puts what the process says into the log of this one, and keeps the last lines that libraries have printed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._log = logging.getLogger(__name__)
        self._buffer = bytearray()
        self._kept: deque[tuple[float, str]] = deque(maxlen=_N_KEPT)
        self._is_dying = False

    @property
    def text(self) -> str:
        """The last words of a process that has just died, in one line; "" if there are none."""
        now = time.monotonic()
        return "; ".join(words for when, words in self._kept if now - when < _FRESH_S)

    def register(self, process: "subprocess.Popen[bytes]", poller: "select.poll") -> None:
        """Have a poller look out for what the process says."""
        assert process.stderr is not None
        self._descriptor = process.stderr.fileno()
        poller.register(self._descriptor, select.POLLIN)

    def hear(self, ready: Collection[int], poller: "select.poll") -> None:
        """Read what is there, if the poller has found something."""
        if self._descriptor in ready and not self._read():
            poller.unregister(self._descriptor)

    def hear_out(self, process: "subprocess.Popen[bytes]") -> None:
        """Read all that a dead process has said."""
        poller = select.poll()
        self.register(process, poller)
        while poller.poll(_LAST_MS) and self._read():  # somebody else may have the pipe, and never close it
            pass
        self._take_lines(self._buffer + b"\n")

    def _read(self) -> bool:
        """Read a piece; return whether there may be more."""
        piece = os.read(self._descriptor, _READ_BYTES)
        self._buffer += piece
        *lines, rest = self._buffer.rsplit(b"\n", 1) if b"\n" in self._buffer else (b"", self._buffer)
        self._take_lines(b"".join(lines))
        self._buffer = bytearray(rest[-_LONGEST_LINE:])
        return bool(piece)

    def _take_lines(self, lines: bytes | bytearray) -> None:
        for line in lines.decode("utf-8", "replace").split("\n"):
            if line.strip():
                self._take_line(line[:_LONGEST_LINE])

    def _take_line(self, line: str) -> None:
        if logged := _LOGGED.match(line):
            level, name, words = logged.groups()
            logging.getLogger(name).log(int(level), "%s", _printable(words))
            return
        said, fatal, _ = line.partition(_FATAL)
        words = _printable(said.strip())
        self._log.log(logging.INFO if self._is_dying else logging.WARNING, "%s: %s", self._name, _printable(line))
        if words and not self._is_dying:
            self._kept.append((time.monotonic(), _FOLDER.sub("", words)))
        self._is_dying = self._is_dying or bool(fatal)  # from there on Python says where it was, and not why


def cause_of_death(status: int, last_words: str) -> str:
    """What ended a process that was not to end, as a sentence."""
    if status < 0:
        hint = ", as the system does when memory runs out" if -status == signal.SIGKILL else ""
        why = f"the process of the model was ended by {_name_of(-status)}{hint}"
    elif status == EXIT_BUG:
        return "the engine failed; its log says why"
    else:
        why = f"the process of the model ended with status {status}"
    return f"{why}: {last_words}" if last_words else why


def _name_of(number: int) -> str:
    """The name of a signal, and what it means."""
    if number not in {one.value for one in signal.Signals}:  # those for applications have none
        return f"signal {number}"
    return f"{signal.Signals(number).name} ({signal.strsignal(number)})"


def _printable(text: str) -> str:
    """A line without what a terminal would take for orders."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
