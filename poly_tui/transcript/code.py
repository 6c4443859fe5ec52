"""Colours the code of a fence, a few lines at a time."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from poly_tui.transcript.clean import drawable
from poly_tui.transcript.ink import Brush, Ink, Inked

if TYPE_CHECKING:
    from pygments.lexer import Lexer  # type: ignore[import-untyped]  # it carries no types, here and below
    from pygments.token import _TokenType  # type: ignore[import-untyped]

__all__ = ["Coder"]

MAX_OPEN_LINES = 64
"""After so many lines a string or a comment that goes on is no reason to look at them again."""

MAX_DOUBTFUL_LINES = 16
"""The same for lines that the lexer cannot make sense of yet, or whose lexer cannot go on where it stopped."""

MAX_HIGHLIGHTED = 2000
"""Characters of a line. Longer ones are data rather than code, and lexers are slow on them."""

_FENCE = Brush(Ink.FENCE)
_NAMES = {
    "Comment": Brush(Ink.COMMENT),
    "Generic.Deleted": Brush(Ink.REMOVED),
    "Generic.Emph": Brush(Ink.FENCE, is_italic=True),
    "Generic.Heading": Brush(Ink.KEYWORD, is_bold=True),
    "Generic.Inserted": Brush(Ink.ADDED),
    "Generic.Prompt": Brush(Ink.COMMENT),
    "Generic.Strong": Brush(Ink.FENCE, is_bold=True),
    "Generic.Subheading": Brush(Ink.NAME),
    "Keyword": Brush(Ink.KEYWORD),
    "Keyword.Constant": Brush(Ink.NUMBER),
    "Literal": Brush(Ink.NUMBER),
    "Literal.String": Brush(Ink.STRING),
    "Name.Attribute": Brush(Ink.NAME),
    "Name.Builtin": Brush(Ink.NAME),
    "Name.Class": Brush(Ink.NAME),
    "Name.Decorator": Brush(Ink.NAME),
    "Name.Exception": Brush(Ink.NAME),
    "Name.Function": Brush(Ink.NAME),
    "Name.Tag": Brush(Ink.KEYWORD),
    "Operator.Word": Brush(Ink.KEYWORD),
}


class Coder:
    """Colours the lines of one fence in order. A line that is done is not looked at again: the lexer goes on from the
    state it was in.
    """

    def __init__(self, language: str) -> None:
        self._lexer = _lexer(language)
        self._state: tuple[str, ...] = ("root",)
        self._can_resume = self._lexer is not None and _is_resumable(self._lexer)

    def paint(self, lines: Sequence[str]) -> list[Inked]:
        """The lines that follow those that are done, as they are for now."""
        return self._paint(lines)[0]

    def finish(self, lines: Sequence[str], *, is_forced: bool = False) -> list[Inked] | None:
        """Be done with `lines`, or unless `is_forced` return None if they are better looked at with the next one."""
        inked, state, limit = self._paint(lines)
        if len(lines) < limit and not is_forced:
            return None
        self._state = state
        return inked

    def _paint(self, lines: Sequence[str]) -> tuple[list[Inked], tuple[str, ...], int]:
        """The lines in colour, the state behind them, and how many there must be to be done with them."""
        texts = [drawable(line) for line in lines]
        if self._lexer is None or any(len(text) > MAX_HIGHLIGHTED for text in texts):
            return [Inked.of(text, _FENCE) for text in texts], self._state, 0
        tokens, state = self._lex("".join(f"{text}\n" for text in texts))
        return list(_lines(tokens))[: len(texts)], state, self._n_lines_to_finish(tokens)

    def _n_lines_to_finish(self, tokens: "Sequence[tuple[_TokenType, str]]") -> int:
        from pygments.token import Error

        if tokens and _is_inside(*tokens[-1]):
            return MAX_OPEN_LINES
        if not self._can_resume or any(kind is Error for kind, _ in tokens):
            return MAX_DOUBTFUL_LINES
        return 0

    def _lex(self, text: str) -> "tuple[list[tuple[_TokenType, str]], tuple[str, ...]]":
        from pygments.lexer import ExtendedRegexLexer, LexerContext

        assert self._lexer is not None
        if self._can_resume:
            context = LexerContext(text, 0, list(self._state))
            lex = ExtendedRegexLexer.get_tokens_unprocessed
            try:
                # The plain lexers have the same rules, but only the extended loop tells the state it ends in
                tokens = [(kind, part) for _, kind, part in lex(self._lexer, context=context)]
            except TypeError:  # a rule with a callback that knows nothing of a context
                self._can_resume = False
            else:
                return tokens, tuple(context.stack)
        return [(kind, part) for _, kind, part in self._lexer.get_tokens_unprocessed(text)], self._state


@lru_cache(64)
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # takes 30 ms, only for fences
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    try:
        return get_lexer_by_name(language) if language else None
    except ClassNotFound:
        return None


def _is_resumable(lexer: "Lexer") -> bool:
    from pygments.lexer import RegexLexer

    return getattr(type(lexer), "get_tokens_unprocessed", None) is RegexLexer.get_tokens_unprocessed


def _is_inside(kind: "_TokenType", text: str) -> bool:
    """Whether a line that ends in such a token ends inside something that goes on."""
    from pygments.token import Comment, String

    return text.endswith("\n") and (kind in String or (kind in Comment and kind not in Comment.Single))


def _lines(tokens: "Sequence[tuple[_TokenType, str]]") -> Iterator[Inked]:
    parts: list[Inked] = []
    for kind, text in tokens:
        brush = _brush(kind)
        first, *more = text.split("\n")
        parts.append(Inked.of(first, brush))
        for line in more:
            yield Inked.join(parts)
            parts = [Inked.of(line, brush)]
    yield Inked.join(parts)


@cache
def _brush(kind: "_TokenType") -> Brush:
    while kind.parent is not None:
        brush = _NAMES.get(".".join(kind))
        if brush is not None:
            return brush
        kind = kind.parent
    return _FENCE
