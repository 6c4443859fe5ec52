"""What the server can do: for programs, and for people."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from aiohttp import web

from poly_serve.replies import in_plain_text, json_reply
from poly_serve.routing import Anyone, Route

__all__ = ["DESCRIPTION", "ROUTES"]

DESCRIPTION = web.AppKey("description", Mapping[str, Any])  # Any: as JSON


async def openapi(request: web.Request) -> web.Response:
    """What the server can do, as OpenAPI 3.1."""
    return json_reply(request.app[DESCRIPTION])


async def docs(request: web.Request) -> web.Response:
    """What the server can do, as a page."""
    rows = "\n".join(_rows(request.app[DESCRIPTION]["paths"]))
    page = (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Poly: routes</title>'
        '<link rel="stylesheet" href="web/style.css">\n<h1>Routes</h1>\n<table>\n'
        f'{rows}\n</table>\n<p>For programs: <a href="openapi.json">openapi.json</a></p></html>\n'
    )
    return web.Response(text=page, content_type="text/html", charset="utf-8")


def _rows(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            words = escape(operation["summary"])
            yield f"<tr><th>{method.upper()}</th><td><code>{escape(path)}</code></td><td>{words}</td></tr>"


ROUTES = (
    Route("GET", "/openapi.json", openapi, Anyone(), in_plain_text),
    Route("GET", "/docs", docs, Anyone(), in_plain_text),
)
