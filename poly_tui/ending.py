"""What ends the terminal interface other than its user: signals, and mistakes of ours."""

import asyncio
import logging
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import platformdirs
from textual.app import App

__all__ = ["describe_mistake", "ended_by_signals"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

log = logging.getLogger(__name__)


@contextmanager
def ended_by_signals(app: App[None]) -> Iterator[None]:
    """Have signals leave the application, so that all is kept and the terminal is as it was before.

    The exit code tells which one it was. One that is ignored, as under nohup, stays so.
    """
    loop = asyncio.get_running_loop()
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        loop.add_signal_handler(number, partial(app.exit, return_code=128 + number))
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


def describe_mistake(error: BaseException) -> str:
    """What to say of an error that nobody expected. How it came about is written to a file."""
    log.error("the terminal interface ended", exc_info=error)
    words = f"poly: unexpected {type(error).__name__}: {error}\npoly: that is a mistake in Poly, not yours."
    path = Path(platformdirs.user_state_dir("poly", appauthor=False)) / "mistake.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as failure:
        return f"{words} How it came about cannot be written to {path}: {failure.strerror}."
    return f"{words} How it came about is in {path}; what was said is kept: poly tui -c goes on with it."
