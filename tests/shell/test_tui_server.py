"""`poly tui` over a server that is killed while it answers, and started again."""

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shell.conftest import COUNT
from tests.shell.shown_tui import ShownTui, answers, drafts
from tests.shell.terminal import start

Configure = Callable[..., Path]


@pytest.fixture
def url(configure: Configure, counter: Path) -> str:
    """The address of a server that counts, once it is started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = configure(counter)
    path.write_text(f'bind_address = "127.0.0.1:{port}"\n' + path.read_text())
    return f"http://127.0.0.1:{port}"


@contextmanager
def serving(url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A server in a process, which is killed at the end of the block, if it was not before."""
    with start("serve") as process:
        assert process.stderr is not None
        try:
            assert any(url.encode() in line for line in process.stderr), "it does not serve"
            yield process
        finally:
            process.kill()


def test_a_server_that_dies_is_shown_and_what_was_written_stays(home: Path, url: str) -> None:
    with serving(url) as server, ShownTui("--connect", url) as tui:
        tui.until("ready")
        tui.say("count")
        tui.until("17 18 19")
        tui.press("not yet sent")
        tui.until("not yet sent")
        server.send_signal(signal.SIGKILL)
        tui.until(lambda screen: "was lost before all was said" in screen.words)
        tui.until("is lost, trying again")
        tui.until(" count\n")
        assert any(row.strip() and set(row) <= set("0123456789 ") for row in tui.screen.rows)
        assert "not yet sent" in tui.screen.text

        with serving(url):
            tui.until(lambda screen: "is lost" not in screen.text)
            tui.press("\r")
            tui.until(lambda screen: "17 18 19" in screen.text.rpartition("not yet sent")[2])
            tui.press("\x1b")
            tui.until("stopped")
            tui.press("\x11")
            assert tui.end() == 0
            assert tui.screen.is_sane

    first, second = answers(home)
    assert (COUNT.startswith(first[0]), first[1]) == (True, "failed")
    assert "17 18 19" in first[0]
    assert (COUNT.startswith(second[0]), second[1]) == (True, "stopped")
    assert drafts(home) == []


def test_a_server_that_comes_later_is_waited_for(url: str) -> None:
    with ShownTui("--connect", url) as tui:
        tui.until("is lost, trying again")
        assert "poly serve has to run there" in tui.screen.words

        with serving(url):
            tui.until("ready")
            tui.say("count")
            tui.until("17 18 19")
            tui.press("\x1b")
            tui.until("stopped")
