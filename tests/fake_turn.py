"""A turn of a scripted engine: what it was asked, and what came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from poly_engine.types import (
    Calling,
    Event,
    PartKind,
    Progress,
    PromptPart,
    Recalled,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Turn,
)
from tests.fake_reply import Reply, split, token_id

__all__ = ["FakeTurn", "asked", "parts", "said_before"]


@dataclass(slots=True)
class FakeTurn:
    """One turn in the making: the plan, and what came of it."""

    prompt: str
    results: tuple[ToolResult, ...]
    reply: Reply
    n_prompt: int
    n_unloads: int = 0
    """How often its model had been unloaded when it began."""
    written: list[Token] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    is_over: bool = False
    has_failed: bool = False

    def script(self) -> Iterator[Event]:
        """The events of the turn but for its end."""
        if self.reply.truncated is not None:
            yield self.reply.truncated
        if self.reply.recalled is not None:
            yield self.reply.recalled
        yield Progress(0, self.n_prompt)
        yield Progress(self.n_prompt, self.n_prompt)
        for thought in self.reply.thoughts:
            yield Thinking(thought, token_id(thought))
        if self.reply.thoughts:
            n_read = self.n_prompt + len(self.reply.thoughts)
            yield Progress(n_read, n_read)
        yield from self.reply.answer
        for number, call in enumerate(self.reply.calls):
            yield Calling(number, call.id, call.name, "")
            for piece in split(call.arguments):
                yield Calling(number, call.id, call.name, piece)
            yield call


def said_before(system: str, turns: Sequence[Turn], postfix: str) -> list[tuple[PartKind, str]]:
    """What a scripted engine reads before a prompt, with its `postfix` behind each one."""
    pieces: list[tuple[PartKind, str]] = [("system", system)]
    for turn in turns:
        pieces += [("prompt", turn.prompt), ("template", postfix), ("answer", turn.answer)]
    return pieces


def asked(prompt: str, recalled: Recalled | None, postfix: str) -> list[tuple[PartKind, str]]:
    """What it reads of the prompt itself."""
    read = "".join(f"{hit.text}\n\n" for hit in recalled.hits) if recalled is not None else ""
    return [("recalled", read), ("prompt", prompt), ("template", postfix)]


def parts(pieces: Sequence[tuple[PartKind, str]]) -> tuple[PromptPart, ...]:
    """Pieces of a prompt as parts."""
    return tuple(PromptPart(kind, text, len(split(text))) for kind, text in pieces if text)
