"""The transcript of a chat: it knows which of its blocks are which turn, and lets one of them be chosen."""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from textual.binding import Binding, BindingType
from textual.message import Message

from poly_tui.chats.tree import ENDS, Chat, ChatTurn
from poly_tui.transcript import Kind, Transcript

__all__ = ["Deed", "Turns"]

Deed: TypeAlias = Literal["edit", "regenerate", "continue", "fork", "older", "newer"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a turn begins: its first block, and the task that was named above it."""

    turn: ChatTurn
    block: int
    task: str


class Turns(Transcript):
    """Shows the path of a chat. A turn is chosen with { and }; without that, the last one is meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("{", "choose(-1)", "turn up", id="turns.up", show=False),
        Binding("}", "choose(1)", "turn down", id="turns.down", show=False),
        Binding("e", "want('edit')", "edit", id="turns.edit"),
        Binding("r", "want('regenerate')", "again", id="turns.regenerate"),
        Binding("c", "want('continue')", "continue", id="turns.continue"),
        Binding("f", "want('fork')", "fork", id="turns.fork"),
        Binding("[", "want('older')", "other", id="turns.older"),
        Binding("]", "want('newer')", "other version", id="turns.newer", show=False),
    ]

    @dataclass
    class Wanted(Message):
        """Something is to be done with a turn."""

        deed: Deed
        turn: ChatTurn

    def __init__(self) -> None:
        super().__init__()
        self._places: list[_Place] = []
        self._chosen: int | None = None
        self._named_task = ""

    @property
    def chosen(self) -> ChatTurn | None:
        """The turn that is meant: the chosen one, or the last."""
        if not self._places:
            return None
        return self._places[-1 if self._chosen is None else self._chosen].turn

    def name_task(self, task: str, model: str, description: str = "") -> None:
        """Say who is talked to from here on, unless that was said."""
        if task != self._named_task:
            self._named_task = task
            self.add(Kind.DIVIDER, f"{task} · {model}" if model else task)
            if description:
                self.add(Kind.NOTICE, description)

    def begin(self, turn: ChatTurn, chat: Chat) -> None:
        """Show the prompt of a turn; what is added after it belongs to it."""
        self._places.append(_Place(turn, len(self.blocks), self._named_task))
        self.add(Kind.PROMPT, turn.prompt)
        versions = chat.versions(turn)
        if len(versions) > 1:
            self.add(Kind.NOTICE, f"{versions.index(turn) + 1}/{len(versions)} · [ and ] show the others")

    def show(self, chat: Chat, since: ChatTurn | None = None) -> None:
        """Show the path of a chat anew, or what of it begins with a turn; its place is that of the versions of it."""
        path = chat.path
        if since is None:
            self.clear()
        else:
            path = path[path.index(since) :]
        for turn in path:
            self.name_task(turn.task, turn.model)
            self.begin(turn, chat)
            self._show_answer(turn)
        self.follow()

    def cut_from(self, turn: ChatTurn) -> None:
        """Take away a turn and what follows it."""
        number = next(number for number, place in enumerate(self._places) if place.turn is turn)
        place = self._places[number]
        del self._places[number:]
        self._named_task = place.task
        self._chosen = None
        self.cut(place.block)

    def clear(self) -> None:
        """Show nothing."""
        self._places.clear()
        self._chosen = None
        self._named_task = ""
        super().clear()

    # What the keys do

    def action_choose(self, n_turns: int) -> None:
        """Choose another turn."""
        if not self._places:
            return
        last = len(self._places) - 1
        chosen = last if self._chosen is None else max(0, min(last, self._chosen + n_turns))
        self._chosen = chosen
        self.mark(self._places[chosen].block)

    def action_want(self, deed: Deed) -> None:
        """Have something done with the turn that is meant."""
        if self.chosen is not None:
            self.post_message(self.Wanted(deed, self.chosen))

    def action_copy(self) -> None:
        """Copy the answer that was chosen, or else the last one."""
        if self._chosen is None:
            super().action_copy()
            return
        answer = self._places[self._chosen].turn.answer.strip()
        self.app.copy_to_clipboard(answer)
        self.post_message(self.Copied(answer))

    def on_blur(self) -> None:
        """Without the focus, nothing is chosen."""
        self._chosen = None
        self.mark(None)

    def _show_answer(self, turn: ChatTurn) -> None:
        recalled = turn.facts.get("recalled")
        if isinstance(recalled, list) and recalled:
            origins = dict.fromkeys(str(one.get("origin")) for one in recalled if isinstance(one, dict))
            self.add(Kind.NOTICE, f"recalled {'; '.join(origins)}")
        if turn.thinking:
            self.add(Kind.THINKING, turn.thinking)
        if turn.answer:
            self.add(Kind.ANSWER, turn.answer)
        if turn.state in ENDS:
            error = turn.facts.get("error")
            self.add(Kind.ERROR if error else Kind.MARK, str(error or ENDS[turn.state]))
