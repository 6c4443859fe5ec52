"""A conversation in the words that go over the wire: the messages of a chat, or one text to be continued."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from poly_engine.errors import IllegalToken, InvalidRequest
from poly_engine.openai.measure import Measure
from poly_engine.prompts import Asked, Exchange, Said, Segment, Written
from poly_engine.task import Task
from poly_engine.types import PartKind, PromptPart

__all__ = ["Worded", "Wording", "wording_of"]

_SPECIAL = re.compile(
    r"<[|\uff5c][^|\uff5c<>\s]{1,64}[|\uff5c]>|<(?:bos|eos|start_of_turn|end_of_turn|begin_of_text)>|</?s>"
    r"|\[/?INST\]|<</?SYS>>"
)
"""What looks like the text of a special token."""

Pieces = Sequence[tuple[PartKind, str]]


@dataclass(frozen=True, slots=True)
class Worded:
    """A prompt as it is sent: `path` and `content` of the request, and what it consists of."""

    path: str
    content: dict[str, object]
    pieces: Pieces

    @property
    def text(self) -> str:
        """All of it, as far as we know."""
        return "".join(text for _, text in self.pieces)

    def parts(self, measure: Measure) -> list[PromptPart]:
        """What is sent, no two parts of a kind side by side. Tokens are estimated: the server makes them."""
        joined = [
            (kind, "".join(text for _, text in run)) for kind, run in groupby(self.pieces, key=lambda one: one[0])
        ]
        return [PromptPart(kind, text, measure.n_tokens(text)) for kind, text in joined if text]


class Wording:
    """How a task words a conversation: by its own prompts if it has some, or as it is with the template "none", or else
    as the messages of a chat, for which the server has a template. `system` replaces the system message of the task.

    Raises InvalidRequest for a system message that has no place.
    """

    def __init__(self, task: Task, system: str | None) -> None:
        self._task = task
        prompts = task.own_prompts(system)
        self._prompts = prompts
        self._system = system if system is not None else task.config.system
        written = [prompts.prelude.text, prompts.prefix, prompts.postfix] if prompts is not None else []
        self._marks = sorted({mark for text in written for mark in _SPECIAL.findall(text)})

    @property
    def is_chat(self) -> bool:
        """Whether it makes messages."""
        return self._prompts is None

    def check(self, text: str, of: str = "") -> None:
        """Raise IllegalToken for a text of somebody that would mark a turn, as the prompts of the task do, or that
        holds what it keeps private. `of` says where it is from.
        """
        self._task.check(text)
        for mark in self._marks:
            if mark in text:
                where = f" in what was recalled of {of}" if of else ""
                raise IllegalToken(
                    f"illegal token encountered{where}: task {self._task.name} marks turns by {mark!r}, and a server "
                    "cannot tell who wrote it"
                )

    def worded(self, exchanges: Sequence[Exchange], asked: Asked) -> Worded:
        """The prompt of the next turn. Raises InvalidRequest if there is nothing to say."""
        if self._prompts is None:
            return self._chat(exchanges, asked)
        pieces = [piece for segment in self._prompts.segments(exchanges, asked) for piece in _pieces(segment)]
        text = "".join(text for _, text in pieces)
        if not text:
            raise InvalidRequest("the prompt is empty, and the task adds nothing to it: there is nothing to continue")
        return Worded("completions", {"prompt": text}, pieces)

    def _chat(self, exchanges: Sequence[Exchange], asked: Asked) -> Worded:
        pieces: list[tuple[PartKind, str]] = []
        messages: list[dict[str, str]] = []

        def say(role: str, *said: tuple[PartKind, str]) -> None:
            messages.append({"role": role, "content": "".join(text for _, text in said)})
            pieces.extend(said)

        if self._system is not None:
            say("system", ("system", self._system))
        for one in exchanges:
            say("user", ("recalled", one.recalled), ("prompt", one.prompt))
            say("assistant", ("answer", one.text))
        say("user", ("recalled", asked.recalled), ("prompt", asked.prompt))
        return Worded("chat/completions", {"messages": messages}, pieces)


def wording_of(task: Task, system: str | None) -> Wording:
    """How a task words its conversations. Raises IllegalToken or InvalidRequest for a system message that cannot be."""
    wording = Wording(task, system)
    wording.check(system or "")
    return wording


def _pieces(segment: Segment) -> list[tuple[PartKind, str]]:
    match segment:
        case Said():
            return segment.pieces
        case Written():
            return [(segment.kind, segment.text)]
    raise AssertionError("there are no tokens where a server has the model")
