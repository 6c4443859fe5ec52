"""Chat templates: a conversation rendered by the jinja2 template that a model carries.

The template runs in jinja2's sandbox, over placeholders instead of what was said: so its output can be taken apart
again into what the template wrote and what somebody said.
"""

import json
import re
from collections.abc import Sequence, Sized
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from poly_engine.errors import InvalidRequest
from poly_engine.prompts import Exchange, Said, Segment, Written

_MARK = "\ufdd0{}\ufdd1"  # noncharacters: no text in use has them, and `trim` leaves them alone
_MARKED = re.compile("\ufdd0([0-9]{1,9})\ufdd1")

_LONGEST_PRODUCT = 100_000


class ChatTemplate:
    """Renders conversations with a jinja2 template, as `transformers` and llama.cpp do.

    `special` are the tokens that templates name, such as `bos_token`. Raises InvalidRequest when the template does
    not parse, or refuses the conversation.
    """

    def __init__(self, source: str, system: Written | Said | None, special: dict[str, str]) -> None:
        self._template = _compile(source)
        self._system = system
        self._special = special

    def segments(self, exchanges: Sequence[Exchange], prompt: str, recalled: str = "") -> list[Segment]:
        """The whole conversation, up to where the answer begins."""
        said: list[tuple[Segment, ...]] = []
        messages: list[dict[str, str]] = []

        def say(role: str, *segments: Segment) -> None:
            messages.append({"role": role, "content": _MARK.format(len(said))})
            said.append(segments)

        if self._system is not None:
            say("system", self._system)
        for exchange in exchanges:
            say("user", Said(exchange.recalled + exchange.prompt))
            say("assistant", *exchange.answer)
        say("user", Said(recalled + prompt))
        text = self._render(messages)
        if messages[-1]["content"] not in text:
            raise InvalidRequest("the chat template of the model leaves out what the user says")
        return _taken_apart(text, said)

    def _render(self, messages: list[dict[str, str]]) -> str:
        try:
            return self._template.render(messages=messages, add_generation_prompt=True, **self._special)
        except jinja2.TemplateError as error:
            raise InvalidRequest(f"the chat template of the model refuses this conversation: {error}") from error
        except Exception as error:  # it is a program that somebody else wrote: it may raise anything
            raise InvalidRequest(f"the chat template of the model failed: {_in_words(error)}") from error


def _taken_apart(text: str, said: Sequence[tuple[Segment, ...]]) -> list[Segment]:
    segments: list[Segment] = []
    for i, part in enumerate(_MARKED.split(text)):
        if i % 2:
            segments += said[int(part)] if int(part) < len(said) else ()  # a template may write marks of its own
        elif part:
            segments.append(Written(part))
    return segments


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
    environment.filters["tojson"] = _to_json
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


def _to_json(value: object, indent: int | None = None) -> str:
    """As `transformers` has it: characters as they are, for these are no web pages."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _in_words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
