"""The vocabulary and the biases of a model that is open in another process."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from poly_engine.batch.parts import Part
from poly_engine.batch.process.questions import Questions
from poly_engine.batch.process.wire import Facts
from poly_engine.types import Bias

__all__ = ["DistantBiases", "DistantVocabulary"]


class DistantVocabulary:
    """Has the process of the model make tokens: llama.cpp sees neither the file nor a text in this one.

    See `poly_engine.batch.opened.Vocabulary`.
    """

    def __init__(self, facts: Facts, questions: Questions) -> None:
        self._facts = facts
        self._questions = questions
        self._ask = questions.ask

    @property
    def n_tokens(self) -> int:
        return self._facts.n_tokens

    @property
    def ends(self) -> frozenset[int]:
        return self._facts.ends

    @property
    def first(self) -> tuple[int, ...]:
        return self._facts.first

    @property
    def last(self) -> tuple[int, ...]:
        return self._facts.last

    @property
    def special_names(self) -> Mapping[str, str]:
        return self._facts.special_names

    @cached_property
    def longest_piece(self) -> int:
        return int(self._ask("longest_piece"))

    def is_markup(self, token: int) -> bool:
        return token in self._facts.markups

    @property
    def is_closed(self) -> bool:
        return self._questions.is_ended

    def part_tokens(self, parts: Sequence[Part]) -> list[list[int]]:
        return list(self._ask("part_tokens", list(parts)))

    def template_tokens(self, text: str, *, is_first: bool = False) -> list[int]:
        return list(self._ask("template_tokens", text, is_first))

    def plain_tokens(self, text: str, *, is_first: bool = False) -> list[int]:
        return list(self._ask("plain_tokens", text, is_first))

    def texts_tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return list(self._ask("texts_tokens", list(texts)))

    def counts(self, texts: Sequence[str]) -> list[int]:
        return list(self._ask("counts", list(texts)))

    def name(self, token: int) -> str:
        return self.names([token])[0]

    def names(self, tokens: Sequence[int]) -> list[str]:
        return list(self._ask("names", list(tokens)))

    def spelling(self, tokens: Sequence[int]) -> bytes:
        return bytes(self._ask("spelling", list(tokens)))

    def spellings(self, tokens: Sequence[int]) -> list[bytes]:
        return list(self._ask("spellings", list(tokens)))


class DistantBiases:
    """Has the process of the model compile biases, which it has to do anyway."""

    def __init__(self, questions: Questions) -> None:
        self._ask = questions.ask

    def n_least(self, bias: Bias, marks: tuple[tuple[int, str], ...] = ()) -> int:
        return int(self._ask("n_least", bias, marks))
