"""From a conversation to the segments of a prompt: what we wrote, what somebody else wrote, what the model wrote.

The three are kept apart until they are tokens, so that no text of a user or a document can become a token that marks
a turn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import ClassVar, Protocol, Self, TypeAlias

from poly_engine.batch.opened import Vocabulary
from poly_engine.batch.parts import Part, Text
from poly_engine.errors import InvalidRequest
from poly_engine.tools.form import CallForm
from poly_engine.tools.types import Tool, ToolCall, ToolResult
from poly_engine.types import Hit, PartKind


@dataclass(frozen=True, slots=True)
class Written:
    """Text of the configuration or of a chat template: special tokens in it count."""

    text: str
    kind: PartKind = field(default="template", compare=False)


@dataclass(frozen=True, slots=True)
class Said:
    """Text of a user or a document: nothing in it is special."""

    text: str
    kind: PartKind = field(default="prompt", compare=False)
    before: tuple[tuple[PartKind, int], ...] = field(default=(), compare=False)
    """What of other kinds it begins with, each with how many characters there are behind that."""

    @classmethod
    def joined(cls, pieces: Sequence[tuple[PartKind, str]]) -> Self:
        """Pieces, at least one, that are tokenized as one text."""
        text, last, before = "", "", list[tuple[PartKind, int]]()
        kind = next((kind for kind, piece in reversed(pieces) if piece), pieces[-1][0])
        for its, piece in reversed(pieces):
            if piece and its != (last or kind):
                before.append((its, len(text)))
            last, text = its if piece else last, piece + text
        return cls(text, kind, tuple(reversed(before)))

    @property
    def pieces(self) -> list[tuple[PartKind, str]]:
        """What it was joined of."""
        ends = [*(len(self.text) - n for _, n in self.before), len(self.text)]
        kinds = [*(kind for kind, _ in self.before), self.kind]
        return [(kind, self.text[begin:end]) for kind, begin, end in zip(kinds, [0, *ends], ends, strict=False)]


@dataclass(frozen=True, slots=True)
class Answered:
    """The tokens of an answer, as the model sampled them."""

    tokens: tuple[int, ...]
    kind: ClassVar[PartKind] = "answer"


Segment: TypeAlias = Written | Said | Answered


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn that lies behind: the prompt, the text that was shown, and the segments that stand for the answer.

    `end_token` is the token by which the model ended its answer, `recalled` what it read of a memory before the prompt.
    With the answer come `calls` of tools; `results` are what came of the calls before, which the model reads first.
    """

    prompt: str
    text: str
    answer: tuple[Segment, ...]
    end_token: int | None = None
    recalled: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """The next turn: what the user says, what was recalled for it, and what the tools returned that were called; then
    the user need not say anything. `tools` are those that the model may call now.
    """

    prompt: str
    recalled: str = ""
    results: tuple[ToolResult, ...] = ()
    tools: tuple[Tool, ...] = ()


class Prompts(Protocol):
    """How a task turns a conversation into a prompt."""

    def segments(self, exchanges: Sequence[Exchange], asked: Asked) -> list[Segment]:
        """The whole prompt of the next turn. That of an earlier turn and its answer should be a beginning of it, so
        that they need not be computed again. Raises InvalidRequest for what cannot be said so.
        """

    def call_form(self) -> CallForm:
        """How tools are called. Raises InvalidRequest where they cannot be."""


@dataclass(frozen=True, slots=True)
class AffixPrompts:
    """The prompts of a task: the prelude once, the prefix and postfix around what the user says in every turn."""

    prelude: "Written | Said"
    prefix: str
    postfix: str

    def segments(self, exchanges: Sequence[Exchange], asked: Asked) -> list[Segment]:
        """Prelude, then what was recalled, prefix, prompt, postfix and answer of each turn."""
        if asked.results or any(exchange.calls or exchange.results for exchange in exchanges):
            self.call_form()
        segments: list[Segment] = [self.prelude]
        for exchange in exchanges:
            segments += [*self._asked(exchange.prompt, exchange.recalled), *exchange.answer]
            if exchange.end_token is not None:
                segments.append(Answered((exchange.end_token,)))
        return [*segments, *self._asked(asked.prompt, asked.recalled)]

    def call_form(self) -> CallForm:
        """Raises InvalidRequest: only a chat template can say how tools are called."""
        raise InvalidRequest(
            "tools need the chat template of a model, and this task has prompts of its own, or none: bind its answers "
            "to a schema instead, or configure a task that uses the template"
        )

    def _asked(self, prompt: str, recalled: str) -> list[Segment]:
        # An empty text that was recalled would part what is tokenized together.
        read = [Said(recalled, "recalled")] if recalled else []
        return [*read, Written(self.prefix), Said(prompt), Written(self.postfix)]


def as_data(hits: Sequence[Hit]) -> str:
    """What the model reads of what was recalled: each hit below a line that numbers it and says where it comes from."""
    return "".join(f"[{number}] {hit.origin}\n{hit.text.strip()}\n\n" for number, hit in enumerate(hits, 1))


def tokenize(segments: Sequence[Segment], vocabulary: Vocabulary) -> list[int]:
    """Turn segments into tokens, each apart, with the token that every sequence of the model begins with."""
    return [token for _, tokens in tokenized(segments, vocabulary) for token in tokens]


def tokenized(segments: Sequence[Segment], vocabulary: Vocabulary) -> list[tuple[Segment, list[int]]]:
    """As `tokenize`, each segment with its tokens. The first one may be of that token alone."""
    spaced = list(_with_spaces_at_words(segments))
    tokens = vocabulary.part_tokens([_part(segment) for segment in spaced])
    found = [(segment, made) for segment, made in zip(spaced, tokens, strict=True) if made]
    first = list(vocabulary.first)
    has_first = not first or (bool(found) and found[0][1][: len(first)] == first)
    return found if has_first else [(Written(""), first), *found]


def _part(segment: Segment) -> Part:
    if isinstance(segment, Answered):
        return segment.tokens
    return Text(segment.text, is_ours=isinstance(segment, Written))


def _with_spaces_at_words(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Give the space at the end of what we wrote to the word that somebody says behind it.

    Vocabularies have the space in one token with the word: "[INST] " and "hello" apart would be tokens that the model
    hardly ever saw one behind the other.
    """
    space = ""
    for segment, following in zip_longest(segments, segments[1:]):
        if isinstance(segment, Answered):
            yield segment
            continue
        text, space = space + segment.text, ""
        if isinstance(segment, Written) and isinstance(following, Said) and text.endswith(" "):
            text, space = text[:-1], " "
        yield replace(segment, text=text)
