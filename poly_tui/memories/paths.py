"""A line of paths: typed, completed, or dropped on the terminal."""

import glob
import os
import shlex
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["as_line", "complete", "source_path", "split_paths", "with_matches"]

_WILD = frozenset("*?[")
_ESCAPED = frozenset(" \\'\"")


def split_paths(line: str) -> list[str]:
    r"""The paths in a line, which stand apart by spaces. Those with spaces in them are quoted, or escaped by `\\`, as
    terminals do with what is dropped; `file:` URLs and `~` are understood. A line that is the name of a file as it
    stands is that one path.
    """
    line = line.strip()
    if not line:
        return []
    if os.path.lexists(os.path.expanduser(line)):  # noqa: PTH111 - Path.expanduser raises an error for unknown users
        return [os.path.expanduser(line)]  # noqa: PTH111 - as above
    return [_local(word) for word in _words(line)]


def as_line(text: str) -> str:
    """What was dropped or pasted as one line of paths. A line that is the name of a file as it stands is escaped."""
    lines = (line.strip() for line in text.splitlines())
    return " ".join(_escaped(line) if os.path.lexists(line) else line for line in lines if line)


def with_matches(paths: list[str]) -> list[str]:
    """The paths with those that patterns (`*.pdf`, `**/*.md`) match in their place. A pattern that matches nothing
    stays, so that it is missed.
    """
    return list(dict.fromkeys(chain.from_iterable(map(_matches, paths))))


def complete(line: str) -> tuple[str, list[str]]:
    """The line with as much of its last path added as is certain; and the names that could come next, if several."""
    begin = _last_begin(line)
    typed = _unescaped(line[begin:])
    folder, start = os.path.split(typed)
    names = sorted(_names(os.path.expanduser(folder) or ".", start))  # noqa: PTH111 - as above
    if not names:
        return line, []
    certain = os.path.join(folder, os.path.commonprefix(names))  # noqa: PTH118, RUF071 - of characters; Path drops the slash
    certain = certain if len(certain) >= len(typed) else typed
    return line[:begin] + _escaped(certain), names if len(names) > 1 else []


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote that is not closed, as in: it's.txt
        return line.split()


def _local(word: str) -> str:
    parts = urlsplit(word) if word.startswith("file:") else None
    if parts is not None and parts.netloc in ("", "localhost"):
        return unquote(parts.path)
    return os.path.expanduser(word)  # noqa: PTH111 - as above


def _matches(path: str) -> list[str]:
    if _WILD.isdisjoint(path) or os.path.lexists(path):
        return [path]
    return sorted(glob.glob(path, recursive=True)) or [path]  # noqa: PTH207 - Path.glob takes no absolute patterns


def _last_begin(line: str) -> int:
    """Where the last path begins: behind the last space that is not escaped."""
    begin, is_escaped = 0, False
    for place, character in enumerate(line):
        if character == " " and not is_escaped:
            begin = place + 1
        is_escaped = character == "\\" and not is_escaped
    return begin


def _names(folder: str, start: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith(".")):
                    yield entry.name + ("/" if entry.is_dir() else "")
    except OSError:  # there is nothing to complete in what is no folder, or cannot be read
        return


def _unescaped(text: str) -> str:
    parts, is_escaped = [], False
    for character in text:
        if character == "\\" and not is_escaped:
            is_escaped = True
            continue
        parts.append(character)
        is_escaped = False
    return "".join(parts)


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in _ESCAPED else character for character in text)


def source_path(source: str) -> Path | None:
    """The file that a source names, None if it is the name of something else, such as what was piped."""
    return Path(source) if os.path.isabs(source) else None  # noqa: PTH117 - a Path of any text is not worth making
