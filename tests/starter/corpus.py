"""The corpus: an endless stream of dialogues, wholly made up by this script and the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from . import facts_config, facts_models, facts_poly, facts_shell, facts_tasks
from .entities import Entities
from .facts import Fact
from .offtopic import CANNOT_DO, CANNOT_KNOW, NOT_UNDERSTOOD, OffTopic
from .passages import FORMATS, NOT_IN_PASSAGE, PASSAGE_READ, Passage, PassageWriter
from .questions import as_typed, is_reserved, normal, punctuated, wording
from .smalltalk import COURTESIES, SYSTEM_MESSAGES, Courtesy, as_said, say

_LEFT_OUT = frozenset((
    "serve", "ingest", "recall", "alone", "exit", "completion", "embed", "address", "keys", "public", "origins",
    "newmemory", "trace", "chunk", "storeprompts", "store", "chunksettings", "formats", "topp", "minp", "penalty",
    "samplers", "schema", "biasprompt", "batch", "joke", "toml",
))  # fmt: skip
"""What is still to come, and what few ask about: a model as small as this learns the rest better without them."""

FACTS: tuple[Fact, ...] = tuple(
    fact
    for facts in (facts_poly, facts_shell, facts_config, facts_tasks, facts_models)
    for fact in facts.FACTS
    if fact.key not in _LEFT_OUT
)
HELD_OUT_QUESTIONS: frozenset[str] = frozenset(normal(text) for fact in FACTS for text in (*fact.test, *fact.dev))
REPEATS: tuple[str, ...] = (
    "Repeat: {}",
    "Say this again: {}",
    "Copy: {}",
    "Repeat this: {}",
    "Please repeat: {}",
    "Say: {}",
)
_SEGMENTS = {"passage": 0.33, "fact": 0.37, "offtopic": 0.15, "courtesy": 0.11, "repeat": 0.04}


@dataclass(frozen=True, slots=True)
class Turn:
    """A message, the answer to it, and the skill that it takes."""

    user: str
    answer: str
    skill: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation, with or without a system message."""

    turns: tuple[Turn, ...]
    system: str = ""


def dialogues(seed: int, maturity: float = 1.0) -> Iterator[Dialogue]:
    """Training dialogues without end; with low maturity, passages are short and mostly hold the answer."""
    writer = _DialogueWriter(random.Random(seed), maturity)
    while True:
        yield writer.write()


class _DialogueWriter:
    """Strings turns together: passages with their questions, facts, courtesies, and what is beyond the model."""

    def __init__(self, rng: random.Random, maturity: float) -> None:
        self._rng = rng
        self._entities = Entities(rng, held_out=False)
        self._passages = PassageWriter(self._entities)
        self._offtopic = OffTopic(self._entities, held_out=False)
        self._most_facts = 2 + round(4 * maturity)
        self._answerable = 0.92 - 0.27 * maturity

    def write(self) -> Dialogue:
        """One dialogue of one to three subjects."""
        rng = self._rng
        kinds = rng.choices(list(_SEGMENTS), list(_SEGMENTS.values()), k=rng.choice([1, 1, 1, 1, 2]))
        turns: list[Turn] = []
        for at, kind in enumerate(kinds):
            if kind == "passage":
                turns.extend(self._about_passage())
            elif kind == "fact":
                turns.append(self._about_fact())
            elif kind == "offtopic":
                turns.append(self._beyond(after_passage="passage" in kinds[:at]))
            elif kind == "courtesy":
                turns.append(self._courtesy(rng.choice((COURTESIES[0], *COURTESIES))))
            else:
                turns.append(self._repeat())
        return Dialogue(tuple(turns), rng.choice(SYSTEM_MESSAGES) if rng.random() < 0.15 else "")

    def _about_passage(self) -> Iterator[Turn]:
        rng = self._rng
        passage = self._passages.write(self._most_facts)
        n_questions = rng.choice([1, 1, 1, 2])
        if rng.random() < 0.12:
            yield Turn(self._passages.alone(passage), PASSAGE_READ, "passage read")
        else:
            question, answer, skill = self._question(passage)
            yield Turn(rng.choice(FORMATS).format(p=passage.text, q=question), answer, skill)
            n_questions -= 1
        for _ in range(n_questions):
            if rng.random() < 0.06:
                yield self._about_fact()
            yield Turn(*self._question(passage))

    def _question(self, passage: Passage) -> tuple[str, str, str]:
        if self._rng.random() < self._answerable:
            question, answer = self._passages.ask(passage)
            return self._passages.dress(question), answer, "passage"
        return self._passages.dress(self._passages.ask_in_vain(passage)), NOT_IN_PASSAGE, "not in passage"

    def _about_fact(self) -> Turn:
        fact = self._rng.choice(FACTS)
        while True:
            plain = wording(fact, self._rng)
            typed = as_typed(plain, self._rng)
            if not is_reserved(plain) and normal(typed) not in HELD_OUT_QUESTIONS:
                return Turn(typed, fact.answer, "fact")

    def _beyond(self, *, after_passage: bool) -> Turn:
        rng = self._rng
        kind = rng.random()
        if kind < 0.5 and not after_passage:
            return Turn(as_typed(self._offtopic.knowledge(), rng), CANNOT_KNOW, "knowledge")
        if kind < 0.8:
            return Turn(as_typed(self._offtopic.work(), rng), CANNOT_DO, "work")
        return Turn(punctuated(self._offtopic.nonsense(), rng), NOT_UNDERSTOOD, "nonsense")

    def _courtesy(self, courtesy: Courtesy) -> Turn:
        held_out = {normal(text) for text in courtesy.held_out}
        while True:
            said = as_said(say(courtesy, self._entities, held_out=False), self._rng)
            if normal(said) not in held_out:
                return Turn(said, courtesy.answer, "courtesy")

    def _repeat(self) -> Turn:
        rng = self._rng
        if rng.random() < 0.5:
            text = self._passages.write(3).text
        else:
            kinds = ("name", "nonce", "code", "number", "place", "person", "org", "food", "thing", "date")
            text = " ".join(self._entities.draw(rng.choice(kinds)) for _ in range(rng.randint(2, 10)))
        return Turn(rng.choice(REPEATS).format(text), text, "repeat")
