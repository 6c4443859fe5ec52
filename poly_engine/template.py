"""Chat templates: a conversation rendered by the jinja2 template that a model carries.

The template runs in jinja2's sandbox, over placeholders instead of what was said: so its output can be taken apart
again into what the template wrote and what somebody said. What it writes as JSON of what was said is said, too: only
there is a text escaped as JSON wants it.
"""

import json
import re
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn, TypeAlias

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from poly_engine.errors import InvalidRequest
from poly_engine.prompts import Answered, Asked, Exchange, Said, Segment, Written
from poly_engine.tools.form import (
    CallForm,
    Message,
    Messages,
    call_message,
    find_form,
    id_in_template,
    result_message,
)
from poly_engine.tools.types import Tool, ToolCall, ToolResult
from poly_engine.types import PartKind

_MARK = "\ufdd0{}\ufdd1"  # noncharacters: no text in use has them, and `trim` leaves them alone
_MARKED = re.compile("\ufdd0([0-9]{1,9})\ufdd1")
_IN_JSON = re.compile("\ufdd2([0-9]{1,9})\ufdd3")
_JSON_BETWEEN = re.compile(r'"(?:[\s{}\[\],:]|"[a-zA-Z0-9_.-]*"|-?[0-9][0-9.eE+-]*+|true|false|null)*+"')
"""What may stand between two texts in JSON, and can be none of the tokens that mark something."""
_HARMLESS = re.compile(r"[a-zA-Z0-9_.-]{0,64}")
"""What may be in the hands of a template as it is: it asks whether the type of a parameter is "string", say."""

Special: TypeAlias = tuple[tuple[str, str], ...]

_LONGEST_PRODUCT = 100_000


class ChatTemplate:
    """Renders conversations with a jinja2 template, as `transformers` and llama.cpp do.

    `special` are the tokens that templates name, such as `bos_token`. Raises InvalidRequest when the template does
    not parse, or refuses the conversation.
    """

    def __init__(self, source: str, system: Written | Said | None, special: Mapping[str, str]) -> None:
        _compile(source)
        self._source = source
        self._system = system
        self._special: Special = tuple(special.items())

    def segments(self, exchanges: Sequence[Exchange], asked: Asked) -> list[Segment]:
        """The whole conversation, up to where the answer begins."""
        told = _Told()
        messages: list[Message] = []
        if self._system is not None:
            messages.append({"role": "system", "content": told.mark(self._system)})
        for exchange in exchanges:
            messages += told.asked(exchange.prompt, exchange.recalled, exchange.results)
            messages.append(self._answered(exchange, told))
        messages += told.asked(asked.prompt, asked.recalled, asked.results)
        text = _render(self._source, self._special, messages, [told.tool(tool) for tool in asked.tools])
        if missing := told.missing_in(text):
            raise InvalidRequest(f"the chat template of the model leaves out {missing}")
        return told.taken_apart(text)

    def call_form(self) -> CallForm:
        """How the template writes calls of tools. Raises InvalidRequest if it does not, or in another way than JSON."""
        form = _call_form(self._source, self._special)
        if form is None:
            raise InvalidRequest(
                "the chat template of the model knows no tools, or writes calls in a way that is not supported (their "
                "arguments have to be a JSON object): use another model, or bind the answer to a schema instead"
            )
        return form

    def _answered(self, exchange: Exchange, told: "_Told") -> Message:
        if not exchange.calls:
            return {"role": "assistant", "content": told.mark(*exchange.answer, text=exchange.text)}
        has_text = self.call_form().has_text_arguments
        text = exchange.text.rstrip()  # what stands between it and the calls is the template's to say
        content = told.mark(Said(text, "answer")) if text else ""
        return call_message(content, [told.call(call, has_text=has_text) for call in exchange.calls])


@dataclass(frozen=True, slots=True)
class _Words:
    """What somebody said, or the model answered, as segments and as text."""

    segments: tuple[Segment, ...]
    text: str

    @property
    def pieces(self) -> list[tuple[PartKind, str]]:
        """The text, by the kinds of what it consists of."""
        match self.segments:
            case (Said() as said,):
                return said.pieces
            case (Written(kind=kind) | Answered(kind=kind), *_):
                return [(kind, self.text)]
        return [("answer", self.text)]


class _Told:
    """What was said in a conversation, each under a mark that stands for it in the hands of a template."""

    def __init__(self) -> None:
        self._words: list[_Words] = []
        self._needed: dict[int, str] = {}
        self._prompt: int | None = None
        self._ids: dict[str, tuple[str, str]] = {}

    def mark(self, *segments: Segment, text: str = "") -> str:
        """A mark for segments; `text` is what they say, if they are not one text."""
        said = "".join(segment.text for segment in segments if isinstance(segment, Said | Written))
        self._words.append(_Words(segments, text or said))
        return _MARK.format(len(self._words) - 1)

    def asked(self, prompt: str, recalled: str, results: Sequence[ToolResult]) -> list[Message]:
        """What a model is asked in a turn."""
        messages = [self._result(result) for result in results]
        if prompt or recalled or not results:
            self._prompt = len(self._words)
            said = Said.joined([("recalled", recalled), ("prompt", prompt)])
            messages.append({"role": "user", "content": self.mark(said)})
        return messages

    def call(self, call: ToolCall, *, has_text: bool) -> tuple[str, object, object]:
        """The id, the name and the arguments of a call."""
        self._needed[len(self._words)] = "the call of a tool"
        name = self.mark(Said(call.name, "answer"))
        self._ids[call.id] = id_in_template(len(self._ids)), call.name
        arguments = self.mark(Said(call.arguments, "answer")) if has_text else self._of_json(call.arguments, "answer")
        return self._ids[call.id][0], name, arguments

    def tool(self, tool: Tool) -> object:
        """The description of a tool."""
        description, parameters = self._foreign(tool.description, "system"), self._of_json(tool.parameters, "system")
        function = {"name": tool.name, "description": description, "parameters": parameters}
        return {"type": "function", "function": function}

    def missing_in(self, text: str) -> str:
        """What a template left out that has to be in a text, in words; "" if nothing is missing."""
        found = {int(number) for marks in (_MARKED, _IN_JSON) for number in marks.findall(text)}
        needed = self._needed if self._prompt is None else {**self._needed, self._prompt: "what the user says"}
        return next((what for number, what in needed.items() if number not in found), "")

    def taken_apart(self, text: str) -> list[Segment]:
        """What a template wrote and what somebody said, in a text with marks."""
        segments: list[Segment] = []
        json_said: list[tuple[PartKind, str]] = []  # with what stands between, so that it is tokenized in one piece
        parts = _IN_JSON.split(text)
        for i, part in enumerate(parts):
            if i % 2:
                json_said += self._in_json(int(part))
            elif 0 < i < len(parts) - 1 and _JSON_BETWEEN.fullmatch(part):
                json_said.append((json_said[-1][0], part))
            else:
                segments += [Said.joined(json_said)] if i else []
                segments += self._between(part)
                json_said = []
        return segments

    def _between(self, text: str) -> list[Segment]:
        segments: list[Segment] = []
        for i, part in enumerate(_MARKED.split(text)):
            if i % 2:  # a template may write marks of its own
                segments += self._words[int(part)].segments if int(part) < len(self._words) else ()
            elif part:
                segments.append(Written(part))
        return segments

    def _in_json(self, number: int) -> list[tuple[PartKind, str]]:
        nothing: list[tuple[PartKind, str]] = [("template", "")]
        pieces = self._words[number].pieces if number < len(self._words) else nothing
        return [(kind, json.dumps(text, ensure_ascii=False)[1:-1]) for kind, text in pieces]

    def _result(self, result: ToolResult) -> Message:
        id_, name = self._ids.get(result.id, (id_in_template(len(self._ids)), ""))
        self._needed[len(self._words)] = "what a tool returned"
        content = self.mark(Said(result.content))
        return result_message(id_, self.mark(Said(name)), content)

    def _of_json(self, text: str, kind: PartKind) -> object:
        try:
            return self._foreign(json.loads(text), kind)
        except RecursionError as error:
            raise InvalidRequest("what is said of a tool, or to it, is nested too deeply") from error

    def _foreign(self, value: object, kind: PartKind) -> object:
        match value:
            case str():
                return value if _HARMLESS.fullmatch(value) else self.mark(Said(value, kind))
            case dict():
                return {self._foreign(key, kind): self._foreign(one, kind) for key, one in value.items()}
            case list():
                return [self._foreign(one, kind) for one in value]
        return value


def _render(source: str, special: Special, messages: Messages, tools: Sequence[object], *, is_open: bool = True) -> str:
    given: dict[str, object] = {"tools": tools} if tools else {}
    try:
        return _compile(source).render(messages=messages, add_generation_prompt=is_open, **given, **dict(special))
    except jinja2.TemplateError as error:
        raise InvalidRequest(f"the chat template of the model refuses this conversation: {error}") from error
    except Exception as error:  # it is a program that somebody else wrote: it may raise anything
        raise InvalidRequest(f"the chat template of the model failed: {_in_words(error)}") from error


@lru_cache(maxsize=64)
def _call_form(source: str, special: Special) -> CallForm | None:
    return find_form(lambda messages, tools, is_open: _render(source, special, messages, tools, is_open=is_open))


class _Sandbox(ImmutableSandboxedEnvironment):
    """Refuses, too, what could take all memory, or all threads of Python, in one step."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # values of the template
        size = len(left) if isinstance(left, Sized) else len(right) if isinstance(right, Sized) else 0
        n_times = right if isinstance(left, Sized) else left
        if operator == "**" or (size and isinstance(n_times, int) and size * n_times > _LONGEST_PRODUCT):
            raise SecurityError(f"{operator} is not for a chat template, or its result is too long")
        return super().call_binop(context, operator, left, right)


@lru_cache(maxsize=64)
def _compile(source: str) -> jinja2.Template:
    environment = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = _as_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(form)
    try:
        return environment.from_string(source)
    except (
        jinja2.TemplateError,
        SyntaxError,
        RecursionError,
        MemoryError,
        ValueError,
    ) as error:  # the last four: Python
        raise InvalidRequest(f"the chat template of the model cannot be used: {_in_words(error)}") from error


def _as_json(
    value: object,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    *,
    ensure_ascii: bool = False,  # noqa: ARG001 - a mark could not be found again
    sort_keys: bool = False,
) -> str:
    """As `transformers` has it: characters as they are, for these are no web pages. Marks in it are those of JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, sort_keys=sort_keys)
    return _in_json(text)


def _in_json(text: str) -> str:
    return _MARKED.sub("\ufdd2\\1\ufdd3", text)


def _in_words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
