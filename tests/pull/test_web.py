"""Where a download goes: never with somebody's secret to somebody else, nor into a network that it was not sent to."""

import base64
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from poly_engine.errors import PullFailed
from poly_engine.models.web import Web
from tests.pull.certificates import certified
from tests.pull.file_server import Answer, FileServer, file_server

PRIVATE = [
    "http://127.0.0.1:{port}/m.gguf",
    "http://localhost:{port}/m.gguf",
    "http://LOCALHOST:{port}/m.gguf",
    "http://127.1:{port}/m.gguf",
    "http://0177.0.0.1:{port}/m.gguf",
    "http://0x7f.1:{port}/m.gguf",
    "http://2130706433:{port}/m.gguf",
    "http://0:{port}/m.gguf",
    "http://0.0.0.0:{port}/m.gguf",
    "http://[::1]:{port}/m.gguf",
    "http://[::]:{port}/m.gguf",
    "http://[::ffff:127.0.0.1]:{port}/m.gguf",
    "http://[::ffff:7f00:1]:{port}/m.gguf",
    "http://[64:ff9b::127.0.0.1]:{port}/m.gguf",
    "http://[2002:7f00:1::]:{port}/m.gguf",
    "http://[fe80::1]:{port}/m.gguf",
    "http://[fc00::1]:{port}/m.gguf",
    "http://[ff02::1]:{port}/m.gguf",
    "http://user@127.0.0.1:{port}/m.gguf",
    "http://example.com@127.0.0.1:{port}/m.gguf",
    "http://127.0.0.1:{port}#@example.com/m.gguf",
    "http://127.0.0.1:{port}?@example.com/m.gguf",
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1/m.gguf",
    "http://172.16.0.1/m.gguf",
    "http://192.168.1.1/m.gguf",
    "http://100.64.0.1/m.gguf",
    "http://192.0.0.192/m.gguf",
    "http://198.18.0.1/m.gguf",
    "http://224.0.0.1/m.gguf",
    "http://240.0.0.1/m.gguf",
    "http://255.255.255.255/m.gguf",
    "https://127.0.0.1:{port}/m.gguf",
    "https://localhost:{port}/m.gguf",
]
SCHEMES = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/m",
    "data:,x",
    "//127.0.0.1:{port}/",
]


@pytest.fixture
async def other() -> AsyncIterator[FileServer]:
    async with file_server() as running:
        yield running


def port_of(server: FileServer) -> int:
    return httpx.URL(server.url).port or 0


async def get(out: Web, url: str, authorization: str | None = None) -> int:
    async with out.get(url, {}, authorization) as response:
        await response.aread()
        return response.status_code


def redirect(location: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    return answer


@pytest.mark.parametrize("url", PRIVATE)
async def test_what_somebody_else_names_reaches_nothing_private(url: str, server: FileServer) -> None:
    server.put("/m.gguf", b"secret")

    async with Web(is_named_by_user=False) as out:
        with pytest.raises(PullFailed, match=r"no public address|cannot be understood"):
            await get(out, url.format(port=port_of(server)))

    assert server.asked == []


@pytest.mark.parametrize("url", PRIVATE[:2])
async def test_the_user_may_name_this_machine(url: str, server: FileServer) -> None:
    server.put("/m.gguf", b"theirs")

    async with Web() as out:
        assert await get(out, url.format(port=port_of(server))) == 200


async def test_a_public_host_cannot_redirect_into_a_private_network(server: FileServer, other: FileServer) -> None:
    inside = other.put("/m.gguf", b"secret").replace("127.0.0.1", "inside.test")
    server.answers = [redirect(inside)]

    async def look_up(host: str, _: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "outside.test" else ["127.0.0.2"]

    async with Web(look_up=look_up, is_public=lambda address: address == "127.0.0.1") as out:
        with pytest.raises(PullFailed, match="no public address"):
            await get(out, server.url.replace("127.0.0.1", "outside.test"))

    assert other.asked == []


async def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(server: FileServer) -> None:
    """A name that is public when it is checked and private when it is used gains nothing."""
    server.put("/m.gguf", b"here")
    asked = []

    async def look_up(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    url = f"{server.url}/m.gguf".replace("127.0.0.1", "flipping.test")
    async with Web(is_named_by_user=False, look_up=look_up, is_public=lambda address: address == "127.0.0.1") as out:
        assert await get(out, url) == 200

    assert asked == ["flipping.test"]
    assert server.asked[0].headers["Host"] == f"flipping.test:{port_of(server)}"


async def test_a_secret_stays_with_the_host_that_was_named(server: FileServer, other: FileServer) -> None:
    server.answers = [redirect("/again"), redirect(other.put("/m.gguf", b"there"))]

    async with Web() as out:
        assert await get(out, f"{server.url}/m.gguf", "Bearer hf_secret") == 200

    assert [asked.headers.get("Authorization") for asked in server.asked] == ["Bearer hf_secret"] * 2
    assert [asked.headers.get("Authorization") for asked in other.asked] == [None]


async def test_a_name_and_password_in_a_url_stay_with_its_host(server: FileServer, other: FileServer) -> None:
    there = other.put("/m.gguf", b"there").replace("://", "://someone:else@")
    server.answers = [redirect(there)]

    async with Web() as out:
        await get(out, server.url.replace("://", "://ann:pass@"))

    said = base64.b64encode(b"ann:pass").decode()
    assert server.asked[0].headers["Authorization"] == f"Basic {said}"
    assert "Authorization" not in other.asked[0].headers


async def test_a_cookie_goes_to_nobody(server: FileServer, other: FileServer) -> None:
    async def with_cookie(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": other.put("/m", b"x"), "Set-Cookie": "session=secret"})

    server.answers = [with_cookie]
    async with Web() as out:
        await get(out, server.url)

    assert "Cookie" not in other.asked[0].headers


@pytest.mark.parametrize("location", SCHEMES[:4])
async def test_only_the_web_is_redirected_to(location: str, server: FileServer) -> None:
    server.answers = [redirect(location.format(port=port_of(server)))]

    async with Web() as out:
        with pytest.raises(PullFailed, match="redirects to"):
            await get(out, server.url)

    assert len(server.asked) == 1


async def test_redirects_come_to_an_end(server: FileServer) -> None:
    server.answers = [redirect("/on")] * 20

    async with Web() as out:
        with pytest.raises(PullFailed, match="more than 5 times"):
            await get(out, server.url)

    assert len(server.asked) == 6


async def test_of_several_addresses_the_first_that_answers_is_taken(server: FileServer) -> None:
    server.put("/m.gguf", b"here")

    async def look_up(_host: str, _port: int) -> Sequence[str]:
        return ["::1", "127.0.0.1"]

    async with Web(look_up=look_up) as out:
        assert await get(out, f"{server.url}/m.gguf") == 200


async def test_a_proxy_of_the_environment_is_asked(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.put("/m.gguf", b"by way of")
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")

    async with Web(is_named_by_user=False) as out:
        assert await get(out, "http://models.test/m.gguf") == 200

    assert server.asked[0].headers["Host"] == "models.test"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://127.0.0.1:9"])
async def test_a_proxy_that_cannot_be_used_is_told_of(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")

    async with Web() as out:
        with pytest.raises(PullFailed, match="the proxy that the environment sets cannot be used"):
            await get(out, "http://models.test/m.gguf")


async def at_home(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_over_tls_the_host_that_was_named_has_to_prove_that_it_is_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its address is what is connected to."""
    tls, authority = certified("models.test", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with file_server(tls) as server, Web(look_up=at_home) as out:
        server.put("/m.gguf", b"here")
        url = f"{server.url}/m.gguf"

        assert await get(out, url.replace("127.0.0.1", "models.test")) == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await get(out, url.replace("127.0.0.1", "other.test"))

    assert server.asked[0].headers["Host"].startswith("models.test:")
    assert len(server.asked) == 1


async def test_nothing_leads_from_https_to_http(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, authority = certified("models.test", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with file_server(tls) as secure, Web(look_up=at_home) as out:
        secure.answers = [redirect(server.put("/m.gguf", b"plain"))]

        with pytest.raises(PullFailed, match="which is not secure"):
            await get(out, secure.url.replace("127.0.0.1", "models.test"))

    assert server.asked == []
