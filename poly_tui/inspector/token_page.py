"""The page with the tokens of an answer: how likely each was, and which others could have come."""

from collections.abc import Iterator, Sequence
from math import exp

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from poly_engine.types import Token
from poly_tui.inspector.bars import bar
from poly_tui.inspector.token_rows import HELD, probability, rank, spelled, spelling
from poly_tui.inspector.token_stream import TokenStream

__all__ = ["N_ALTERNATIVES", "TokenPage", "describe_token"]

N_ALTERNATIVES = 5
"""So many of the likeliest tokens are asked for."""

BAR_CELLS = 8
SPELLING_CELLS = 14
LEGEND = "▁ likely  ▅ fair  █ unlikely  = forced"


class TokenPage(Vertical):
    """Shows the tokens over a card of the one that is looked at."""

    def __init__(self) -> None:
        super().__init__(id="tokens")
        self._tokens: Sequence[Token] | None = None
        self._words = ""
        self._head = Static(markup=False)
        self.stream = TokenStream()
        self._card = Static(markup=False, id="token")

    def compose(self) -> ComposeResult:
        """What the marks mean, the tokens, the card."""
        yield self._head
        yield self.stream
        yield self._card

    def show(self, tokens: Sequence[Token] | None) -> None:
        """Show the tokens of an answer, a list that may grow; None if they are not there any more."""
        if tokens is not self._tokens:
            self._tokens = tokens
            self.stream.show(() if tokens is None else tokens)  # an empty list may grow
        else:
            self.stream.grow()
        words = _head(tokens)
        if words != self._words:
            self._words = words
            self._head.update(Content.styled(words, "dim"))

    @on(TokenStream.Looked)
    def look(self, message: TokenStream.Looked) -> None:
        """Tell of the token that is looked at."""
        message.stop()
        tokens, number = self._tokens or (), message.number
        rows = describe_token(tokens[number], number) if number is not None and number < len(tokens) else ()
        self._card.update(Content("\n").join(rows), layout=False)


def describe_token(token: Token, number: int) -> Iterator[Content]:
    """A token in rows: which it is, how likely it was, and the likeliest ones, best first."""
    text = spelling(token) or "held back"
    yield Content.assemble((f"#{number + 1} ", "dim"), (f'"{text}"', "bold"), ("  id ", "dim"), str(token.id))
    p, others = probability(token), token.logprobs.alternatives if token.logprobs else ()
    if token.is_forced and p is None:
        yield Content.styled("forced: the schema left no other", "dim")
    elif p is None:
        yield Content.styled("how likely it was, was not asked", "dim")
    else:
        among = f"{rank(token) or f'below {len(others)}'}" if others else "?"
        forced = "  forced" if token.is_forced else ""
        yield Content.assemble(("p ", "dim"), f"{p:.3f}", ("  rank ", "dim"), among, (forced, "$text-warning"))
    for other in others:
        yield _alternative(spelled(other.text), exp(other.logprob), is_it=other.id == token.id)


def _alternative(text: str, share: float, *, is_it: bool) -> Content:
    name = Content(f'"{text or HELD}"').truncate(SPELLING_CELLS, ellipsis=True, pad=True)
    sign = ("▸ ", "$text-accent") if is_it else "  "
    return Content.assemble(sign, name, f" {share:.3f} ", (bar(share, BAR_CELLS), "$text-accent"))


def _head(tokens: Sequence[Token] | None) -> str:
    if tokens is None:
        return "The tokens of this answer are gone: those of the last answers are held while Poly runs."
    if not any(token.logprobs for token in (*tokens[:3], *tokens[-3:])):
        return "Probabilities are on from the next answer, while this page is open."
    return LEGEND
