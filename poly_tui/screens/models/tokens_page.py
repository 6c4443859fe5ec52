"""The tokens of a text, as a model reads it."""

from collections.abc import Iterable, Sequence

from textual.content import Content

from poly_engine.interface import Engine
from poly_engine.types import TokenPiece
from poly_tui.screens.models.writing_page import WritingPage
from poly_tui.transcript.clean import clean

__all__ = ["TokensPage", "tokens_shown"]

MOST_SHOWN = 1000
_NEWLINE, _TAB = "↵", "⇥"
_BEGIN, _BORDER, _END = "\u2039", "\u2502", "\u203a"
_STYLES = ("", "$text-accent")


class TokensPage(WritingPage):
    """Shows tokens while one writes: where they begin and end, their ids, and how many they are."""

    def __init__(self) -> None:
        super().__init__("tokens", "Write something, and see its tokens")

    async def result(self, engine: Engine, model: str, text: str) -> Content:
        """The tokens of the text."""
        return tokens_shown(await engine.tokenize(model, text), len(text))


def tokens_shown(pieces: Sequence[TokenPiece], n_characters: int) -> Content:
    """Counts, the pieces with their borders, and the ids."""
    n_tokens = len(pieces)
    counts = f"{_counted(n_tokens, 'token')} · {_counted(n_characters, 'character')}"
    per_token = f" · {n_characters / n_tokens:.1f} per token" if n_tokens else ""
    shown = pieces[:MOST_SHOWN]
    more = f" … {n_tokens - MOST_SHOWN} more" if n_tokens > MOST_SHOWN else ""
    return Content("\n").join(
        [
            Content.assemble((counts + per_token, "bold")),
            Content.assemble((_BEGIN, "dim"), *_bordered(shown), (_END, "dim"), (more, "dim")),
            Content.styled(" ".join(str(piece.id) for piece in shown) + more, "dim"),
        ]
    )


def _bordered(pieces: Iterable[TokenPiece]) -> Iterable[tuple[str, str]]:
    for place, piece in enumerate(pieces):
        if place:
            yield _BORDER, "dim"
        yield _visible(piece.text), _STYLES[place % len(_STYLES)]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _visible(text: str) -> str:
    """A piece in one line, with signs for what one would not see."""
    return clean(text.replace("\n", _NEWLINE).replace("\t", _TAB))
