"""Tools in a chat, as OpenAI has them."""

import asyncio
import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from poly_engine import InvalidRequest, InvalidSchema, Tool, Tools
from poly_engine.tools.plan import bias_of_arguments
from poly_engine.tools.types import MOST_TOOLS, NAME
from poly_serve.inputs import InvalidParameter
from poly_serve.openai.settings import Settings

__all__ = ["ToolSettings"]

_LONGEST_S = 10
"""Parameters take milliseconds mostly, and up to two seconds each if somebody wants it so."""
_CHOICES = ("none", "auto", "required")


class Function(BaseModel):
    """A function of the client. Its arguments always fit the parameters, strict or not."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None  # Any: as JSON
    strict: bool | None = None


class FunctionTool(BaseModel):
    """A tool, of the only type that there is here."""

    model_config = ConfigDict(strict=True, frozen=True)

    type: Literal["function"]
    function: Function


class NamedFunction(BaseModel):
    """One of the functions."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: str


class NamedChoice(BaseModel):
    """The one tool that has to be called."""

    model_config = ConfigDict(strict=True, frozen=True)

    type: Literal["function"]
    function: NamedFunction


def _choice(value: object) -> object:
    match value:
        case str() if value in _CHOICES:
            return value
        case {"type": "function", "function": {"name": str()}}:
            return value
    reason = 'has to be "none", "auto", "required" or {"type": "function", "function": {"name": …}}'
    raise PydanticCustomError("no_choice", "{reason}", {"reason": reason})


class ToolSettings(Settings):
    """The settings of a request in which tools may be called."""

    tools: Annotated[list[FunctionTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Annotated[Literal["none", "auto", "required"] | NamedChoice, BeforeValidator(_choice)] | None = None
    parallel_tool_calls: bool | None = None

    async def usable_tools(self) -> Tools | None:
        """The tools that may be called; None if none may. Raises InvalidParameter."""
        choice = self.tool_choice or "auto"
        if not self.tools:
            if choice not in ("none", "auto"):
                raise InvalidParameter("tool_choice", "asks for a call, and there are no tools: name them in tools")
            return None
        tools = await self._sound()
        if choice == "none":
            return None
        if self.bias is not None:
            reason = (
                "cannot be called where the answer is bound to a schema: leave out either, or set tool_choice to none"
            )
            raise InvalidParameter("tools", reason)
        if self.stop and choice != "auto":
            raise InvalidParameter("stop", "does not end calls that tool_choice asks for: leave out either")
        return self._chosen(tools, choice)

    async def _sound(self) -> tuple[Tool, ...]:
        """The tools, whose parameters can all be enforced. What was compiled once is known the next time."""
        deadline = time.monotonic() + _LONGEST_S
        tools: list[Tool] = []
        for number, tool in enumerate(self.tools or ()):
            tools.append(await self._tool(number, tool.function))
            if time.monotonic() > deadline and number + 1 < len(self.tools or ()):
                reason = f"the parameters of the first {number + 1} took {_LONGEST_S} s to compile: demand less of them"
                raise InvalidParameter("tools", reason)
        return tuple(tools)

    def _chosen(self, tools: tuple[Tool, ...], choice: str | NamedChoice) -> Tools:
        only = choice.function.name if isinstance(choice, NamedChoice) else None
        if only is not None and only not in [tool.name for tool in tools]:
            raise InvalidParameter("tool_choice.function.name", f"there is no tool {only[:80]} in tools")
        try:
            return Tools(tools, "auto" if choice == "auto" else "required", only, self.parallel_tool_calls is not False)
        except InvalidRequest as error:
            raise InvalidParameter("tools", str(error)) from error

    async def _tool(self, number: int, function: Function) -> Tool:
        try:
            tool = Tool.of(function.name, function.parameters, function.description or "")
            await asyncio.to_thread(bias_of_arguments, tool)  # which takes a second for some, the first time
        except InvalidSchema as error:
            raise InvalidParameters(f"tools[{number}].function.parameters", str(error)) from error
        return tool


class InvalidParameters(InvalidParameter):
    """The parameters of a function are a schema that cannot be enforced."""

    code = InvalidSchema.code
