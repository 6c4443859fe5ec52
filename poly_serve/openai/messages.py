"""The messages of a chat, and the conversation that they are to a task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from poly_engine import InvalidRequest, ToolCall, ToolResult, Turn
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


def _content(content: object, info: ValidationInfo) -> object:
    """Who calls tools need not say anything."""
    return "" if content is None and info.data.get("tool_calls") else _text(content)


def _refuse(value: object) -> None:
    if value not in (None, "", [], {}):
        raise PydanticCustomError("unsupported", "is not supported: leave it out")


def _calls(value: object, info: ValidationInfo) -> object:
    if info.data.get("role") != "assistant":
        _refuse(value)
    return value or None


def _name(value: object, info: ValidationInfo) -> object:
    """Of a tool, many clients give the name, which its call says already."""
    if info.data.get("role") != "tool":
        _refuse(value)
    return value or None


def _without_default(schema: dict[str, Any]) -> None:  # Any: as JSON
    """What is not of its own type is no default to a JSON schema."""
    del schema["default"]


Unsupported = Annotated[object, AfterValidator(_refuse)]


class CalledFunction(BaseModel):
    """The function that was called; its arguments are JSON as text, or nothing."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: str
    arguments: str


class MessageCall(BaseModel):
    """A call of a tool in a message of the assistant."""

    model_config = ConfigDict(strict=True, frozen=True)

    id: str
    type: Literal["function"]
    function: CalledFunction


class Message(BaseModel):
    """One message of a chat."""

    model_config = ConfigDict(strict=True, frozen=True)

    role: Literal["system", "developer", "user", "assistant", "tool"]
    name: Annotated[object, AfterValidator(_name)] = None
    tool_calls: Annotated[list[MessageCall] | None, BeforeValidator(_calls)] = None
    tool_call_id: str | None = None
    function_call: Unsupported = None
    audio: Unsupported = None
    refusal: Unsupported = None
    content: Annotated[str, BeforeValidator(_content)] = Field(
        default=None,  # which is no text, unless tools are called
        validate_default=True,
        json_schema_extra=_without_default,
    )


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said before, and the prompt that is to be answered, or `results` of calls, or both. Without a system
    message the task has its own.
    """

    system: str | None
    history: tuple[Turn, ...]
    prompt: str
    results: tuple[ToolResult, ...] = ()

    @property
    def texts(self) -> Iterator[str]:
        """All that is said in it."""
        yield self.system or ""
        for turn in self.history:
            yield turn.prompt
            yield turn.answer
            yield from (result.content for result in turn.results)
        yield self.prompt
        yield from (result.content for result in self.results)


@dataclass(slots=True)
class _Draft:
    """A turn in the making. Texts of one side are one, with an empty line between them."""

    prompts: list[str] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    calls: dict[str, ToolCall] = field(default_factory=dict)

    @property
    def is_answered(self) -> bool:
        return bool(self.answers or self.calls)

    @property
    def turn(self) -> Turn:
        texts = _BETWEEN.join(self.prompts), _BETWEEN.join(self.answers)
        return Turn(*texts, tuple(self.calls.values()), tuple(self.results))


def conversation(messages: Sequence[Message]) -> Conversation:
    """The conversation in messages, the last of which is the user's or tells what tools returned. Raises
    InvalidParameter.

    Messages of the same role that follow each other are one, with an empty line between them. Where the assistant
    speaks first, the user said nothing before.
    """
    n_system = next((i for i, one in enumerate(messages) if one.role not in _SYSTEM), len(messages))
    for number, message in enumerate(messages[n_system:], n_system):
        if message.role in _SYSTEM:
            raise InvalidParameter(f"messages[{number}].role", f"{message.role} can only stand before all others")
    if messages[-1].role not in ("user", "tool"):
        raise InvalidParameter("messages", "the last one has to be the user's, or a tool's: it is what is answered")
    drafts = [_Draft()]
    for number, message in enumerate(messages[n_system:], n_system):
        _add(drafts, message, f"messages[{number}]")
    *history, last = (draft.turn for draft in drafts)
    system = _BETWEEN.join(message.content for message in messages[:n_system]) if n_system else None
    return Conversation(system, tuple(history), last.prompt, last.results)


def _add(drafts: list[_Draft], message: Message, where: str) -> None:
    if message.role != "assistant" and drafts[-1].is_answered:
        drafts.append(_Draft())
    draft = drafts[-1]
    match message.role:
        case "assistant":
            draft.answers += [message.content] if message.content or not message.tool_calls else []
            for number, call in enumerate(message.tool_calls or ()):
                _add_call(draft, call, f"{where}.tool_calls[{number}]")
        case "tool":
            draft.results.append(_result(drafts, message, where))
        case _:
            draft.prompts.append(message.content)


def _add_call(draft: _Draft, call: MessageCall, where: str) -> None:
    if call.id in draft.calls:
        raise InvalidParameter(f"{where}.id", "is the id of another call of the same answer")
    try:
        draft.calls[call.id] = ToolCall(call.id, call.function.name, call.function.arguments or "{}")
    except InvalidRequest as error:
        raise InvalidParameter(f"{where}.function.arguments", str(error)) from error


def _result(drafts: list[_Draft], message: Message, where: str) -> ToolResult:
    if message.tool_call_id is None:
        raise InvalidParameter(f"{where}.tool_call_id", "is missing: it says which call it is that this answers")
    calls = drafts[-2].calls if len(drafts) > 1 and not drafts[-1].prompts else {}
    if message.tool_call_id not in calls:
        reason = "is of no call in the assistant's message before: what a tool returned has to follow its call"
        raise InvalidParameter(f"{where}.tool_call_id", reason)
    if message.name not in (None, name := calls[message.tool_call_id].name):
        raise InvalidParameter(f"{where}.name", f"is not the name of what was called, which is {name}: leave it out")
    return ToolResult(message.tool_call_id, message.content)
