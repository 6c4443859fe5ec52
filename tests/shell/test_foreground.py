"""What Ctrl-C does to the work of a verb."""

import asyncio
import signal
import subprocess
import sys

import pytest

from poly_tui.commands import foreground
from poly_tui.commands.foreground import Foreground


def test_ctrl_c_cancels_the_work_and_lets_it_clean_up() -> None:
    seen: list[str] = []

    async def work() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        foreground.run(work())

    assert seen == ["cleaned up"]


def test_the_next_work_is_not_affected() -> None:
    async def interrupted() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0)

    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    with Foreground() as loop:
        with pytest.raises(KeyboardInterrupt):
            loop.run(interrupted())

        assert loop.run(work()) == "done"


STUBBORN = """
import asyncio, contextlib
from poly_tui.commands import foreground

async def work():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            print("working", flush=True)
            await asyncio.Event().wait()

foreground.run(work())
"""


def test_a_second_ctrl_c_ends_what_does_not_want_to_end() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - the child has one thread
    ) as process:
        assert process.stdout is not None
        for _ in range(2):
            assert process.stdout.readline() == b"working\n"
            process.send_signal(signal.SIGINT)

        assert process.wait() == 130
