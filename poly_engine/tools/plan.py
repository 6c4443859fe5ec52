"""What an answer has to look like in which tools may be called, or have to be."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from poly_engine.bias.grammar import grammar
from poly_engine.errors import InvalidSchema
from poly_engine.tools.form import ID_LETTERS, CallForm
from poly_engine.tools.types import Tool, ToolCall, Tools
from poly_engine.types import Bias

__all__ = ["CallPlan", "bias_of_arguments", "fault_of", "plan_calls"]


_LONGEST_S = 10
"""Parameters take milliseconds mostly, and up to two seconds each if somebody wants it so."""


_OTHER_KEYS = ('{"type": "function"', '{"type":"function"')
"""What models write, too, that were taught to begin with the name: Llama 3 does often."""


class Marks(Protocol):
    """What has to be known of a vocabulary."""

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a generation."""

    def template_tokens(self, text: str) -> list[int]:
        """The tokens of a text that we wrote."""

    def is_markup(self, token: int) -> bool:
        """Whether a token marks something, so that a text cannot hold it."""

    def name(self, token: int) -> str:
        """The text of a token."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """How calls come into an answer: all of it looks as `bias` says, or, with `signs`, what begins with one of these.
    Then the answer is free up to there; if `is_opening`, they count at the beginning of an answer only.

    `marks` are tokens that otherwise could not be in an answer, with their texts: such as <tool_call>.
    """

    form: CallForm
    bias: Bias
    marks: tuple[tuple[int, str], ...]
    signs: tuple[str, ...]
    is_opening: bool


def plan_calls(form: CallForm, tools: Tools, vocabulary: Marks) -> CallPlan:
    """Plan the calls of an answer. Raises InvalidSchema for a tool whose parameters cannot be enforced."""
    marks: dict[int, str] = {}
    for text in form.literals:
        for token in vocabulary.template_tokens(text):
            if vocabulary.is_markup(token) and token not in vocabulary.ends:
                marks[token] = vocabulary.name(token)
    mark = next((text for text in marks.values() if form.start.startswith(text)), "")
    sign = mark or form.sign
    return CallPlan(
        form,
        _bias(form, tools),
        tuple(marks.items()),
        () if tools.choice == "required" or tools.only else (sign,) if sign else (form.first_key, *_OTHER_KEYS),
        is_opening=not sign,
    )


def bias_of_arguments(tool: Tool) -> Bias:
    """What the arguments of a call have to look like. Raises InvalidSchema."""
    try:
        schema = json.loads(tool.parameters)
    except (ValueError, RecursionError) as error:
        raise InvalidSchema(f"the parameters of the tool {tool.name} are not JSON: {error}") from error
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        reason = f'the parameters of the tool {tool.name} have to be an object: a JSON schema of the type "object"'
        raise InvalidSchema(reason)
    bias = Bias.of_schema({"type": "object", **schema})
    try:
        grammar(bias)
    except InvalidSchema as error:
        raise InvalidSchema(f"the parameters of the tool {tool.name}: {error}") from error
    return bias


def fault_of(call: ToolCall, tools: Tools) -> str:
    """Return what is wrong with a call, by somebody else's judgement; "" if nothing is."""
    from poly_engine.bias.verify import fault  # jsonschema costs 120 ms, and most sessions do without

    tool = next((tool for tool in tools.eligible if tool.name == call.name), None)
    return f"there is no tool {call.name}" if tool is None else fault(bias_of_arguments(tool), call.arguments)


def _bias(form: CallForm, tools: Tools) -> Bias:
    rules = [f"start: {_literal(form.start)} call {_more(form, tools)} {_around_ids(form.last)}"]
    if form.has_ids:
        rules.append(f"ID: /[a-zA-Z0-9]{{{ID_LETTERS}}}/")
    rules.append(f"call: {' | '.join(f'call{number}' for number, _ in enumerate(tools.eligible))}")
    deadline = time.monotonic() + _LONGEST_S
    for number, tool in enumerate(tools.eligible):
        if time.monotonic() > deadline:
            raise InvalidSchema(f"the parameters of {number} tools took {_LONGEST_S} s to compile: demand less of them")
        rules.append(f"call{number}: {_around_ids(tool.name + form.middle)} arguments{number}")
        rules.append(f"arguments{number}: %json {_schema(form, tool)}")
    return Bias("lark", "\n".join(rules))


def _more(form: CallForm, tools: Tools) -> str:
    return "" if form.joint is None or not tools.is_parallel else f"({_around_ids(form.joint)} call)*"


def _around_ids(text: str) -> str:
    return " ID ".join(_literal(part) if part else "" for part in CallForm.parts_of(text))


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _schema(form: CallForm, tool: Tool) -> str:
    """The schema as it was found to be sound, with the spaces between values that the template writes."""
    schema: Mapping[str, object] = json.loads(grammar(bias_of_arguments(tool)).schema or "{}")
    spaces = {"key_separator": form.key_separator, "item_separator": form.item_separator}
    own = schema.get("x-guidance")
    options = {"whitespace_flexible": False, "json_allowed_escapes": 'nrbtf\\"', **spaces}
    return json.dumps({**schema, "x-guidance": {**options, **(own if isinstance(own, dict) else {})}})
