"""The page of the server, to try things in a browser."""

from importlib import resources

from aiohttp import web

from poly_serve.replies import in_plain_text
from poly_serve.routing import Anyone, Route

__all__ = ["ROUTES"]

_FILES = {"style.css": "text/css", "client.js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing comes from elsewhere, and no other page shows this one."""


async def page(_: web.Request) -> web.Response:
    """A page to try tasks, memories and models."""
    return _file("index.html", "text/html")


async def part(request: web.Request) -> web.Response:
    """What the page is made of."""
    name = request.match_info["name"]
    if name not in _FILES:
        return web.Response(text=f"there is no {name}", status=404)
    return _file(name, _FILES[name])


def _file(name: str, content_type: str) -> web.Response:
    text = resources.files("poly_serve").joinpath("web", name).read_text("utf-8")
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return web.Response(text=text, content_type=content_type, charset="utf-8", headers=headers)


ROUTES = (
    Route("GET", "/", page, Anyone(), in_plain_text),
    Route("GET", "/web/{name}", part, Anyone(), in_plain_text),
)
