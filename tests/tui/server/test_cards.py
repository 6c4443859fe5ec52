from poly_engine.config import Config, JwtKey
from poly_serve.access import key_digest
from poly_tui.screens.server.cards import LeaveCard, SecretCard, TokenCard
from poly_tui.serving.link import Phase
from tests.tui.server.fake_servers import URL, FakeDaemon, FakeServers
from tests.tui.server.steps import open_server
from tests.tui.steps import wait_until


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
