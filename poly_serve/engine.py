"""Where handlers find the engine."""

from aiohttp import web

from poly_engine import Engine

__all__ = ["ENGINE"]

ENGINE = web.AppKey("engine", Engine)
