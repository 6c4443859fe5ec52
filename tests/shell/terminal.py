"""A program in a terminal of its own, as a person would use it."""

import codecs
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from typing import Self

PATIENCE_S = 30.0


def start(*args: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Start `poly` with its stdout and stderr in pipes, and nothing on stdin. Ctrl-C works, whoever runs the tests."""
    return subprocess.Popen(
        [sys.executable, "-m", "poly_tui", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - the child has one thread
    )


class Terminal:
    """`poly` with arguments on a terminal, until the end of the `with` block. Or `program`, a module in its place."""

    def __init__(
        self,
        *args: str,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
        program: str = "poly_tui",
        ignored: tuple[signal.Signals, ...] = (),
    ) -> None:
        self._unread = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (size[1], size[0]))

        def take_terminal() -> None:
            os.login_tty(slave)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [sys.executable, "-m", program, *args],
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
            pass_fds=[slave],
            preexec_fn=take_terminal,  # noqa: PLW1509 - the child has one thread
        )
        os.close(slave)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read_until(self, text: str, *, pressing: str = "") -> str:
        """What is shown up to and including `text`.

        Keys are pressed again while nothing comes: Python misses a Ctrl-C just before it waits for a line.
        """
        deadline = time.monotonic() + PATIENCE_S
        while text not in self._unread:
            self.press(pressing)
            self._read(PATIENCE_S / 100 if pressing else PATIENCE_S)
            assert time.monotonic() < deadline, self._unread
        shown, _, self._unread = self._unread.partition(text)
        return shown + text

    def read_to_end(self) -> str:
        """What is shown until the program ends."""
        while self._read(PATIENCE_S):
            pass
        self.process.wait(PATIENCE_S)
        return self._unread

    def _read(self, patience_s: float) -> bool:
        """Take what is shown, or wait for it; False if nothing came."""
        try:
            is_there = bool(select.select([self._master], [], [], patience_s)[0])
            self._take(self._decoder.decode(os.read(self._master, 4096)) if is_there else "")
        except OSError:  # how Linux says that nobody is left on the other side
            return False
        return is_there

    def _take(self, text: str) -> None:
        """Keep what is shown until somebody reads it."""
        self._unread += text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
