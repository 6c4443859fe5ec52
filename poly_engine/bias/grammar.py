"""From what a user writes, a schema or a grammar, to a grammar of llguidance that is known to be sound and finite."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llguidance import LLMatcher
from llguidance.gbnf_to_lark import any_to_lark

from poly_engine.bias.completion import NoEnding, completion
from poly_engine.bias.dialect import is_original, translate
from poly_engine.bias.gaps import check_gaps
from poly_engine.bias.keywords import check_keywords
from poly_engine.bias.matching import LONGEST, byte_tokenizer, matcher
from poly_engine.bias.schema import Where, check_limits, subschemas
from poly_engine.bias.whitespace import check_options
from poly_engine.errors import InvalidSchema
from poly_engine.types import Bias

if TYPE_CHECKING:  # it is there for type checkers only
    from llguidance._lib import JsonCompileOptions

__all__ = ["Grammar", "grammar"]

LONGEST_SOURCE = 1 << 20
"""Characters of a schema or a grammar."""

_OPTIONS: "JsonCompileOptions" = {
    "whitespace_flexible": False,
    "json_allowed_escapes": 'nrbtf\\"',  # with "u" a name could be written in two ways, and evade its schema
}
_STEPS = 20_000  # of the search for the shortest text; it is done once
_SECONDS = 1.0
_MORE_STEPS = 300  # for a shorter one than the first, such as another value of an enum
_PLACE = re.compile(r" while processing \S+|: json-schema:///\S+")
_REFERENCE = re.compile(r"Resource '(?:json-schema:///)?(?P<uri>[^']*)' is not present")
_LOST = re.compile(r"Pointer |Anchor |\S+ is another document")
_OF_TOKENS = re.compile(
    r'"(?:\\.|[^"\\\n])*"|//.*|/(?:\\.|[^/\\\n])*/|(?P<odd><\[[^\]]*\]>|\b(?:max_tokens|temperature)\b(?=\s*=))'
)
"""In Lark, beside texts, comments and regular expressions, which are passed over."""
_SECONDS_TO_LOCATE = 0.3  # for compiling subschemas alone, to find the one that cannot be


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a bias means. `text` is for llguidance, `shortest` a text that satisfies it, as short as was found; `schema`
    is the JSON schema that it stands for, in JSON, if it is one.
    """

    text: str
    shortest: bytes
    schema: str | None = None


@lru_cache(maxsize=256)
def grammar(bias: Bias) -> Grammar:
    """Compile a bias far enough to know that it can be enforced. Raises InvalidSchema, with the path to the reason."""
    if len(bias.source) > LONGEST_SOURCE:
        raise InvalidSchema(f"the schema is longer than {LONGEST_SOURCE >> 20} MiB, which is not supported")
    if bias.kind == "json_schema":
        return _of_schema(bias.source)
    try:
        text = _text(bias)
    except UnicodeEncodeError:
        raise InvalidSchema("has half of a character (a lone surrogate), which no text can hold") from None
    return Grammar(text, _shortest(_compile(text)))


def _of_schema(source: str) -> Grammar:
    schema = _parse(source)
    if schema is True:
        schema = {}
    if not isinstance(schema, dict):
        raise InvalidSchema(
            "nothing fits the schema false"
            if schema is False
            else f"a JSON schema is an object, true or false, not {json.dumps(schema)[:80]}"
        )
    check_limits(schema)
    check_options(schema)
    if is_original(schema):
        schema = translate(schema)
    check_keywords(schema)
    check_gaps(schema)
    try:
        text = _schema_text(schema)
        start = _compile(text)
    except InvalidSchema as error:
        where, reason = _locate(schema, error.reason)
        raise InvalidSchema(reason, where) from None
    return Grammar(text, _shortest(start), json.dumps(schema))


def _parse(source: str) -> Any:  # JSON
    try:
        return json.loads(source, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidSchema("the schema is nested too deeply, which is not supported") from None
    except json.JSONDecodeError as error:
        raise InvalidSchema(f"the schema is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError as error:  # a number of thousands of digits, or what _refuse_constant says
        raise InvalidSchema(f"the schema is not JSON: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _text(bias: Bias) -> str:
    match bias.kind:
        case "regex":
            return LLMatcher.grammar_from_regex(bias.source)
        case "choice":
            return LLMatcher.grammar_from_lark(_alternatives(_parse(bias.source)))
        case "gbnf":
            return LLMatcher.grammar_from_lark(_from_gbnf(bias.source))
        case _:
            _check_lark(bias.source)
            return LLMatcher.grammar_from_lark(bias.source)


def _alternatives(choices: object) -> str:
    if not isinstance(choices, list) or not choices or not all(isinstance(text, str) and text for text in choices):
        raise InvalidSchema("a choice is a list of texts that are not empty")
    return "start: " + " | ".join(json.dumps(text, ensure_ascii=False) for text in choices)


def _check_lark(source: str) -> None:
    """Refuse what depends on the tokens of a model: in bytes, in which the end of an answer is sought, it would mean
    something else. Temperatures are the task's, too.
    """
    for found in _OF_TOKENS.finditer(source):
        if odd := found["odd"]:
            raise InvalidSchema(f"{odd}: not supported, leave it out")


def _from_gbnf(source: str) -> str:
    try:
        return any_to_lark(source)
    except Exception as error:  # it raises nothing less for a rule that is missing, and IndexError for what breaks off
        raise InvalidSchema(f"the GBNF grammar cannot be read: {error}") from error


def _schema_text(schema: Mapping[str, object]) -> str:
    try:
        return LLMatcher.grammar_from_json_schema(json.dumps(schema), _OPTIONS)
    except ValueError as error:  # serde's view of JSON is narrower than Python's
        raise InvalidSchema(f"the schema is not JSON that can be used: {error}") from error


def _compile(text: str) -> LLMatcher:
    """A matcher over bytes. Raises InvalidSchema with llguidance's reason."""
    start = matcher(byte_tokenizer(), text)
    if error := start.get_error():
        raise InvalidSchema(_in_words(error))
    return start


def _shortest(start: LLMatcher) -> bytes:
    try:
        return completion(start, n_steps=_STEPS, seconds=_SECONDS, n_more=_MORE_STEPS)
    except NoEnding as error:
        reason = _in_words(error.reason) or f"it has no end that could be found within {LONGEST >> 10} KiB of text"
        raise InvalidSchema(reason) from None


def _in_words(error: str) -> str:
    """What llguidance says, in one line that is not too long, without advice that would lead nowhere."""
    line = _PLACE.sub("", " ".join(re.split("<state>|<backtrace>", error, maxsplit=1)[0].split()))
    if line.startswith("Unimplemented keys: "):
        keys = ", ".join(json.loads(line.removeprefix("Unimplemented keys: ")))
        return f"{keys}: not supported, leave it out"
    if line.startswith("oneOf constraints are not supported"):
        return "oneOf: not supported where two of it may fit: use anyOf, or set them apart by a required const"
    if line == "NoExtensionBias":
        return "nothing fits it"
    if reference := _REFERENCE.match(line):
        return f"{reference['uri']} is another document, which is not supported: copy it under $defs"
    return line if len(line) <= 300 else f"{line[:140]} … {line[-140:]}"


def _locate(schema: Mapping[str, Any], reason: str) -> tuple[Where, str]:
    """The innermost subschema that cannot be compiled by itself either, and why not."""
    found: tuple[Where, str] = (), reason
    deadline = time.thread_time() + _SECONDS_TO_LOCATE
    for where, _ in subschemas(schema):
        if time.thread_time() > deadline:
            break
        problem = _problem_of_part(schema, where) if where[: len(found[0])] == found[0] else ""
        # A reference that the whole could follow may be lost when a part of it is compiled alone: that is no reason.
        if problem and (problem == reason or not _LOST.match(problem)):
            found = where, problem
    return found


def _problem_of_part(schema: Mapping[str, Any], where: Where) -> str:
    if not where:
        return ""
    pointer = "/".join(quote(str(step).replace("~", "~0").replace("/", "~1"), "", errors="replace") for step in where)
    part = {"$ref": f"#/$defs/whole/{pointer}", "$defs": {"whole": _moved(schema)}}
    try:
        _compile(_schema_text(part))
    except InvalidSchema as error:
        return error.reason
    return ""


def _moved(node: Any) -> Any:  # JSON
    """The schema as it has to be written below #/$defs/whole."""
    if isinstance(node, dict):
        return {
            key: f"#/$defs/whole{value[1:]}"
            if key == "$ref" and isinstance(value, str) and (value == "#" or value.startswith("#/"))
            else _moved(value)
            for key, value in node.items()
            if key not in ("$id", "$schema", "x-guidance")
        }
    return [_moved(child) for child in node] if isinstance(node, list) else node
