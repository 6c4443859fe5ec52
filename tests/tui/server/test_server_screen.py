import pytest
from textual.widgets import Input

from poly_engine.errors import EngineFailed, EngineUnreachable, Forbidden, RequestCancelled
from poly_engine.types import Done, Timings, Token, Usage
from poly_tui.serving.link import Phase
from tests.tui.server.fake_servers import URL, FakeDaemon, FakeServers, request
from tests.tui.server.steps import REQUEST_LINE, logged, open_server
from tests.tui.steps import SIZES, wait_until


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


async def test_names_that_strangers_send_do_not_reach_the_terminal_raw() -> None:
    async with open_server(FakeServers(), url=URL) as shown:
        shown.servers.seen.requests_now = [request(7, subject="[red]\x1b[2Jmallory", task="legal\n\x07x")]
        await shown.until(Phase.RUNNING)
        await shown.sees("[red]␛[2Jmallory", "legal ␇x")
        assert "\x1b" not in shown.text
