import asyncio
import json

import aiohttp
from aiohttp.test_utils import TestServer

from poly_tui.web import WebServer


async def test_a_page_shows_the_terminal_interface_and_only_who_knows_its_address_gets_it() -> None:
    server = WebServer(["tui", "--no-log"], 0, token="secret")
    async with TestServer(await server.make_app()) as running, aiohttp.ClientSession() as browser:
        for path in ("/", "/ws", "/static/js/textual.js", "/other/"):
            async with browser.get(running.make_url(path)) as refused:
                assert refused.status == 404, path
        async with browser.get(running.make_url("/secret/")) as page:
            assert page.status == 200
            assert page.headers["Referrer-Policy"] == "no-referrer"
            assert "/secret/ws" in await page.text()
        async with browser.ws_connect(running.make_url("/secret/ws?width=80&height=24")) as line:
            painted = ""
            while "sk something" not in painted:
                message = await asyncio.wait_for(line.receive(), 60)
                painted += message.data.decode(errors="replace") if isinstance(message.data, bytes) else ""
            await line.send_str(json.dumps(["stdin", "\x11"]))
            async for _ in line:
                pass


def test_each_server_has_an_address_of_its_own() -> None:
    assert WebServer([], 8000).url != WebServer([], 8000).url
    assert WebServer([], 8000).url.startswith("http://127.0.0.1:8000/")
