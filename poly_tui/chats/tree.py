"""A chat in memory: a tree of turns. Nothing is overwritten: another prompt or answer is another turn beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from poly_engine.types import Turn

__all__ = ["ENDS", "Chat", "ChatTurn", "TurnState", "title_of"]

TurnState: TypeAlias = Literal["writing", "complete", "cut", "stopped", "failed"]
"""How an answer ended. One that is still "writing" when it is read from the file was broken off, unless another
process is at it just now.
"""

ENDS: Mapping[TurnState, str] = {
    "writing": "broken off",
    "cut": "cut off at the limit of tokens",
    "stopped": "stopped",
    "failed": "failed",
}
"""What is said of an answer that did not end by itself."""

LONGEST_TITLE = 60


@dataclass(slots=True, eq=False)
class ChatTurn:
    """A prompt and its answer, said after `parent`; `id` is None until it is in the file.

    `facts` is what else is known, as JSON holds it: "usage", "timings", "error", and what facts.py knows of.
    """

    prompt: str
    parent: "ChatTurn | None" = None
    task: str = ""
    model: str = ""
    created: float = 0.0
    answer: str = ""
    thinking: str = ""
    state: TurnState = "writing"
    facts: dict[str, object] = field(default_factory=dict)
    id: int | None = None
    children: "list[ChatTurn]" = field(default_factory=list, repr=False)

    @property
    def is_remembered(self) -> bool:
        """Whether a model reads it when the chat goes on."""
        return self.state != "failed" and bool(self.answer)

    @property
    def path(self) -> "list[ChatTurn]":
        """The turns from the first one to this."""
        path = [self]
        while path[-1].parent is not None:
            path.append(path[-1].parent)
        return path[::-1]

    @property
    def newest_leaf(self) -> "ChatTurn":
        """The end of the newest way on from here."""
        turn = self
        while turn.children:
            turn = turn.children[-1]
        return turn


@dataclass(slots=True, eq=False)
class Chat:
    """Turns, of which `tip` is the last one on the path that is shown. `id` is None until it is in the file."""

    title: str = ""
    task: str = ""
    id: int | None = None
    draft: str = ""
    created: float = 0.0
    roots: list[ChatTurn] = field(default_factory=list)
    tip: ChatTurn | None = None

    @property
    def path(self) -> list[ChatTurn]:
        """The turns that are shown, oldest first."""
        return self.tip.path if self.tip else []

    @property
    def history(self) -> tuple[Turn, ...]:
        """What a model has to read for the chat to go on."""
        return tuple(Turn(turn.prompt, turn.answer) for turn in self.path if turn.is_remembered)

    def turn(self, number: int | None) -> "ChatTurn | None":
        """The turn that has a number in the file."""
        return next((turn for turn in self.turns() if turn.id == number), None) if number is not None else None

    def turns(self) -> Iterator[ChatTurn]:
        """All turns, each of them before those that follow it."""
        waiting = self.roots[::-1]
        while waiting:
            turn = waiting.pop()
            yield turn
            waiting += turn.children[::-1]

    def versions(self, turn: ChatTurn) -> list[ChatTurn]:
        """A turn and those beside it, oldest first."""
        return turn.parent.children if turn.parent else self.roots

    def add(self, turn: ChatTurn) -> None:
        """Put a turn after its parent, and at the end of the path."""
        self.versions(turn).append(turn)
        self.tip = turn

    def fork(self, turn: ChatTurn) -> "Chat":
        """A chat of its own that has what was said up to a turn."""
        chat = Chat(f"{self.title} (fork)", self.task)
        for one in turn.path:
            chat.add(replace(one, parent=chat.tip, facts=dict(one.facts), id=None, children=[]))
        return chat

    def drop(self, turn: ChatTurn) -> None:
        """Take out a turn that nothing follows; the path ends before it."""
        self.versions(turn).remove(turn)
        self.tip = turn.parent


def title_of(prompt: str) -> str:
    """The first words of a prompt."""
    words = prompt.split()
    title = ""
    for word in words:
        if len(title) + len(word) >= LONGEST_TITLE:
            return f"{title.rstrip()}…" if title else f"{word[: LONGEST_TITLE - 1]}…"
        title += f"{word} "
    return title.rstrip()
