"""What the starter model knows: the shape of a fact, and all facts together.

A fact is one answer and the many ways to ask for it. In phrases, items are separated by "; " and `(a/b)` stands for
either word, so a few lines give hundreds of wordings. `test` and `dev` are questions for the evaluation only: they
never occur in training, and `dev` is what a developer may look at while improving the phrases.
"""

import random
import re
from dataclasses import dataclass

_CHOICE = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer with its phrases: things to explain, deeds to be told how to do, and whole questions."""

    key: str
    answer: str
    things: tuple[str, ...]
    deeds: tuple[str, ...]
    questions: tuple[str, ...]
    test: tuple[str, ...]
    dev: tuple[str, ...]


def fact(
    key: str, answer: str, *, things: str = "", deeds: str = "", asks: str = "", test: str = "", dev: str = ""
) -> Fact:
    """A fact from phrases separated by "; "."""
    things_, deeds_, asks_, test_, dev_ = (
        tuple(" ".join(part.split()) for part in text.split(";") if part.strip())
        for text in (things, deeds, asks, test, dev)
    )
    return Fact(key, " ".join(answer.split()), things_, deeds_, asks_, test_, dev_)


def expand(phrase: str, rng: random.Random) -> str:
    """The phrase with one of the words of each choice; an empty choice leaves no double space."""
    chosen = _CHOICE.sub(lambda match: rng.choice(match.group(1).split("/")), phrase)
    return " ".join(chosen.split())
