"""The fences of a text."""

from poly_tui.transcript.inline import parser

__all__ = ["fences"]


def fences(text: str) -> list[str]:
    """Return the code of all fences, in order, as it was written."""
    return [token.content for token in parser().parse(text) if token.type == "fence"]
