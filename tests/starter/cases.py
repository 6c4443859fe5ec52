"""The evaluation's cases: conversations with the answers that count, none of which occurs in training."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .corpus import FACTS, REPEATS
from .entities import Entities
from .facts import Fact
from .natural import NATURAL
from .offtopic import CANNOT_DO, CANNOT_KNOW, NOT_UNDERSTOOD, OffTopic
from .passages import HELD_OUT_FORMATS, NOT_IN_PASSAGE, PASSAGE_READ, PassageWriter
from .questions import as_typed, is_reserved, punctuated, wording
from .smalltalk import COURTESIES, SYSTEM_MESSAGES, as_said, say

HONEST = (CANNOT_KNOW, CANNOT_DO, NOT_UNDERSTOOD)


@dataclass(frozen=True, slots=True)
class Question:
    """One message with the answers that count; `holds` counts any answer with these words."""

    user: str
    answers: tuple[str, ...] = ()
    holds: str | None = None

    def is_right(self, answer: str) -> bool:
        """Whether the answer counts."""
        if self.holds is not None:
            return self.holds.lower() in answer.lower()
        return answer.strip() in self.answers


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation of the evaluation; it is right when every answer is."""

    skill: str
    questions: tuple[Question, ...]
    system: str = ""


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill of the evaluation: the share of right answers that it must reach, and what its cases are."""

    name: str
    gate: float
    about: str


SKILLS: tuple[Skill, ...] = (
    Skill("courtesy", 0.85, "greetings, thanks, goodbyes and the like, in held-out words"),
    Skill("facts", 0.85, "questions about Poly, written by hand and never used to improve the corpus"),
    Skill("facts, framed", 0.95, "questions about Poly, held-out combinations of phrases, with slips of the pen"),
    Skill("passage", 0.85, "generated passages with held-out names and formats; the right sentence, to the letter"),
    Skill("not in passage", 0.85, "the same passages, asked in vain"),
    Skill("natural passage", 0.7, "passages and questions written by hand; the answer must hold the expected words"),
    Skill("natural, in vain", 0.7, "the passages written by hand, asked in vain"),
    Skill("conversation", 0.75, "three turns, every one right: passage first, passage alone first, or greeting first"),
    Skill("fallback", 0.9, "knowledge and work beyond it, held-out templates: it must say what it is"),
    Skill("nonsense", 0.9, "random words and keys: it must say that it did not understand, or what it is"),
    Skill("repeat", 0.85, "repeat a text with held-out names, to the letter"),
)


def cases(seed: int, n: int) -> Iterator[Case]:
    """All cases; `n` of each generated kind."""
    rng = random.Random(seed)
    writer = _CaseWriter(rng)
    for fact in FACTS:
        for text in fact.test:
            yield Case("facts", (Question(_as_sentence(text), (fact.answer,)),))
    for text, questions in NATURAL:
        for question, expected in questions:
            user = rng.choice(HELD_OUT_FORMATS).format(p=text, q=question)
            if expected is None:
                yield Case("natural, in vain", (Question(user, (NOT_IN_PASSAGE,)),))
            else:
                yield Case("natural passage", (Question(user, holds=expected),))
    generated: dict[str, Callable[[], Case]] = {
        "courtesy": writer.courtesy,
        "facts, framed": writer.fact,
        "passage": writer.passage,
        "not in passage": writer.not_in_passage,
        "conversation": writer.conversation,
        "fallback": writer.fallback,
        "nonsense": writer.nonsense,
        "repeat": writer.repeat,
    }
    for write in generated.values():
        for _ in range(n):
            yield write()


def development_cases() -> Iterator[Case]:
    """The questions about Poly that a developer may look at while improving the corpus."""
    for fact in FACTS:
        for text in fact.dev:
            yield Case("facts", (Question(_as_sentence(text), (fact.answer,)),))


class _CaseWriter:
    """Writes cases with the held-out half of the names, templates and phrases."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._entities = Entities(rng, held_out=True)
        self._passages = PassageWriter(self._entities)
        self._offtopic = OffTopic(self._entities, held_out=True)

    def courtesy(self) -> Case:
        courtesy = self._rng.choice(COURTESIES)
        said = as_said(say(courtesy, self._entities, held_out=True), self._rng)
        return Case("courtesy", (Question(said, (courtesy.answer,)),))

    def fact(self) -> Case:
        return Case("facts, framed", (self._fact_question(),))

    def passage(self) -> Case:
        passage = self._passages.write()
        question, answer = self._passages.ask(passage)
        return Case("passage", (self._opening(passage.text, question, answer),), self._system())

    def not_in_passage(self) -> Case:
        passage = self._passages.write()
        question = self._passages.ask_in_vain(passage)
        return Case("not in passage", (self._opening(passage.text, question, NOT_IN_PASSAGE),), self._system())

    def conversation(self) -> Case:
        rng = self._rng
        passage = self._passages.write()
        pairs = [self._passages.ask(passage) for _ in range(3)]
        vain = (self._passages.ask_in_vain(passage), NOT_IN_PASSAGE)
        asked = [Question(question, (answer,)) for question, answer in (pairs[1], rng.choice([pairs[2], vain]))]
        opening = self._opening(passage.text, *pairs[0])
        greeting = Question(say(COURTESIES[0], self._entities, held_out=True), (COURTESIES[0].answer,))
        alone = Question(self._passages.alone(passage), (PASSAGE_READ,))
        turns = rng.choice([(opening, *asked), (alone, *asked), (greeting, opening, self._fact_question())])
        return Case("conversation", turns, self._system())

    def fallback(self) -> Case:
        text = self._offtopic.knowledge() if self._rng.random() < 0.5 else self._offtopic.work()
        return Case("fallback", (Question(_as_sentence(text), HONEST),))

    def nonsense(self) -> Case:
        return Case("nonsense", (Question(punctuated(self._offtopic.nonsense(), self._rng), HONEST),))

    def repeat(self) -> Case:
        text = self._passages.write(3).text
        if self._rng.random() < 0.5:
            text = " ".join(self._entities.value() for _ in range(self._rng.randint(2, 8)))
        return Case("repeat", (Question(self._rng.choice(REPEATS).format(text), (text,)),))

    def _opening(self, text: str, question: str, answer: str) -> Question:
        user = self._rng.choice(HELD_OUT_FORMATS).format(p=text, q=self._passages.dress(question))
        return Question(user, (answer,))

    def _fact_question(self) -> Question:
        fact: Fact = self._rng.choice(FACTS)
        while True:
            plain = wording(fact, self._rng)
            if is_reserved(plain):
                return Question(as_typed(plain, self._rng), (fact.answer,))

    def _system(self) -> str:
        return self._rng.choice(SYSTEM_MESSAGES) if self._rng.random() < 0.15 else ""


def _as_sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "?"
