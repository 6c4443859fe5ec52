r"""Lists of short texts as one edits them: a text in each line, in which \n stands for the end of one."""

import re
from collections.abc import Sequence

__all__ = ["BadText", "format_texts", "parse_texts", "quoted"]

_ESCAPES = {"\\": "\\", "n": "\n", "t": "\t", "r": "\r", '"': '"'}
_SIGNS = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.?)", re.DOTALL)
_UNSEEN = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029]")


class BadText(ValueError):
    """A text cannot be read; `row` and `column` say where, from 0."""

    def __init__(self, words: str, row: int, column: int) -> None:
        super().__init__(words)
        self.row = row
        self.column = column


def format_texts(texts: Sequence[str]) -> str:
    """Texts, one in each line."""
    return "\n".join(_UNSEEN.sub(_sign, text) for text in texts)


def parse_texts(text: str) -> tuple[str, ...]:
    """The texts that are written so; empty lines are none. Raises BadText for an escape that there is not."""
    return tuple(_parse(line, row) for row, line in enumerate(text.split("\n")) if line)


def quoted(text: str) -> str:
    """A text in quotes, in one line."""
    return '"' + _UNSEEN.sub(_sign, text).replace('"', '\\"') + '"'


def _sign(match: re.Match[str]) -> str:
    return _SIGNS.get(match[0], f"\\u{ord(match[0]):04x}")


def _parse(line: str, row: int) -> str:
    def meant(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape not in _ESCAPES:
            raise BadText(f"\\{escape} stands for nothing: write \\\\ for a backslash", row, match.start())
        return _ESCAPES[escape]

    return _ESCAPE.sub(meant, line)
