import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input

from poly_engine.config import Config, JwtKey
from poly_engine.errors import EngineFailed, EngineUnreachable, Forbidden, RequestCancelled
from poly_engine.types import Done, Timings, Token, Usage
from poly_serve.access import key_digest
from poly_tui.app import PolyApp
from poly_tui.backend import Backend
from poly_tui.screens.server.cards import LeaveCard, SecretCard, TokenCard
from poly_tui.screens.server.screen import ServerScreen
from poly_tui.serving.link import Phase
from tests.fake_engine import FakeEngine
from tests.tui.looks import assert_looks
from tests.tui.server.fake_servers import URL, FakeDaemon, FakeServers, request
from tests.tui.steps import SIZES, screen_rows, wait_until

S = TypeVar("S", bound=ModalScreen[Any])


def logged(message: str, level: str = "info", **more: object) -> str:
    return json.dumps({"time": "2026-05-04T14:02:11.123Z", "level": level, "message": message, **more})


REQUEST_LINE = logged("x", method="GET", path="/v1/task/legal/live", status=200, ms=2100.5, subject="key:ci-bot")


class Ticks:
    """The time between two polls, which passes when the test says so."""

    def __init__(self) -> None:
        self.n_waiting = 0
        self.n_begun = 0
        self._passed = asyncio.Event()

    async def pause(self, _: float) -> None:
        self.n_waiting += 1
        self.n_begun += 1
        try:
            await self._passed.wait()
        finally:
            self.n_waiting -= 1

    def tick(self) -> None:
        self._passed.set()
        self._passed = asyncio.Event()


@dataclass
class Shown:
    """The section, over servers that are not there."""

    pilot: Pilot[None]
    screen: ServerScreen
    servers: FakeServers
    ticks: Ticks

    async def poll(self) -> None:
        """Have the screen ask once, and paint what it hears."""
        await wait_until(self.pilot, lambda: self.ticks.n_waiting == 1)
        n_before = self.ticks.n_begun
        self.ticks.tick()
        await wait_until(self.pilot, lambda: self.ticks.n_begun > n_before)

    async def until(self, phase: Phase) -> None:
        for _ in range(5):
            await self.poll()
            if self.screen.link.phase is phase:
                return
        raise AssertionError(f"it is {self.screen.link.phase}, and not {phase}")

    async def looks(self, name: str) -> None:
        """Compare what is painted, once nothing changes any more, with what was kept for this size."""
        before: list[str] = []
        while before[-3:] != [self.text] * 3:
            before.append(self.text)
            await self.pilot.pause()
        width, height = self.pilot.app.size
        assert_looks(self.pilot, f"server/{name}-{width}x{height}")

    async def sees(self, *words: str) -> None:
        """Wait until words are on the screen."""
        await wait_until(self.pilot, lambda: all(word in self.text for word in words))

    async def is_told(self, words: str) -> None:
        """Wait until there is a notification with words in it."""
        await wait_until(self.pilot, lambda: any(words in one.message for one in self.pilot.app._notifications))

    @property
    def text(self) -> str:
        return "\n".join(screen_rows(self.pilot))

    async def card(self, kind: type[S]) -> S:
        await wait_until(self.pilot, lambda: isinstance(self.pilot.app.screen, kind))
        found = self.pilot.app.screen
        assert isinstance(found, kind)
        return found


@asynccontextmanager
async def open_server(
    servers: FakeServers, size: tuple[int, int] = (80, 24), *, url: str | None = None
) -> AsyncIterator[Shown]:
    """The section in the application. Its clock counts polls."""
    clock = itertools.count()
    backend = Backend.of(FakeEngine(), url=url)
    app = PolyApp(backend)
    await app.remove_mode("server")
    ticks = Ticks()
    app.add_mode("server", lambda: ServerScreen(backend, servers, pause=ticks.pause, clock=lambda: float(next(clock))))
    async with app.run_test(size=size) as pilot:
        await app.action_go("server")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, ServerScreen)
        yield Shown(pilot, screen, servers, ticks)


@pytest.mark.parametrize("size", SIZES)
async def test_without_a_server_it_says_what_can_be_done(size: tuple[int, int]) -> None:
    async with open_server(FakeServers(), size) as shown:
        await shown.until(Phase.NONE)
        await shown.looks("none")


@pytest.mark.parametrize("size", SIZES)
async def test_a_running_server_shows_its_tasks_and_requests(size: tuple[int, int]) -> None:
    async with open_server(FakeServers(), size, url=URL) as shown:
        await shown.until(Phase.RUNNING)
        await shown.looks("running")


@pytest.mark.parametrize("size", SIZES)
async def test_one_that_was_started_here_shows_its_log(size: tuple[int, int]) -> None:
    left = FakeDaemon("poly: serving at http://127.0.0.1:3000", REQUEST_LINE, logged("slow", "warning"), url=URL)
    async with open_server(FakeServers(left=left), size) as shown:
        await shown.until(Phase.RUNNING)
        await shown.looks("log")


@pytest.mark.parametrize("size", SIZES)
async def test_the_stream_of_a_request_is_watched(size: tuple[int, int]) -> None:
    async with open_server(FakeServers(), size, url=URL) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("enter")
        await wait_until(shown.pilot, lambda: 1284 in shown.servers.seen.streams)
        shown.servers.seen.streams[1284].put_nowait(Token(" cases:\x1b[31m 1. [b]non-payment[/b]", 1))
        await shown.sees("␛[31m", "[b]non-payment")
        await shown.looks("watching")


@pytest.mark.parametrize("size", SIZES)
async def test_one_that_dies_early_shows_its_last_words(size: tuple[int, int]) -> None:
    servers = FakeServers()
    words = "poly: error while attempting to bind on address ('127.0.0.1', 3000): address already in use"
    servers.next = FakeDaemon(words)
    servers.next.is_running = False
    async with open_server(servers, size) as shown:
        await shown.until(Phase.NONE)
        await shown.pilot.press("s")
        await shown.until(Phase.DIED)
        await shown.looks("died")


async def test_a_server_is_started_runs_drains_and_stops() -> None:
    servers = FakeServers()
    servers.next = daemon = FakeDaemon("loading", key="secret")
    async with open_server(servers) as shown:
        await shown.until(Phase.NONE)
        await shown.pilot.press("s")
        await shown.until(Phase.STARTING)
        daemon.url = URL
        await shown.until(Phase.RUNNING)
        assert servers.watches[-1] == (URL, "secret")
        await shown.pilot.press("s")
        assert daemon.n_stopped == 1
        await shown.until(Phase.STOPPING)
        await shown.sees("stopping")
        await shown.pilot.press("s")
        assert daemon.n_stopped == 2
        daemon.is_running = False
        await shown.until(Phase.STOPPED)
        await shown.sees("The server has stopped.")
        await shown.pilot.press("s")
        assert servers.n_started == 2


async def test_only_one_is_started_however_often_it_is_asked_for() -> None:
    servers = FakeServers()
    async with open_server(servers) as shown:
        await shown.until(Phase.NONE)
        for _ in range(3):
            shown.screen.action_start_or_stop()
        await shown.until(Phase.STARTING)
        assert servers.n_started == 1


async def test_one_that_cannot_be_started_says_why() -> None:
    servers = FakeServers()
    servers.next = EngineFailed("the state folder /state cannot be written: Permission denied")
    async with open_server(servers) as shown:
        await shown.until(Phase.NONE)
        await shown.pilot.press("s")
        await shown.is_told("cannot be written")
        assert shown.screen.link.phase is Phase.NONE


async def test_a_server_that_ends_by_itself_is_noticed_and_its_log_stays() -> None:
    left = FakeDaemon(logged("all is well"), url=URL)
    async with open_server(FakeServers(left=left)) as shown:
        await shown.until(Phase.RUNNING)
        left.lines, left.is_running = [logged("a bug", "error", traceback="Traceback:\n  line 1")], False
        await shown.until(Phase.DIED)
        await shown.sees("ended by itself", "a bug", "line 1", "all is well")


async def test_a_server_that_answers_where_the_configuration_says_is_offered() -> None:
    servers = FakeServers(answers=True)
    async with open_server(servers) as shown:
        await shown.until(Phase.FOUND)
        await shown.sees("A server answers there", "http://127.0.0.1:3000")
        await shown.pilot.press("enter")
        await shown.until(Phase.RUNNING)
        assert not shown.screen.link.is_ours


async def test_where_the_address_was_taken_one_can_look_who_answers_there() -> None:
    servers = FakeServers()
    servers.next = FakeDaemon("poly: address already in use")
    servers.next.is_running = False
    async with open_server(servers) as shown:
        await shown.until(Phase.NONE)
        await shown.pilot.press("s")
        await shown.until(Phase.DIED)
        servers.seen.answers = True
        await shown.pilot.press("enter")
        await shown.until(Phase.FOUND)
        await shown.sees("A server answers there")


async def test_a_lost_server_says_so_and_heals() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        await shown.until(Phase.RUNNING)
        shown.servers.seen.failure = EngineUnreachable("the server at x cannot be reached: connection refused")
        await shown.until(Phase.LOST)
        await shown.sees("✗", "lost", "connection refused", "legal")
        shown.servers.seen.failure = None
        await shown.until(Phase.RUNNING)
        assert "connection refused" not in shown.text


async def test_a_server_that_wants_a_key_is_given_one() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        shown.servers.seen.failure = Forbidden("the token is for some things only, and this tells of all")
        await shown.until(Phase.REFUSED)
        await shown.sees("for some things only", "give a key")
        await shown.pilot.press("a")
        await wait_until(shown.pilot, lambda: bool(shown.pilot.app.screen.query(Input)))
        await shown.pilot.press(*"abc")
        assert "abc" not in shown.text
        shown.servers.seen.failure = None
        await shown.pilot.press("enter")
        await shown.until(Phase.RUNNING)
        assert shown.servers.watches[-1] == (URL, "abc")


async def test_nothing_is_asked_while_another_section_is_shown() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("f2")
        await shown.pilot.pause()
        n_asked = shown.servers.seen.n_asked
        assert shown.ticks.n_waiting == 0
        await shown.pilot.press("f8")
        await wait_until(shown.pilot, lambda: shown.servers.seen.n_asked > n_asked)


async def test_the_highlight_stays_with_its_request_and_x_cancels_that_one() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("down")
        shown.servers.seen.requests_now = [request(1285), request(1286), request(1290)]
        await shown.poll()
        await shown.sees("#1290")
        await shown.pilot.press("x")
        await wait_until(shown.pilot, lambda: shown.servers.seen.cancelled == [1285])
        await shown.is_told("request 1285 is cancelled")


async def test_a_watched_stream_tells_how_it_ended_and_esc_leaves_it() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("enter")
        await wait_until(shown.pilot, lambda: 1284 in shown.servers.seen.streams)
        usage = Usage(10, 0, 7, 17, 4096)
        shown.servers.seen.streams[1284].put_nowait(Done("stop", usage, Timings(0, 0.1, 0.2)))
        await shown.sees("ended: stop, 7 tokens")
        shown.servers.seen.streams[1284].put_nowait(RequestCancelled("request 1284 was cancelled"))
        await shown.sees("request 1284 was cancelled")
        await shown.pilot.press("escape")
        assert not shown.screen.has_class("-watching")
        await wait_until(shown.pilot, lambda: not shown.servers.seen.streams)


async def test_the_watched_request_is_the_one_that_x_cancels() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("down", "enter")
        await wait_until(shown.pilot, lambda: 1285 in shown.servers.seen.streams)
        await shown.pilot.press("x")
        await wait_until(shown.pilot, lambda: shown.servers.seen.cancelled == [1285])


async def test_the_log_is_filtered_by_level_and_by_words() -> None:
    left = FakeDaemon(logged("about cats"), logged("about dogs"), logged("no room", "warning"), url=URL)
    async with open_server(FakeServers(left=left)) as shown:
        await shown.until(Phase.RUNNING)
        await shown.sees("about cats", "about dogs", "no room")
        await shown.pilot.press("l")
        await shown.sees("warning and graver")
        await wait_until(shown.pilot, lambda: "about cats" not in shown.text)
        assert "no room" in shown.text
        await shown.pilot.press("l", "l", "slash", *"dogs", "enter")
        await wait_until(shown.pilot, lambda: "about dogs" in shown.text and "about cats" not in shown.text)
        left.lines = [logged("more dogs"), logged("more cats")]
        await shown.poll()
        await shown.sees("more dogs")
        assert "more cats" not in shown.text
        await shown.pilot.press("escape")
        await shown.sees("more cats")


async def test_a_key_is_shown_once_with_the_line_that_accepts_it_and_is_copied() -> None:
    async with open_server(FakeServers()) as shown:
        await shown.until(Phase.NONE)
        await shown.pilot.press("k")
        await shown.card(SecretCard)
        await shown.sees("poly_", "allowed_keys =", '["sha256:')
        await shown.pilot.press("c")
        copied = shown.pilot.app.clipboard
        assert copied.startswith("poly_")
        assert copied in shown.text
        await shown.pilot.press("l")
        assert shown.pilot.app.clipboard == f'allowed_keys = ["{key_digest(copied)}"]'
        await shown.pilot.press("escape")
        await wait_until(shown.pilot, lambda: shown.pilot.app.screen is shown.screen)
        assert copied not in shown.text


async def test_a_token_is_made_for_some_tasks() -> None:
    import jwt

    servers = FakeServers()
    secret = "s" * 40
    servers.config = Config.model_validate(
        {
            "jwt_private_key": {"symmetric": secret},
            "models": {"m": {"model_path": "m.gguf"}},
            "tasks": {"legal": {"model": "m"}},
        }
    )
    assert isinstance(servers.config.jwt_private_key, JwtKey)
    async with open_server(servers) as shown:
        await shown.until(Phase.NONE)
        await shown.pilot.press("t")
        await shown.card(TokenCard)
        await shown.pilot.press(*"leg", "enter")
        await shown.sees("there is no task leg")
        await shown.pilot.press(*"al", "enter")
        await shown.card(SecretCard)
        await shown.pilot.press("c")
        claims = jwt.decode(shown.pilot.app.clipboard, secret, algorithms=["HS256"])
        assert (claims["sub"], claims["tasks"]) == ("user", ["legal"])


async def test_without_a_key_to_sign_with_it_is_said_how_to_have_one() -> None:
    async with open_server(FakeServers()) as shown:
        await shown.until(Phase.NONE)
        await shown.pilot.press("t")
        await shown.is_told("jwt_private_key")


async def test_a_curl_command_for_the_task_of_a_request_is_copied() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("o")
        copied = shown.pilot.app.clipboard
        assert f"{URL}/v1/chat/completions" in copied
        assert '"model": "legal"' in copied
        assert "$POLY_API_KEY" in copied
        await shown.pilot.press("u")
        assert shown.pilot.app.clipboard == URL


async def test_quitting_asks_what_becomes_of_a_server_that_was_started_here() -> None:
    left = FakeDaemon(url=URL)
    async with open_server(FakeServers(left=left)) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("ctrl+q")
        await shown.card(LeaveCard)
        await shown.pilot.press("escape")
        await wait_until(shown.pilot, lambda: shown.pilot.app.screen is shown.screen)
        await shown.pilot.press("ctrl+q")
        await shown.card(LeaveCard)
        await shown.pilot.press("k")
        await wait_until(shown.pilot, lambda: shown.pilot.app._exit)
    assert left.is_left
    assert not left.n_stopped


async def test_it_can_be_stopped_while_quitting() -> None:
    left = FakeDaemon(url=URL)
    async with open_server(FakeServers(left=left)) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("f2", "ctrl+q")
        await shown.card(LeaveCard)
        await shown.pilot.press("s")
        await wait_until(shown.pilot, lambda: shown.pilot.app._exit)
    assert left.n_stopped == 1


async def test_a_server_of_somebody_else_is_left_without_a_question() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        await shown.until(Phase.RUNNING)
        await shown.pilot.press("ctrl+q")
        await wait_until(shown.pilot, lambda: shown.pilot.app._exit)


async def test_names_that_strangers_send_do_not_reach_the_terminal_raw() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        shown.servers.seen.requests_now = [request(7, subject="[red]\x1b[2Jmallory", task="legal\n\x07x")]
        await shown.until(Phase.RUNNING)
        await shown.sees("[red]␛[2Jmallory", "legal ␇x")
        assert "\x1b" not in shown.text
