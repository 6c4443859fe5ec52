"""The questions of `tests.bench.retrieval`, with where their answers are."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poly_engine.memory.evaluation import Case
from poly_engine.types import Hit
from tests.bench.retrieval_corpus import normalised

__all__ = ["Question", "misplaced", "questions"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a chunk of `document` answers: the one that holds `phrase`. It is asked in the words of somebody
    who does not know those of the text, or not.
    """

    text: str
    document: str
    phrase: str
    in_own_words: bool

    def rank(self, hits: Sequence[Hit]) -> int | None:
        """The place of the first hit that answers it, from 1; None if there is none."""
        return Case(self.text, source=self.document, contains=self.phrase).rank(hits)


def questions() -> Sequence[Question]:
    """All of them, in the order of the file."""
    groups = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return [
        Question(one["question"], one["document"], one["phrase"], group == "own_words")
        for group, members in groups.items()
        for one in members
    ]


def misplaced(asked: Sequence[Question], corpus: Mapping[str, str]) -> Iterator[str]:
    """Each question whose phrase does not occur exactly once, and in its document, in sentences."""
    texts = {source: normalised(text) for source, text in corpus.items()}
    for one in asked:
        places = [source for source, text in texts.items() for _ in range(text.count(normalised(one.phrase)))]
        if places != [one.document]:
            yield f"{one.text!r}: {one.phrase!r} is to be in {one.document} alone, and is in {places or 'none'}"
