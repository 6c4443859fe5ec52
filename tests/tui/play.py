"""`python -m tests.tui.play [FILE]`: the terminal interface over the scripted engine, which answers with the text of a
file, or with everything that markdown has, so many tokens a second. To look at it.
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from poly_engine.types import TaskInfo
from poly_tui.app import run
from poly_tui.backend import Backend
from tests.fake_engine import FakeEngine, Gate, Reply, split

SAMPLE = Path(__file__).with_name("sample.md")


class SteadyGate(Gate):
    """Lets so many tokens pass in a second."""

    def __init__(self, tokens_per_s: float) -> None:
        super().__init__()
        self._interval_s = 1 / tokens_per_s
        self._next = 0.0

    async def admit(self, is_over: Callable[[], bool]) -> None:
        del is_over
        now = time.monotonic()
        self._next = max(self._next + self._interval_s, now - 0.1)
        if self._next > now:
            await asyncio.sleep(self._next - now)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--rate", type=float, default=50, help="tokens a second")
    parser.add_argument("--think", default="", help="what the model thinks before it answers")
    options = parser.parse_args()
    reply = replace(Reply.of(options.file.read_text()), thoughts=split(options.think))
    tasks = [TaskInfo("play", "scripted", f"Writes {options.file.name}")]
    run(Backend.of(FakeEngine(lambda _: reply, tasks=tasks, gate=SteadyGate(options.rate))))


if __name__ == "__main__":
    main()
