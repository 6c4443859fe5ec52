"""The biases of one model: each compiled once against its vocabulary, and kept."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from poly_engine.bias.completion import NoEnding, completion
from poly_engine.bias.grammar import Grammar, grammar
from poly_engine.bias.matching import byte_tokenizer, matcher
from poly_engine.bias.spelling import CANNOT, Speller
from poly_engine.errors import InvalidSchema
from poly_engine.types import Bias

__all__ = ["Biases", "CompiledBias", "Table"]

_MOST_KEPT = 64


class Table(Protocol):
    """What has to be known of a vocabulary. It must stay readable from any thread until the model is closed."""

    def pieces(self) -> Sequence[bytes]:
        """The bytes of every token as they appear in a text; nothing for one that marks something."""

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a generation."""

    def plain_tokens(self, text: str) -> list[int]:
        """The tokens of a text in the middle of a sequence, as the model is used to them."""


@dataclass(frozen=True, slots=True)
class CompiledBias:
    """A bias over the tokens of a model: copy the matchers, do not move them.

    `tokens` matches tokens, `letters` single bytes; `shortest` is a text that satisfies the bias and can be written, as
    short as was found, `n_least` how many tokens it takes.
    """

    grammar: Grammar
    tokens: LLMatcher
    letters: LLMatcher
    shortest: bytes
    n_least: int


class Biases:
    """Compiles biases for one model. Any thread may ask; reading the vocabulary takes up to a second, once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lock = threading.Lock()
        self._compiled: dict[Bias, CompiledBias] = {}
        self._marked: dict[tuple[tuple[int, str], ...], Biases] = {}

    def marked(self, marks: tuple[tuple[int, str], ...]) -> "Biases":
        """Those for answers in which some tokens that mark something stand for their texts."""
        if not marks:
            return self
        with self._lock:
            return self._marked.setdefault(marks, Biases(_MarkedTable(self, self._table, marks)))

    def n_least(self, bias: Bias, marks: tuple[tuple[int, str], ...] = ()) -> int:
        """How many tokens the shortest answer takes, where `marks` may stand for their texts. Raises InvalidSchema."""
        return self.marked(marks).compiled(bias).n_least

    def compiled(self, bias: Bias) -> CompiledBias:
        """Raises InvalidSchema if `bias` cannot be enforced, or not with the tokens that the model has."""
        found = self._compiled.get(bias)
        if found is None:  # else nobody has to wait for what others compile, the worker of the model least of all
            with self._lock:
                found = self._compiled.get(bias) or self._compile(bias)
                self._compiled[bias] = found
                if len(self._compiled) > _MOST_KEPT:
                    del self._compiled[next(iter(self._compiled))]
        return found

    @cached_property
    def pieces(self) -> Sequence[bytes]:
        """The bytes of every token; nothing for one that marks something."""
        return self._table.pieces()

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a generation."""
        return self._table.ends

    @cached_property
    def speller(self) -> Speller:
        """How texts are written with the tokens of the model."""
        return Speller(enumerate(self.pieces))

    @cached_property
    def _tokenizer(self) -> LLTokenizer:
        return LLTokenizer(TokenizerWrapper(_Tokens(self._table, self.pieces)), eos_token=sorted(self.ends))

    def _compile(self, bias: Bias) -> CompiledBias:
        meant = grammar(bias)
        if not self.ends:
            raise InvalidSchema("the model has no token that ends an answer, so that it cannot be bound to a schema")
        tokens = matcher(self._tokenizer, meant.text)
        if error := tokens.get_error():
            raise InvalidSchema(f"the schema is too much for the vocabulary of the model: {error[:200]}")
        letters = matcher(byte_tokenizer(), meant.text)
        shortest, costs = meant.shortest, self.speller.costs(meant.shortest)
        if costs[0] >= CANNOT:  # some bytes are no tokens of their own: another text may do without them
            shortest = self._writable(letters)
            costs = self.speller.costs(shortest)
        if costs[0] >= CANNOT:
            raise InvalidSchema(
                f"the model has no tokens to write what fits the schema, such as {meant.shortest[:60]!r}"
            )
        return CompiledBias(meant, tokens, letters, shortest, costs[0])

    def _writable(self, letters: LLMatcher) -> bytes:
        try:
            return completion(letters, alphabet=self.speller.alphabet, seconds=1.0)
        except NoEnding as error:
            raise InvalidSchema("the model has no tokens to write what fits the schema") from error


class _MarkedTable:
    """A vocabulary in which some of the tokens that mark something are text."""

    def __init__(self, plain: Biases, table: Table, marks: tuple[tuple[int, str], ...]) -> None:
        self._plain = plain
        self._table = table
        self._tokens = {text: token for token, text in marks}
        self._split = re.compile(f"({'|'.join(map(re.escape, sorted(self._tokens, key=len, reverse=True)))})").split
        self.ends = table.ends

    def pieces(self) -> Sequence[bytes]:
        pieces = list(self._plain.pieces)  # which may have been read already
        for text, token in self._tokens.items():
            pieces[token] = text.encode()
        return pieces

    def plain_tokens(self, text: str) -> list[int]:
        tokens: list[int] = []
        for number, part in enumerate(self._split(text)):
            tokens += [self._tokens[part]] if number % 2 else self._table.plain_tokens(part)
        return tokens


class _Tokens:
    """A vocabulary as llguidance wants to see it."""

    bos_token_id = None

    def __init__(self, table: Table, pieces: Sequence[bytes]) -> None:
        self._table = table
        self.tokens = [piece or b"\xff" for piece in pieces]  # which is never a part of a text
        self.special_token_ids = [token for token, piece in enumerate(pieces) if not piece]
        self.eos_token_id = min(table.ends)

    def __call__(self, text: bytes | str) -> list[int]:
        return self._table.plain_tokens(text.decode() if isinstance(text, bytes) else text)
