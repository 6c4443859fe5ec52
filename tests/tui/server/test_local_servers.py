"""A real `poly serve`, started as the terminal interface starts it."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from click.testing import CliRunner

from poly_engine.errors import EngineFailed, Forbidden, RequestCancelled
from poly_engine.types import Overrides, Token
from poly_serve.client import RemoteEngine
from poly_serve.client.watch import ServerWatch
from poly_serve.reports import SoFar
from poly_tui.cli import poly
from poly_tui.serving.local import LocalDaemon, LocalServers
from tests.gguf_models import make_scripted
from tests.serve.waiting import until

PATIENCE_S = 60


class Place:
    """A folder with a configuration, and what is started there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "poly.toml"

    def write(self, more: str, address: str = "127.0.0.1:0") -> LocalServers:
        make_scripted(self.folder / "m.gguf", "la " * 1300, context_length=1 << 15)
        self.config.write_text(
            f'bind_address = "{address}"\n{more}\n'
            f'[models.m]\nmodel_path = "{self.folder / "m.gguf"}"\nthreads = 1\ncontext_size = 32768\n'
            '[tasks.t]\nmodel = "m"\ntemplate = "none"\ntemperature = 0\nrepeat_penalty = 1.0\n'
        )
        return LocalServers(lambda: self.config, self.state)


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("POLY_API_KEY", "a key for another server")
    place = Place(tmp_path)
    yield place
    left = LocalDaemon.of_note(place.state)
    if left is not None:
        with suppress(ProcessLookupError):
            os.kill(pid_of(left), signal.SIGKILL)


def pid_of(daemon: LocalDaemon) -> int:
    return daemon._note.pid


async def serving(daemon: LocalDaemon) -> tuple[str, list[str]]:
    """Where it serves, when it does, and what it has said."""
    said: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while daemon.url is None:
            said += await asyncio.to_thread(daemon.read_log)
            assert daemon.is_alive(), said
    return daemon.url, said


async def gone(daemon: LocalDaemon) -> list[str]:
    """Wait until its process has ended; what it said."""
    async with asyncio.timeout(PATIENCE_S):
        while daemon.is_alive():
            await asyncio.to_thread(os.sched_yield)
    return list(daemon.read_log())


async def test_it_is_started_watched_and_stopped(place: Place) -> None:
    servers = place.write("")
    daemon = await asyncio.to_thread(servers.start)
    url, _ = await serving(daemon)
    assert daemon.key is None
    watch = ServerWatch(url)
    async with RemoteEngine(url) as engine, engine.session("t") as session:
        with pytest.raises(RequestCancelled):
            async with session.send("la", Overrides(ignore_eos=True)) as events:
                async for event in events:
                    if isinstance(event, Token):
                        break
                (request,) = await watch.requests()
                assert (request.task, request.state) == ("t", "writing")
                async with watch.watch(request.number) as seen:
                    so_far = await anext(seen)
                    assert isinstance(so_far, SoFar)
                    written = so_far.written[0].text
                    while "la la" not in written:
                        more = await anext(seen)
                        assert isinstance(more, Token)
                        written += more.text
                    await watch.cancel(request.number)
                async for _ in events:
                    pass
    server, tasks = await watch.report()
    assert server.n_tokens > 0
    assert not tasks  # no turn of it came to its end
    daemon.stop()
    said = await gone(daemon)
    assert any("draining" in line for line in said)
    await watch.close()


async def test_who_starts_it_gets_in_by_a_key_that_nobody_else_sees(place: Place) -> None:
    servers = place.write('public = true\nallowed_keys = ["another"]')
    daemon = await asyncio.to_thread(servers.start)
    url, _ = await serving(daemon)
    assert daemon.key is not None
    stranger, owner = ServerWatch(url), ServerWatch(url, daemon.key)
    with pytest.raises(Forbidden):
        await stranger.requests()
    assert await owner.requests() == []
    process = psutil.Process(pid_of(daemon))
    seen = [*process.cmdline(), *process.environ().values(), daemon.log_path.read_text()]
    assert not any(daemon.key in text for text in seen)
    assert "a key for another server" not in seen
    assert ((place.state / "serve.json").stat().st_mode & 0o777) == 0o600
    daemon.stop()
    await gone(daemon)
    await stranger.close()
    await owner.close()


async def test_one_that_was_left_running_is_found_again_with_its_key_and_stopped(place: Place) -> None:
    servers = place.write('allowed_keys = ["another"]')
    begun = await asyncio.to_thread(servers.start)
    url, _ = await serving(begun)
    begun.leave()
    found = LocalServers(lambda: None, place.state).left_running()
    assert found is not None
    assert (found.url, found.key) == (url, begun.key)
    with pytest.raises(EngineFailed, match="runs already"):
        await asyncio.to_thread(servers.start)
    assert any("serving at" in line for line in found.read_log())
    found.reload()
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/healthz")).status_code == 200
    found.stop()
    with suppress(ChildProcessError):
        await asyncio.to_thread(os.waitpid, pid_of(found), 0)  # it is a child of this test all the same
    await until(lambda: not found.is_alive())
    assert servers.left_running() is None


async def test_an_address_that_is_taken_is_said_in_its_last_words(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        servers = place.write("", f"127.0.0.1:{taken.getsockname()[1]}")
        daemon = await asyncio.to_thread(servers.start)
        said = await gone(daemon)
    assert "address already in use" in said[-1]
    assert daemon.url is None
    assert servers.left_running() is None


def test_an_extra_key_is_taken_only_as_its_hash(place: Place) -> None:
    del place
    result = CliRunner().invoke(poly, ["serve", "--extra-key", "secret"], prog_name="poly")
    assert result.exit_code == 2
    assert "takes the hash that poly key new tells" in result.output


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    servers = LocalServers(lambda: None, tmp_path / "state")
    with pytest.raises(EngineFailed, match=r"the state folder .* cannot be written"):
        servers.start()
    assert servers.left_running() is None
