"""What a relation of the passages is: the sentences that tell it, and the questions that they answer.

In the templates `{s}` is the subject with its article and `{S}` the same with a capital; `{a}`, `{b}`, `{c}` are the
other slots, filled by the entity kinds of the schema in this order. Every form of a sentence answers every question of
its schema, so the answer to a question can be the sentence as it stands.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schema:
    """One relation: what it is about, in which sentences it is told, and how it is asked for."""

    subject: str
    topic: str
    slots: tuple[str, ...]
    sentences: tuple[str, ...]
    questions: tuple[str, ...]


def schema(subject: str, topic: str, slots: str, sentences: str, questions: str) -> Schema:
    """A schema from sentences and questions separated by bars."""
    told, asked = (tuple(" ".join(part.split()) for part in text.split("|")) for text in (sentences, questions))
    return Schema(subject, topic, tuple(slots.split()), told, asked)
