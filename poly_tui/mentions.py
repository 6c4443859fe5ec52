"""Files in a prompt: written as @path, or dropped on the terminal, which pastes their paths."""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["Mention", "dropped", "files_like", "mention", "mentions", "unfinished"]

MOST_DROPPED = 50
MOST_SHOWN = 50
MOST_LOOKED_AT = 5000

_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|([^\s"]+))')
_UNFINISHED = re.compile(r'(?<!\S)@(?:"([^"\n]*)|([^\s"]*))\Z')


@dataclass(frozen=True, slots=True)
class Mention:
    """A file that `[start:end]` of a prompt means."""

    start: int
    end: int
    path: Path


def mention(path: str) -> str:
    """What stands for a file in a prompt."""
    return f'@"{path}"' if re.search(r"\s", path) else f"@{path}"


def mentions(text: str) -> list[Mention]:
    """The files in a prompt that are there. What only looks like one ("@home") stays text."""
    found = (
        Mention(match.start(), match.end(), Path(match[1] or match[2]).expanduser())
        for match in _MENTION.finditer(text)
    )
    return [one for one in found if _is_file(one.path)]


def unfinished(text: str) -> tuple[int, str] | None:
    """Where the path begins that is being written at the end of a text, and what there is of it."""
    match = _UNFINISHED.search(text)
    return None if match is None else (match.start(), match[1] if match[1] is not None else match[2] or "")


def files_like(typed: str) -> list[str]:
    """Paths that begin with what was typed, folders with a slash at their end; hidden ones where a dot was typed."""
    folder, _, name = typed.rpartition("/")
    folder = f"{folder}/" if "/" in typed else ""
    place = Path(folder or ".").expanduser()
    try:
        with os.scandir(place) as entries:
            found = sorted(_matching(entries, name), key=lambda one: (not one.endswith("/"), one.casefold()))
    except OSError:
        return []
    return [f"{folder}{one}" for one in found[:MOST_SHOWN]]


def dropped(text: str) -> list[Path]:
    """The files that a paste is nothing but the paths of, as terminals write what is dropped on them; else none."""
    text = text.strip()
    if not text or len(text) > MOST_DROPPED * 4096:
        return []
    paths = [_as_path(word) for word in _words(text)]
    if not paths or len(paths) > MOST_DROPPED or not all(path.is_absolute() and _is_file(path) for path in paths):
        return []
    return paths


def _words(text: str) -> list[str]:
    """A path alone may have spaces in it that nobody escaped."""
    if "\n" not in text and _is_file(_as_path(text)):
        return [text]
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _as_path(word: str) -> Path:
    if word.startswith("file://"):
        return Path(unquote(urlsplit(word).path))
    return Path(word.strip("'\""))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # longer than a path may be, or with a null in it
        return False


def _matching(entries: Iterator[os.DirEntry[str]], name: str) -> Iterator[str]:
    wanted = name.casefold()
    for entry in islice(entries, MOST_LOOKED_AT):
        if entry.name.casefold().startswith(wanted) and (not entry.name.startswith(".") or name.startswith(".")):
            yield f"{entry.name}/" if entry.is_dir() else entry.name
