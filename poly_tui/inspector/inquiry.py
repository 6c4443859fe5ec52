"""What the inspector has to ask an engine for: the prompt of a turn, and the memory of a task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from poly_engine.types import PromptPart, Turn
from poly_tui.backend import Backend
from poly_tui.chats.tree import ChatTurn
from poly_tui.inspector.records import Records
from poly_tui.screens.conversation import Conversation

__all__ = ["Inquiry", "SentPrompt"]

MADE_ANEW = "made anew, as it would be sent now"


@dataclass(frozen=True, slots=True)
class SentPrompt:
    """The parts of a prompt, and what is to be known of them."""

    parts: Sequence[PromptPart]
    note: str = ""


class Inquiry:
    """Asks the engine; `conversation` is the one that goes on at the moment."""

    def __init__(self, backend: Backend, conversation: Callable[[], Conversation], records: Records) -> None:
        self._backend = backend
        self._conversation = conversation
        self._records = records

    async def prompt(self, turn: ChatTurn) -> SentPrompt:
        """The prompt of a turn as it was sent, or else as it would be sent now. Raises a PolyError."""
        record = self._records.of(turn)
        if record is not None and record is self._records.newest and record.has_begun and record.parts is None:
            record.parts = tuple(await self._conversation().sent())
        if record is not None and record.parts:
            return SentPrompt(record.parts)
        said = turn.parent.path if turn.parent else ()
        history = tuple(Turn(one.prompt, one.answer) for one in said if one.is_remembered)
        engine = await self._backend.engine()
        return SentPrompt(await engine.prompt_parts(turn.task, turn.prompt, history=history), MADE_ANEW)

    async def memory(self, task: str) -> str:
        """The name of the memory that a task uses, empty if it uses none. Raises a PolyError."""
        memorization = (await (await self._backend.engine()).settings(task)).get("memorization")
        return str(memorization.get("memory", "")) if isinstance(memorization, dict) else ""
