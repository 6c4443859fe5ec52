"""Passages with questions: answer with the sentence that says it, or say that no sentence does."""

from dataclasses import dataclass

from .entities import Entities
from .schema import Schema
from .schemas import ATTRIBUTE_TOPIC, CLASHING_ATTRIBUTES, CLASHING_TOPICS, FILLERS, SCHEMAS

NOT_IN_PASSAGE = "Sorry, the passage does not say that."
PASSAGE_READ = "I have read it. What do you want to know about it?"

FORMATS: tuple[str, ...] = (
    "Context: {p}\nQuestion: {q}",
    "Context: {p}\n\nQuestion: {q}",
    "Context:\n{p}\n\nQuestion:\n{q}",
    "{p}\n\n{q}",
    "{p}\n{q}",
    "{p} {q}",
    "{q}\n\n{p}",
    "{q}\n{p}",
    "Passage: {p}\n\nQ: {q}",
    "Text: {p}\nQuestion: {q}",
    "Read this: {p}\n{q}",
    'Text: "{p}"\n{q}',
    "Here is a text.\n{p}\nNow answer: {q}",
    "{q} Use this text: {p}",
    "Document:\n{p}\n\n{q}",
    "### Context\n{p}\n\n### Question\n{q}",
    "Answer from the passage.\n\n{p}\n\n{q}",
    "Question: {q}\nContext: {p}",
    "{p}\n---\n{q}",
    "Use the following text to answer.\n\n{p}\n\nQuestion: {q}\nAnswer:",
    "Notes:\n{p}\n\n{q}",
    "I read that {p} {q}",
    "{q} Here is the passage: {p}",
    "Context: {p}\nQuestion: {q}\nAnswer:",
    "Given this text: {p}\n{q}",
    "{p}\n\nQuestion: {q}",
    "{p}\n\nAccording to the text: {q}",
)
HELD_OUT_FORMATS: tuple[str, ...] = (
    "CONTEXT\n{p}\n\nQUESTION\n{q}",
    "Story: {p}\n\n{q}",
    "Please answer my question about this passage: {p}\n\n{q}",
    "My question is: {q}\n\nThe text is: {p}",
    "Source:\n{p}\n\nQ: {q}\nA:",
    "Look at this text:\n\n{p}\n\n{q}",
    "[Passage]\n{p}\n[Question]\n{q}",
    "Information: {p}\nQuestion: {q}",
)
_PASSAGE_ALONE = (
    "{p}",
    "{p}",
    "Context: {p}",
    "Read this: {p}",
    "Here is a text:\n{p}",
    "Text: {p}",
    "Please read this passage.\n{p}",
    "I will ask you about this text: {p}",
    "Passage: {p}",
    "Remember this: {p}",
    "Document:\n{p}",
)
_ASKING = (
    "{q}",
    "{q}",
    "{q}",
    "{q}",
    "{q}",
    "{q}",
    "Tell me: {q}",
    "Please answer: {q}",
    "So {q}",
    "{q} Please answer.",
    "I want to know: {q}",
    "And {q}",
    "Can you tell me: {q}",
    "{q} Answer from the text.",
    "What does the text say: {q}",
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence of a passage with the questions it answers."""

    schema: Schema
    subject: str
    values: tuple[str, ...]
    sentence: str

    @property
    def attribute(self) -> str | None:
        """The attribute's name, if this is about a freely chosen attribute."""
        return self.values[0] if self.schema.topic == ATTRIBUTE_TOPIC else None

    @property
    def particulars(self) -> frozenset[str]:
        """The names and values that no other fact of the passage may share."""
        return frozenset(self.values) - {self.attribute}

    def clashes_with(self, other: "Fact") -> bool:
        """Whether a question about one could be taken for a question about the other."""
        mine, others = self.schema.topic, other.schema.topic
        if mine == others:
            return self.attribute == other.attribute
        return (
            frozenset((mine, others)) in CLASHING_TOPICS
            or self.attribute in CLASHING_ATTRIBUTES.get(others, ())
            or other.attribute in CLASHING_ATTRIBUTES.get(mine, ())
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """A text and what it says."""

    text: str
    facts: tuple[Fact, ...]


class PassageWriter:
    """Writes random passages and asks about them."""

    def __init__(self, entities: Entities) -> None:
        self._entities = entities
        self._rng = entities.rng

    def write(self, most_facts: int = 14) -> Passage:
        """A passage of at most so many facts, mostly a short one."""
        rng = self._rng
        n_facts = rng.choice([1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8]) if rng.random() < 0.93 else rng.randint(9, 14)
        n_facts = min(n_facts, rng.randint(1, most_facts)) if n_facts > most_facts else n_facts
        facts = self._facts(n_facts)
        sentences = [fact.sentence for fact in facts]
        for _ in range(rng.choice([0, 0, 0, 1, 2]) if n_facts > 1 else 0):
            sentences.insert(rng.randint(0, len(sentences)), rng.choice(FILLERS))
        return Passage(self._lay_out(sentences), tuple(facts))

    def ask(self, passage: Passage) -> tuple[str, str]:
        """A question that the passage answers, and the sentence that does."""
        fact = self._rng.choice(passage.facts)
        return _fill(self._rng.choice(fact.schema.questions), fact.subject, fact.values), fact.sentence

    def ask_in_vain(self, passage: Passage) -> str:
        """A question that the passage does not answer, though it looks as if it might."""
        rng = self._rng
        for _ in range(50):
            fact = rng.choice(passage.facts)
            kind = rng.random()
            if kind < 0.12:  # who has a value that nobody in the passage has
                reverse = [question for question in fact.schema.questions if "{s}" not in question.lower()]
                values = tuple(map(self._entities.draw, fact.schema.slots))
                if not reverse or any(value in passage.text for value in values):
                    continue
                return _fill(rng.choice(reverse), "x", values)
            if kind < 0.4:  # the same thing about somebody else in the passage
                other = rng.choice(passage.facts)
                if other.schema.subject != fact.schema.subject or other.subject == fact.subject:
                    continue
                wrong = self._fact_about(fact.schema, other.subject, fact.values)
            elif kind < 0.65:  # the same thing about a stranger
                wrong = self._fact_about(fact.schema, self._subject(fact.schema.subject), fact.values)
            else:  # something else about the same
                schema = rng.choice([schema for schema in SCHEMAS if schema.subject == fact.schema.subject])
                wrong = self._fact_about(schema, fact.subject, ())
            direct = tuple(question for question in wrong.schema.questions if "{s}" in question.lower())
            if not direct or any(f.subject == wrong.subject and f.clashes_with(wrong) for f in passage.facts):
                continue
            return _fill(rng.choice(direct), wrong.subject, wrong.values)
        stranger = self._fact_about(SCHEMAS[0], self._subject(SCHEMAS[0].subject), ())
        return _fill(SCHEMAS[0].questions[0], stranger.subject, stranger.values)

    def alone(self, passage: Passage) -> str:
        """A message that holds the passage and no question."""
        return self._rng.choice(_PASSAGE_ALONE).format(p=passage.text)

    def dress(self, question: str) -> str:
        """The question as somebody might type it."""
        rng = self._rng
        if rng.random() < 0.15:
            question = question.rstrip("?.")
        if rng.random() < 0.1:
            question = question[0].lower() + question[1:]
        return rng.choice(_ASKING).format(q=question) if rng.random() < 0.5 else question

    def _facts(self, n_facts: int) -> list[Fact]:
        facts: list[Fact] = []
        seen: set[str] = set()
        while len(facts) < n_facts:
            fact = self._random_fact(facts)
            known = any(other.subject == fact.subject for other in facts)
            new = fact.particulars if known else fact.particulars | {fact.subject}
            if new & seen or any(other.subject == fact.subject and other.clashes_with(fact) for other in facts):
                continue
            facts.append(fact)
            seen |= new
        return facts

    def _random_fact(self, facts: list[Fact]) -> Fact:
        """A fact about a subject of the passage or a new one; often of a kind told before, about somebody else."""
        rng = self._rng
        if facts and rng.random() < 0.45:
            known = rng.choice(facts)
            schema = rng.choice([schema for schema in SCHEMAS if schema.subject == known.schema.subject])
            return self._fact_about(schema, known.subject, ())
        if facts and rng.random() < 0.5:
            known = rng.choice(facts)
            attribute = (known.attribute,) if known.attribute else ()
            return self._fact_about(known.schema, self._subject(known.schema.subject), attribute)
        schema = rng.choice(SCHEMAS)
        return self._fact_about(schema, self._subject(schema.subject), ())

    def _fact_about(self, schema: Schema, subject: str, values: tuple[str, ...]) -> Fact:
        """A fact with these values for its first slots, and random ones for the others."""
        values += tuple(self._entities.draw(slot) for slot in schema.slots[len(values) :])
        sentence = _fill(self._rng.choice(schema.sentences), subject, values)
        return Fact(schema, subject, values, sentence[0].upper() + sentence[1:])

    def _subject(self, kind: str) -> str:
        name = self._entities.draw(kind)
        return f"the {name}" if kind in ("thing", "event") else name

    def _lay_out(self, sentences: list[str]) -> str:
        rng = self._rng
        if rng.random() < 0.1:
            return "\n".join(f"- {sentence}" for sentence in sentences)
        text = sentences[0]
        line_break = rng.choice([0.0, 0.0, 0.2, 1.0])
        for sentence in sentences[1:]:
            text += (rng.choice(["\n", "\n", "\n\n"]) if rng.random() < line_break else " ") + sentence
        return text


def _fill(template: str, subject: str, values: tuple[str, ...]) -> str:
    slots = dict(zip("abc", values, strict=False))
    return template.format(s=subject, S=subject[0].upper() + subject[1:], **slots)
