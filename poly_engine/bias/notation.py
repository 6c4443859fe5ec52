"""A short notation for what an answer holds: `name, age int, tags [str]` stands for the JSON schema of an object.

    schema = "[" type "]" | fields
    fields = field {("," | newline) field}
    field  = name ["?"] [type] [":" description]         "?": may be missing; without a type it is a str
    type   = "str" | "int" | "num" | "bool" | "null"     or by a long name, such as string
           | word "|" word {"|" word}                    one of these words
           | "[" type "]" | "{" fields "}"

A name or a word in quotes may hold anything but quotes and newlines. A description ends at a comma, at a newline or,
inside braces, at the brace that closes them.
"""

import re
from dataclasses import dataclass

from poly_engine.errors import InvalidSchema, suggestion

_SHORT = {"str": "string", "int": "integer", "num": "number", "float": "number", "bool": "boolean", "null": "null"}
_TYPES = _SHORT | {name: name for name in _SHORT.values()}
_CLOSING = {"[": "]", "{": "}"}
_MOST_LEVELS = 16
_EXAMPLE = "write for instance name, age int, tags [str]"
_TOKEN = re.compile(r'[^\S\n]*(?:(?P<word>[\w-]+)|(?P<quoted>"[^"\n]*")|(?P<end>\Z)|(?P<mark>[\s\S]))')
_DESCRIPTION, _DESCRIPTION_IN_BRACES = re.compile(r"[^,\n]*"), re.compile(r"[^,\n}]*")
_NAMES = ("word", "quoted")


def expand(text: str) -> dict[str, object]:
    """Return the JSON schema (draft 2020-12) that a text in the notation stands for; objects are closed.

    Raises InvalidSchema with what is wrong, at which character (the first is 1), and what would be right.
    """
    return _Parser(text).schema()


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text, without its quotes. `kind` is word, quoted, end, or the mark itself."""

    kind: str
    text: str
    at: int


class _Parser:
    """Reads a text from left to right, with one token of look-ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._token = self._read()

    def schema(self) -> dict[str, object]:
        self._skip_lines()
        if self._token.kind == "end":
            raise _wrong(self._token, "there is no schema", _EXAMPLE)
        schema = self._in_brackets() if self._token.kind == "[" else self._fields()
        self._skip_lines()
        if self._token.kind != "end":
            raise _wrong(self._token, f"{self._token.text} does not belong here", "the schema is complete before it")
        return schema

    def _fields(self) -> dict[str, object]:
        properties: dict[str, object] = {}
        required: list[str] = []
        while not properties or self._goes_on():
            name = self._name(properties)
            if self._token.kind == "?":
                self._take()
            else:
                required.append(name)
            properties[name] = self._described_type()
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def _goes_on(self) -> bool:
        """Whether another field follows; moves to where it starts."""
        on_new_line = self._skip_lines()
        if self._token.kind == ",":
            self._take()
            self._skip_lines()
            return True
        if self._token.kind in {"end", "}", "]"}:
            return False
        if not on_new_line:
            raise _wrong(self._token, f"a comma is missing before {self._token.text}", "as in name str, age int")
        return True

    def _name(self, taken: dict[str, object]) -> str:
        token = self._token
        if token.kind not in _NAMES or not token.text:
            raise _wrong(token, "the name of a field is missing", f"{_EXAMPLE}, and unusual names in quotes")
        if token.text in taken:
            raise _wrong(token, f"there are two fields {token.text}", "each field of an object has a name of its own")
        return self._take().text

    def _described_type(self) -> dict[str, object]:
        is_given = self._token.kind in {*_NAMES, *_CLOSING}
        schema: dict[str, object] = self._type() if is_given else {"type": "string"}
        if self._token.kind == ":":
            colon = self._token
            description = self._description()
            if not is_given and description in _TYPES:
                right = f"write {description} without the colon; a description stands behind one"
                raise _wrong(colon, f"{description} is a type, not a description", right)
            schema |= {"description": description} if description else {}
        return schema

    def _description(self) -> str:
        # The colon is the token, so what follows has not been cut into tokens yet.
        found = (_DESCRIPTION_IN_BRACES if self._depth else _DESCRIPTION).match(self._text, self._at)
        assert found is not None, "the pattern matches the empty text"
        self._at = found.end()
        self._token = self._read()
        return found[0].strip()

    def _type(self) -> dict[str, object]:
        if self._token.kind in _CLOSING:
            return self._in_brackets()
        words = [self._word()]
        while self._token.kind == "|":
            self._take()
            words.append(self._word())
        return _choice(words) if len(words) > 1 else _simple(words[0])

    def _word(self) -> _Token:
        if self._token.kind not in _NAMES:
            raise _wrong(self._token, "a type or a word is missing", "write for instance int, [str] or red|green")
        return self._take()

    def _in_brackets(self) -> dict[str, object]:
        opened = self._open()
        is_array = opened.kind == "["
        schema: dict[str, object] = {"type": "array", "items": self._type()} if is_array else self._fields()
        self._close(opened)
        return schema

    def _open(self) -> _Token:
        if self._depth == _MOST_LEVELS:
            raise _wrong(self._token, "the schema is nested too deeply", f"at most {_MOST_LEVELS} levels of [ and {{")
        self._depth += 1
        opened = self._take()
        self._skip_lines()
        return opened

    def _close(self, opened: _Token) -> None:
        bracket = _CLOSING[opened.kind]
        self._skip_lines()
        if self._token.kind != bracket:
            hint = "; an array of objects is [{name, age int}]" if bracket == "]" else ""
            right = f"it closes the {opened.text} at character {opened.at + 1}{hint}"
            raise _wrong(self._token, f"{bracket} is missing", right)
        self._depth -= 1
        self._take()

    def _skip_lines(self) -> bool:
        """Skip newlines; whether there were any."""
        before = self._token
        while self._token.kind == "\n":
            self._take()
        return self._token is not before

    def _take(self) -> _Token:
        taken, self._token = self._token, self._read()
        return taken

    def _read(self) -> _Token:
        found = _TOKEN.match(self._text, self._at)
        assert found is not None, "one of the kinds of tokens fits any text"
        kind = found.lastgroup or ""
        token = _Token(found[kind] if kind == "mark" else kind, found[kind].strip('"'), found.start(kind))
        if token.kind == '"':
            raise _wrong(token, "the quote is not closed", 'write "a name"')
        self._at = found.end()
        return token


def _simple(word: _Token) -> dict[str, object]:
    if word.kind == "quoted":
        raise _wrong(word, f"{word.text} is a single word", "a choice has two words or more, as in red|green")
    if word.text not in _TYPES:
        raise _wrong(word, f"there is no type {word.text}{suggestion(word.text, _TYPES)}", "a choice is red|green")
    return {"type": _TYPES[word.text]}


def _choice(words: list[_Token]) -> dict[str, object]:
    seen: dict[str, None] = {}
    for word in words:
        if word.kind == "word" and word.text in _TYPES:
            right = f'write "{word.text}" in quotes for the word, or name? {word.text} for what may be missing'
            raise _wrong(word, f"{word.text} is a type and no word of a choice", right)
        if word.text in seen:
            raise _wrong(word, f"{word.text} is there twice", "the words of a choice differ")
        seen[word.text] = None
    return {"type": "string", "enum": list(seen)}


def _wrong(token: _Token, what: str, right: str) -> InvalidSchema:
    return InvalidSchema(f"{what}, at character {token.at + 1} of the schema: {right}")
