"""What crosses the `Engine` interface about tools: what may be called, what was called, and what came of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from poly_engine.errors import InvalidRequest, InvalidSchema

__all__ = ["Calling", "Tool", "ToolCall", "ToolChoice", "ToolResult", "Tools"]

ToolChoice: TypeAlias = Literal["auto", "required"]

MOST_TOOLS = 128
NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")

_NO_PARAMETERS: Mapping[str, object] = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function of the caller. `parameters` is the JSON schema of its arguments, as JSON text.

    Raises InvalidRequest for a name that is none.
    """

    name: str
    description: str = ""
    parameters: str = json.dumps(_NO_PARAMETERS)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidRequest(
                f"{self.name[:80]!r} is no name of a tool: up to 64 letters, digits, underscores, dots and dashes"
            )

    @property
    def texts(self) -> list[str]:
        """All that is said in it."""
        return [self.name, self.description, *_texts_in(self.parameters)]

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, object] | None = None, description: str = "") -> "Tool":
        """A tool whose arguments fit a JSON schema; without one it takes none. Raises InvalidSchema, too."""
        try:
            schema = json.dumps(_NO_PARAMETERS if parameters is None else parameters, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidSchema(f"the schema cannot be written as JSON: {error}") from error
        return cls(name, description, schema)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a model may call in a turn: any of the `tools`, as often as it likes unless `is_parallel` is off.

    With the choice `auto` it answers in words or calls, or both; with `required` it calls, and says nothing else. If
    `only` names one of the tools, then it is that one. Raises InvalidRequest where there is nothing to choose.
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice = "auto"
    only: str | None = None
    is_parallel: bool = True

    def __post_init__(self) -> None:
        names = [tool.name for tool in self.tools]
        if not names:
            raise InvalidRequest("there are no tools to choose from: name one, or leave tools out")
        if len(names) > MOST_TOOLS:
            raise InvalidRequest(f"there are {len(names)} tools, and at most {MOST_TOOLS} can be chosen from")
        for name in names:
            if names.count(name) > 1:
                raise InvalidRequest(f"two tools have the name {name}")
        if self.only is not None and self.only not in names:
            raise InvalidRequest(f"there is no tool {self.only} (there is: {', '.join(names[:20])})")

    @property
    def eligible(self) -> tuple[Tool, ...]:
        """Those that may be called."""
        return tuple(tool for tool in self.tools if self.only in (None, tool.name))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model calls a tool: `arguments` are a JSON object as text, which fits the parameters of the tool.

    As an event: the call is complete. Raises InvalidRequest for arguments that are none.
    """

    id: str
    name: str
    arguments: str

    def __post_init__(self) -> None:
        try:
            is_object = isinstance(json.loads(self.arguments), dict)
        except (ValueError, RecursionError):
            is_object = False
        if not is_object:
            raise InvalidRequest(f"the arguments of the call of {self.name[:80]} have to be a JSON object, as text")

    @property
    def texts(self) -> list[str]:
        """All that is said in it."""
        return [self.name, *_texts_in(self.arguments)]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call; `id` is that of the call."""

    id: str
    content: str


@dataclass(frozen=True, slots=True)
class Calling:
    """A piece of call number `number` of this answer, from 0: a part of the JSON text of its arguments. The first event
    of each call has none: it says that the tool is called.
    """

    number: int
    id: str
    name: str
    arguments: str


def _texts_in(text: str) -> list[str]:
    """The text of something in JSON, and all texts within it: a template may write either."""
    texts = [text]
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):  # which is for others to say
        return texts
    while waiting:
        match waiting.pop():
            case str(one):
                texts.append(one)
            case dict(one):
                waiting += [*one.keys(), *one.values()]
            case list(one):
                waiting += one
    return texts
