"""Tools, as the scripted engine calls them."""

from collections.abc import Sequence

from poly_engine.bias.grammar import grammar
from poly_engine.errors import InvalidRequest
from poly_engine.tools.plan import bias_of_arguments
from poly_engine.types import ToolCall, ToolResult, Tools, Turn

__all__ = ["check_tools", "forced_calls"]


def check_tools(tools: Tools | None, results: Sequence[ToolResult], schema: object, turns: Sequence[Turn]) -> None:
    """Raise InvalidRequest for what cannot be beside tools, and for results without their call."""
    if tools is not None and schema is not None:
        raise InvalidRequest("an answer is bound to a schema or calls tools: leave out either")
    calls = turns[-1].calls if turns else ()
    for result in results:
        if result.id not in [call.id for call in calls]:
            raise InvalidRequest(f"there is a result of the call {result.id!r}, which the last answer had not")


def forced_calls(tools: Tools) -> tuple[ToolCall, ...]:
    """The call that has to be made, with the shortest arguments; none where there is a choice. Raises InvalidSchema."""
    shortest = [grammar(bias_of_arguments(tool)).shortest.decode() for tool in tools.eligible]
    if tools.choice == "auto" and tools.only is None:
        return ()
    return (ToolCall("call_0", tools.eligible[0].name, shortest[0]),)
