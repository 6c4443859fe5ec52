"""The transcript of a chat: it knows which of its blocks are which turn, and lets something be done with one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from textual.binding import Binding, BindingType
from textual.message import Message

from poly_engine.types import Hit
from poly_tui.chats.facts import Facts, forced_of, hits_of, thought_of
from poly_tui.chats.tree import ENDS, Chat, ChatTurn
from poly_tui.screens.sources import sources_text, sources_title
from poly_tui.transcript import Block, Kind, Part, Passage, Transcript

__all__ = ["Deed", "Turns"]

LONG_LINES = 20
LONG_CHARACTERS = 2000

Deed: TypeAlias = Literal["edit", "regenerate", "continue", "fork", "older", "newer"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a turn begins: the number of its first block, and the task that was named above it."""

    turn: ChatTurn
    block: int
    task: str


class Turns(Transcript, inherit_bindings=False):
    """Shows the path of a chat. What is done is done to the turn of the current block, or else to the last turn."""

    FOCUS_ON_CLICK = False  # one clicks to select text; who types next goes on with the prompt, and wants no deeds

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "want('edit')", "edit", id="turns.edit"),
        Binding("r", "want('regenerate')", "again", id="turns.regenerate"),
        Binding("c", "want('continue')", "continue", id="turns.continue"),
        Binding("f", "want('fork')", "fork", id="turns.fork"),
        Binding("p", "screen.inspect('prompt')", "prompt sent", id="turns.prompt"),
        Binding("[", "want('older')", "version", id="turns.older", key_display="[ ]"),
        Binding("]", "want('newer')", "next version", id="turns.newer", show=False),
        Binding("i,tab", "screen.write", "write", id="turns.write", key_display="i"),
        Binding("s", "screen.inspect('sources')", "sources", id="turns.sources", show=False),
        *Transcript.BINDINGS,  # after ours, which matter more where there is no room for all
    ]

    @dataclass
    class Wanted(Message):
        """Something is to be done with a turn."""

        deed: Deed
        turn: ChatTurn

    @dataclass
    class Chose(Message):
        """Another turn is the one that is meant; None if there is none any more."""

        turn: ChatTurn | None

    def __init__(self) -> None:
        super().__init__()
        self._chosen: ChatTurn | None = None
        self._places: list[_Place] = []
        self._named_task = ""

    @property
    def chosen(self) -> ChatTurn | None:
        """The turn that is meant: that of the current block, or else the last."""
        places = self._places if self.current is None else self._places_until(self.current)
        return places[-1].turn if places else None

    def sources_of(self, block: Block) -> tuple[Hit, ...]:
        """What the citations of a block are about: the hits that were recalled last before it."""
        recalled = (hits_of(place.turn.facts) for place in reversed(self._places_until(block)))
        return next(filter(None, recalled), ())

    # What is shown

    def name_task(self, task: str, model: str, description: str = "") -> None:
        """Say who is talked to from here on, unless that was said."""
        self.extend(self._heading(task, model, description))

    def begin(self, turn: ChatTurn, chat: Chat) -> None:
        """Show the prompt of a turn; what is added after it belongs to it."""
        self.mark(None)
        self._places.append(_Place(turn, len(self.blocks), self._named_task))
        self.extend(_prompt(turn, chat))
        self._choose()

    def show_sources(self, hits: Sequence[Hit]) -> None:
        """Show what was recalled for the last turn, folded."""
        self.extend([_sources(hits)])

    def fold_thoughts(self) -> None:
        """Fold what was thought last: the answer begins."""
        self.fold(self.blocks[-1], title=_thought_title(self._places[-1].turn.facts))

    def show(self, chat: Chat) -> None:
        """Show the path of a chat anew, and its end."""
        self.clear()
        self._show_path(chat, chat.path)
        self.follow()
        self._choose()

    def show_version(self, version: ChatTurn, chat: Chat, instead_of: ChatTurn) -> None:
        """Show another version of a turn and what follows it, and let it be the one that is meant."""
        path = chat.path
        self.cut_from(instead_of)
        self._show_path(chat, path[path.index(version) :])
        self.move_to_turn(version)

    def move_to_turn(self, turn: ChatTurn) -> None:
        """Let a turn be the current one, and show its prompt."""
        self.move_to(self.blocks[next(place.block for place in self._places if place.turn is turn)])

    def cut_from(self, turn: ChatTurn) -> None:
        """Take away a turn and what follows it."""
        number = next(number for number, place in enumerate(self._places) if place.turn is turn)
        place = self._places[number]
        del self._places[number:]
        self._named_task = place.task
        self.cut(place.block)
        self._choose()

    def clear(self) -> None:
        """Show nothing."""
        self._places.clear()
        self._named_task = ""
        super().clear()
        self._choose()

    def mark(self, block: Block | None) -> None:
        """Mark a block as the current one, and with it its turn."""
        super().mark(block)
        self._choose()

    def action_want(self, deed: Deed) -> None:
        """Have something done with the turn that is meant."""
        if self.chosen is not None:
            self.post_message(self.Wanted(deed, self.chosen))

    # How it is done

    def _show_path(self, chat: Chat, path: Sequence[ChatTurn]) -> None:
        """Add turns, all at once: what is not seen yet need not be laid out."""
        first, parts = len(self.blocks), list[Part]()
        for turn in path:
            parts += self._heading(turn.task, turn.model)
            self._places.append(_Place(turn, first + len(parts), self._named_task))
            parts += [*_prompt(turn, chat), *_answer(turn)]
        self.extend(parts)

    def _heading(self, task: str, model: str, description: str = "") -> list[Part]:
        if task == self._named_task:
            return []
        self._named_task = task
        divider = Part(Kind.DIVIDER, Passage(f"{task} · {model}" if model else task))
        return [divider, Part(Kind.NOTICE, Passage(description))] if description else [divider]

    def _choose(self) -> None:
        """Tell which turn is meant, if it is another one."""
        chosen = self.chosen
        if chosen is not self._chosen:
            self._chosen = chosen
            self.post_message(self.Chose(chosen))

    def _places_until(self, block: Block) -> list[_Place]:
        """The turns up to that of a block."""
        number = self.blocks.index(block)
        return [place for place in self._places if place.block <= number]


def _prompt(turn: ChatTurn, chat: Chat) -> Iterator[Part]:
    yield Part(Kind.PROMPT, Passage(turn.prompt), _prompt_title(turn.prompt))
    versions = chat.versions(turn)
    if len(versions) > 1:
        yield Part(Kind.NOTICE, Passage(f"{versions.index(turn) + 1}/{len(versions)} · ⇥ [ ] other versions"))


def _prompt_title(prompt: str) -> str:
    """What a long prompt is folded to: its last line, where the question is behind what it is about."""
    n_lines = prompt.count("\n") + 1
    if n_lines <= LONG_LINES and len(prompt) <= LONG_CHARACTERS:
        return ""
    size = f"{n_lines} lines" if n_lines > 1 else f"{len(prompt)} characters"
    return f"{size} · {prompt.rstrip().rpartition(chr(10))[2].strip()}"


def _answer(turn: ChatTurn) -> Iterator[Part]:
    """What was recalled, thought and said, and how it ended."""
    hits = hits_of(turn.facts)
    if hits:
        yield _sources(hits)
    if turn.thinking:
        yield Part(Kind.THINKING, Passage(turn.thinking), _thought_title(turn.facts))
    if turn.answer:
        yield Part(Kind.ANSWER, Passage(turn.answer, forced_of(turn.facts)))
    if turn.state in ENDS:
        error = turn.facts.get("error")
        yield Part(Kind.ERROR if error else Kind.MARK, Passage(str(error or ENDS[turn.state])))


def _sources(hits: Sequence[Hit]) -> Part:
    return Part(Kind.SOURCES, Passage(sources_text(hits)), sources_title(hits))


def _thought_title(facts: Facts) -> str:
    counted = thought_of(facts)
    return f"thinking {counted[0]} tok {counted[1]:.1f}s" if counted else "thinking"
