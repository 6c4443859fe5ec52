"""The messages of a chat, and the conversation that they are to a task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from poly_engine import Turn
from poly_serve.inputs import InvalidParameter

__all__ = ["Conversation", "Message", "conversation"]

_SYSTEM = ("system", "developer")
_BETWEEN = "\n\n"


def _text(content: object) -> object:
    """The text of a message: as it is, or in parts, which are lines as in llama.cpp."""
    if not isinstance(content, list):
        return content
    texts: list[str] = []
    for number, part in enumerate(content, 1):
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": str(kind)} if kind != "text":
                reason = f"part {number} is of the type {kind}, and only text can be read"
                raise PydanticCustomError("unsupported_part", "{reason}", {"reason": reason})
            case _:
                reason = f'part {number} has to be {{"type": "text", "text": …}}'
                raise PydanticCustomError("no_part", "{reason}", {"reason": reason})
    return "\n".join(texts)


def _refuse(value: object) -> None:
    if value not in (None, "", [], {}):
        raise PydanticCustomError("unsupported", "is not supported: leave it out")


Unsupported = Annotated[object, AfterValidator(_refuse)]


class Message(BaseModel):
    """One message of a chat."""

    model_config = ConfigDict(strict=True, frozen=True)

    role: Literal["system", "developer", "user", "assistant"]
    name: Unsupported = None
    tool_calls: Unsupported = None
    function_call: Unsupported = None
    audio: Unsupported = None
    refusal: Unsupported = None
    content: Annotated[str, BeforeValidator(_text)]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said before, and the prompt that is to be answered. Without a system message the task has its own."""

    system: str | None
    history: tuple[Turn, ...]
    prompt: str

    @property
    def texts(self) -> Iterator[str]:
        """All that is said in it."""
        yield self.system or ""
        for turn in self.history:
            yield turn.prompt
            yield turn.answer
        yield self.prompt


def conversation(messages: Sequence[Message]) -> Conversation:
    """The conversation in messages, the last of which is the user's. Raises InvalidParameter.

    Messages of the same role that follow each other are one, with an empty line between them. Where the assistant
    speaks first, the user said nothing before.
    """
    n_system = next((i for i, one in enumerate(messages) if one.role not in _SYSTEM), len(messages))
    for number, message in enumerate(messages[n_system:], n_system):
        if message.role in _SYSTEM:
            raise InvalidParameter(f"messages[{number}].role", f"{message.role} can only stand before all others")
    if messages[-1].role != "user":
        raise InvalidParameter("messages", "the last one has to be the user's: it is what is answered")
    said = groupby(messages[n_system:], key=lambda message: message.role)
    texts = [_BETWEEN.join(message.content for message in group) for _, group in said]
    if messages[n_system].role == "assistant":
        texts.insert(0, "")
    history = tuple(map(Turn, texts[:-1:2], texts[1::2]))
    system = _BETWEEN.join(message.content for message in messages[:n_system]) if n_system else None
    return Conversation(system, history, texts[-1])
