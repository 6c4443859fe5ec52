"""How long a server waits for those that it serves."""

from dataclasses import dataclass

from aiohttp import web

__all__ = ["DEADLINES", "Deadlines"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long is waited for a client before it is cut off, in seconds.

    Of a body or an answer, however large, `least_bytes_per_s` have to be on the way beside that: who sends or reads a
    byte now and then holds nothing up for ever, and a large upload over a slow line is let through.
    """

    next_request_s: float = 15.0
    """From the last answer, or from the beginning, to the end of the headers of the next request."""
    body_s: float = 30.0
    """For the next bytes of a body."""
    reading_s: float = 30.0
    """For whoever is written to, to make room by reading."""
    least_bytes_per_s: int = 8 << 10


DEADLINES = web.AppKey("deadlines", Deadlines)
