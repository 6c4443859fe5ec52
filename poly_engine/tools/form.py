"""How a chat template writes calls of tools: found out by rendering conversations with calls, and comparing.

Three conversations are enough: up to where an answer begins, with a plain answer, and with calls. What the last one has
in place of the plain answer is how a model of this template was taught to call.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeAlias

from poly_engine.errors import InvalidRequest

__all__ = [
    "ID_LETTERS",
    "CallForm",
    "Message",
    "Messages",
    "call_message",
    "find_form",
    "id_in_template",
    "result_message",
]

Message: TypeAlias = dict[str, object]
Messages: TypeAlias = Sequence[Message]
Render: TypeAlias = Callable[[Messages, Sequence[object], bool], str]
"""Messages and tools to text; at the end of it, the next answer begins or does not. Raises InvalidRequest."""

ID_LETTERS = 9
"""Mistral's templates take no other ids than of nine letters and digits."""

_ID = "\ufdd4"  # where an id stands in a text that is the same for all calls
_NAME = "poly_probe"
_ARGUMENTS: Mapping[str, object] = {"poly_key": "poly value", "poly_number": 1}
_QUESTION: Message = {"role": "user", "content": "poly question"}
_ANSWER, _RESULT = "poly answer", "poly result"
_TOOL = {
    "type": "function",
    "function": {
        "name": _NAME,
        "description": "probe",
        "parameters": {"type": "object", "properties": {"poly_key": {"type": "string", "description": "probe"}}},
    },
}
_MOST_CALLS = 3
_WITHOUT_OBJECT = re.compile(r"[{\[]")
_FIRST_KEY = re.compile(r'\s*[{\[][\s{\[]*"[^"]*"')
_ENDS_NAME = re.compile(f"[^a-zA-Z0-9_.{_ID}-]")
_SEPARATORS = re.compile(r'"poly_key"(?P<key>\s*:\s*)"poly value"(?P<item>\s*,\s*)"poly_number"')


@dataclass(frozen=True, slots=True)
class CallForm:
    """The texts around the name and the arguments of a call: `start` name `middle` arguments, then for each further
    call `joint` name `middle` arguments, then `last`. In all but the first an id may stand, at the place of a
    noncharacter: `parts_of` takes them apart there. Without a joint, there is only one call at a time.
    """

    start: str
    middle: str
    joint: str | None
    last: str
    item_separator: str = ", "
    key_separator: str = ": "
    has_text_arguments: bool = False
    """Whether the template wants the arguments of a call as JSON text, instead of as an object."""

    @staticmethod
    def parts_of(text: str) -> list[str]:
        """The parts of such a text, between which there are ids."""
        return text.split(_ID)

    @staticmethod
    def length_of(text: str) -> int:
        """How many letters such a text has with its ids."""
        return len(text) + (ID_LETTERS - 1) * text.count(_ID)

    @property
    def has_ids(self) -> bool:
        """Whether a model writes an id to each call."""
        return _ID in f"{self.middle}{self.joint}{self.last}"

    @property
    def literals(self) -> tuple[str, ...]:
        """All texts that are the same in each call."""
        return (
            self.start,
            *(part for text in (self.middle, self.joint or "", self.last) for part in self.parts_of(text)),
        )

    @property
    def sign(self) -> str:
        """What tells that a call begins, wherever it stands: the text before the JSON, "" if there is none."""
        return _WITHOUT_OBJECT.split(self.start, maxsplit=1)[0].strip()

    @property
    def first_key(self) -> str:
        """What a call begins with where nothing else tells it: the JSON up to the end of the first key."""
        found = _FIRST_KEY.match(self.start)
        return found[0].strip() if found else self.start.strip()


def call_message(content: object, calls: Sequence[tuple[str, object, object]]) -> Message:
    """A message in which the assistant calls: for each call its id, the name, and the arguments."""
    functions = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name, arguments in calls
    ]
    return {"role": "assistant", "content": content, "tool_calls": functions}


def result_message(id_: str, name: object, content: object) -> Message:
    """A message with what a tool returned."""
    return {"role": "tool", "tool_call_id": id_, "name": name, "content": content}


def id_in_template(number: int) -> str:
    """The id of a call as templates see it: theirs may be of any form, and somebody else's text."""
    return f"call{number:0{ID_LETTERS - 4}d}"


def find_form(render: Render) -> CallForm | None:
    """How a template writes calls; None if it knows no tools, or writes calls in another way than with the arguments as
    a JSON object behind the name.
    """
    for has_text_arguments in (False, True):
        arguments: object = json.dumps(_ARGUMENTS) if has_text_arguments else dict(_ARGUMENTS)
        form = _form(render, arguments)
        if form is not None:
            return form
    return None


def _form(render: Render, arguments: object) -> CallForm | None:
    prompt = _try(render, [_QUESTION], is_open=True)
    plain = _try(render, [_QUESTION, {"role": "assistant", "content": _ANSWER}])
    results = [_QUESTION, _called(1, arguments), result_message(id_in_template(0), _NAME, _RESULT)]
    if prompt is None or plain is None or _NAME not in prompt:
        return None
    if _RESULT not in (_try(render, results, is_open=True) or ""):
        return None
    base = _common(prompt, plain)  # some prompts end with what the answers of a history do not begin with
    opened, (before, _, end) = prompt[len(base) :].strip(), plain[len(base) :].partition(_ANSWER)
    if str(_QUESTION["content"]) not in base or (opened and opened in before):
        return None

    def texts_around(n_calls: int) -> list[str] | None:
        text = _try(render, [_QUESTION, _called(n_calls, arguments)])
        if text is None or not text.startswith(base):
            return None
        written = text[len(base) :].removeprefix(before).rstrip()
        return _around(written.removesuffix(end.strip()), n_calls) if written.endswith(end.strip()) else None

    one, *others = [texts_around(n) for n in range(1, _MOST_CALLS + 1)]
    if one is None:
        return None
    start, middle, last = one
    if not start.strip() or not _ENDS_NAME.match(middle) or (opened and opened in start):
        return None
    separators = _SEPARATORS.search(_try(render, [_QUESTION, _called(1, arguments)]) or "")
    return CallForm(
        start,
        middle,
        _joint(one, others),
        last,
        separators["item"] if separators and not separators["item"].strip(" ,") else ", ",
        separators["key"] if separators and not separators["key"].strip(" :") else ": ",
        has_text_arguments=isinstance(arguments, str),
    )


def _common(one: str, other: str) -> str:
    """The beginning that two texts have in common."""
    same = takewhile(lambda letters: letters[0] == letters[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in same)


def _try(render: Render, messages: Messages, *, is_open: bool = False) -> str | None:
    try:
        return render(messages, [_TOOL], is_open)
    except InvalidRequest:  # such as "only one call at a time", which is an answer
        return None


def _called(n_calls: int, arguments: object) -> Message:
    return call_message("", [(id_in_template(number), _NAME, arguments) for number in range(n_calls)])


def _around(text: str, n_calls: int) -> list[str] | None:
    """The texts around the names and arguments of calls; None if they are not all there."""
    texts: list[str] = []
    at = 0
    for _ in range(n_calls):
        begin = text.find(_NAME, at)
        end = begin + len(_NAME)
        found = _arguments(text, end) if begin >= 0 else None
        if found is None:
            return None
        texts += [text[at:begin], text[end : found[0]]]
        at = found[1]
    texts.append(text[at:])
    for number in range(n_calls):
        texts = [literal.replace(id_in_template(number), _ID) for literal in texts]
    return None if _ID in texts[0] else texts


def _arguments(text: str, at: int) -> tuple[int, int] | None:
    """Where the arguments stand as JSON behind a place."""
    begin = text.find("{", at)
    if begin < 0:
        return None
    try:
        found: tuple[Any, int] = json.JSONDecoder().raw_decode(text, begin)  # Any: as JSON
    except ValueError:
        return None
    return (begin, found[1]) if found[0] == _ARGUMENTS else None


def _joint(one: Sequence[str], others: Sequence[Sequence[str] | None]) -> str | None:
    """What stands between two calls, if there can be several, and it is always the same."""
    start, middle, last = one
    joints: set[str] = set()
    for texts in others:
        if texts is None or texts[0] != start or texts[-1] != last or set(texts[1::2]) != {middle}:
            return None
        joints |= set(texts[2:-1:2])
    return joints.pop() if len(joints) == 1 else None
