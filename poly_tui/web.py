"""The terminal interface in a browser of this machine: each page gets a `poly tui` of its own."""

import secrets
import shlex
import sys
from collections.abc import Sequence

from aiohttp import web
from textual_serve.server import Server

__all__ = ["HOST", "serve"]

HOST = "127.0.0.1"
HEADERS = {
    # The page names fonts of Google's: without this its address, which is a key, would be told there
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:; connect-src 'self' ws:",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class WebServer(Server):
    """Serves what is under a path that nobody can guess; everything else does not exist."""

    def __init__(self, arguments: Sequence[str], port: int, token: str | None = None) -> None:
        """`arguments` are those of `poly` in each page."""
        command = shlex.join([sys.executable, "-m", "poly_tui", *arguments])
        super().__init__(command, host=HOST, port=port, title="Poly")
        self.token = token or secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    async def make_app(self) -> web.Application:
        """The application, with all of its routes below the token."""
        app = web.Application()
        app.on_response_prepare.append(_protect)
        below = await self._make_app()
        below.on_response_prepare.append(_protect)
        app.add_subapp(f"/{self.token}", below)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Print no banner: whoever started it has said where it is."""
        del app


async def _protect(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def serve(arguments: Sequence[str], port: int) -> None:
    """Serve until Ctrl-C, and print the address. Raises OSError where the port is taken."""
    server = WebServer(arguments, port)

    def tell(*_: object) -> None:
        print(server.url, flush=True)  # noqa: T201 - the address is what the command is about

    web.run_app(server.make_app(), host=HOST, port=port, print=tell)
