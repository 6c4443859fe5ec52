"""A configuration with another table for one task: comments, order and all else stay as they were written."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import tomli
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, Item, Table, Whitespace

from poly_engine.errors import ConfigError
from poly_tui.screens.tune.values import Values, is_same

__all__ = ["task_excerpt", "with_task"]


_BREAKS = (TOMLKitError, ValueError, LookupError, TypeError, AttributeError, AssertionError)
"""How tomlkit breaks off where tables are written in odd ways, and tomli where something odd was made of them."""


def with_task(text: str, name: str, values: Values) -> str:
    """The text of a configuration in which the task `name` has these values. Raises ConfigError if that cannot be
    written without changing something else.
    """
    before = _tree(text)
    tasks = before.get("tasks", {})
    if is_same(tasks.get(name), values):
        return text
    expected = _sorted({**before, "tasks": {**tasks, name: values}})
    attempts = _WAYS if name in tasks else (_append_task, _insert_task)
    for attempt in attempts:
        try:
            changed = _with_endings_of(text, attempt(text, name, values))
            if _sorted(_tree(changed)) == expected:
                return changed
        except _BREAKS:
            continue  # there is another way
    raise ConfigError(
        [f"tasks.{name}: is written in a way that cannot be changed here without changing more: edit the file itself"]
    )


def _tree(text: str) -> dict[str, Any]:
    return tomli.loads(text)


def _sorted(value: object) -> object:
    """A value such that those that mean the same are equal: order counts in lists and among the properties of schemas.

    Numbers are told apart as they are written, and truth from one.
    """
    if isinstance(value, Mapping):
        inner = {
            key: [(name, _sorted(item)) for name, item in child.items()]
            if key == "properties" and isinstance(child, Mapping)
            else _sorted(child)
            for key, child in value.items()
        }
        return dict(sorted(inner.items()))
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return f"{type(value).__name__} {value!r}"


# A task that is there


def _change_gently(text: str, name: str, values: Values) -> str:
    """Change what differs, as deep as it goes."""
    document = tomlkit.parse(text)
    _merge(_task(document, name), values)
    return document.as_string()


def _change_plainly(text: str, name: str, values: Values) -> str:
    """Change what differs, tables as a whole."""
    document = tomlkit.parse(text)
    table = _task(document, name)
    old = table.unwrap()
    changed = [key for key in old if key in values and not is_same(old[key], values[key])]
    tables = [key for key in changed if isinstance(old[key], Mapping) or isinstance(values[key], Mapping)]
    for key in [*tables, *(key for key in old if key not in values)]:
        _delete(table, key)
    for key in changed:
        if key not in tables:
            table[key] = _item(values[key])
    _add(table, {key: value for key, value in values.items() if key not in old or key in tables})
    return document.as_string()


def _change_wholly(text: str, name: str, values: Values) -> str:
    """Write the task anew, at the end."""
    document = tomlkit.parse(text)
    tasks: Any = document["tasks"]
    del tasks[name]
    return _append_task(document.as_string(), name, values)


_WAYS: Sequence[Callable[[str, str, Values], str]] = (_change_gently, _change_plainly, _change_wholly)


def _task(document: tomlkit.TOMLDocument, name: str) -> Any:  # tomlkit has several kinds of tables
    tasks: Any = document["tasks"]
    return tasks[name]


def _merge(table: MutableMapping[str, Any], values: Mapping[str, object]) -> None:
    """Change a table of tomlkit where it is not what it is to be."""
    for key in [key for key in table if key not in values]:
        _delete(table, key)
    new = {key: value for key, value in values.items() if key not in table}
    for key in [key for key in values if key in table]:
        old, value = table[key], values[key]
        if is_same(_plain(old), value):
            continue
        if isinstance(value, Mapping) and isinstance(old, MutableMapping) and _keeps_order(key, old, value):
            _merge(old, value)
        elif isinstance(old, Array) and isinstance(value, list | tuple):
            _merge_list(old, value)
        else:
            table[key] = _item(value)
    _add(table, new)


def _keeps_order(key: str, old: Mapping[str, object], new: Mapping[str, object]) -> bool:
    """Whether a table can be changed such that its keys come in the order that they are to have, where that counts."""
    return key != "properties" or [*(k for k in old if k in new), *(k for k in new if k not in old)] == list(new)


def _add(table: MutableMapping[str, Any], new: Mapping[str, object]) -> None:
    """Put new keys behind the last simple value of a table. tomlkit would put them behind the comments that follow,
    which are about the next table.
    """
    if not isinstance(table, Table) or table.is_super_table() or _is_dotted(table):
        table.update({key: _item(value) for key, value in new.items()})
    elif new:
        simple = [item for key, item in table.value.body if key is not None and not isinstance(item, Table)]
        last = simple[-1] if simple else table
        last.trivia.trail = (last.trivia.trail or "\n") + "".join(_line(key, value) for key, value in new.items())


def _delete(table: MutableMapping[str, Any], key: str) -> None:
    """Take a key away, but not the comments behind its table, which are about the next one."""
    tail, body = _tail(table[key]), table.value.body if isinstance(table, Table) else []
    place = next((number for number, (old, _) in enumerate(body) if old is not None and old.key == key), None)
    del table[key]
    if tail and place is not None:
        body[place] = None, Whitespace(tail)


def _tail(item: object) -> str:
    """The comments and empty lines at the end of a table."""
    if not isinstance(item, Table):
        return ""
    texts: list[str] = []
    for key, inner in reversed(item.value.body):
        if key is not None:
            texts.append(_tail(inner))
            break
        texts.append(inner.as_string())
    return "".join(reversed(texts))


def _is_dotted(table: Table) -> bool:
    return any(key is not None and key.is_dotted() for key, _ in table.value.body)


def _line(key: str, value: object) -> str:
    return f"{tomlkit.key(key).as_string()} = {_item(value).as_string()}\n"


def _merge_list(array: Array, values: Sequence[object]) -> None:
    old = [repr(_plain(item)) for item in array]
    operations = SequenceMatcher(None, old, list(map(repr, values)), autojunk=False).get_opcodes()
    for kind, start, end, new_start, new_end in reversed(operations):
        if kind == "equal":
            continue
        for _ in range(start, end):
            del array[start]
        for place, value in enumerate(values[new_start:new_end], start):
            array.insert(place, _item(value))


def _plain(value: Any) -> object:  # an item of tomlkit, or what it stands for
    return value.unwrap() if hasattr(value, "unwrap") else value


# A task that is new


def _append_task(text: str, name: str, values: Values) -> str:
    body = "".join(_line(key, value) for key, value in values.items())
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}[tasks.{tomlkit.key(name).as_string()}]\n{body}"


def _insert_task(text: str, name: str, values: Values) -> str:
    document = tomlkit.parse(text)
    tasks: Any = document["tasks"]
    tasks[name] = _item(values)
    return document.as_string()


# Values


def _item(value: object) -> Item:
    """A value as one would write it: long texts over several lines, tables in one."""
    if isinstance(value, str) and "\n" in value and (raw := _over_lines(value)):
        return tomlkit.value(raw)
    return tomlkit.value(_in_line(value))


def _in_line(value: object) -> str:
    """A value in one line of TOML."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{tomlkit.key(key).as_string()} = {_in_line(child)}" for key, child in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_in_line, value))}]"
    return tomlkit.item(value).as_string()


def _over_lines(text: str) -> str:
    """A text over several lines in TOML; nothing if it has what cannot be written so."""
    if any((ord(letter) < 0x20 and letter not in "\n\t") or ord(letter) == 0x7F for letter in text):
        return ""
    escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
    if escaped.endswith('"'):
        escaped = f'{escaped[:-1]}\\"'
    return f'"""\n{escaped}"""'


def _with_endings_of(original: str, text: str) -> str:
    """Have all lines end as those of the original do, if they all end alike."""
    if "\r\n" not in original or original.count("\r\n") != original.count("\n"):
        return text
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


# What concerns a task


def task_excerpt(text: str, name: str) -> str:
    """The part of a configuration that is about a task, if its table has a header; else all of it."""
    lines = text.splitlines(keepends=True)
    headers = [(number, header) for number, line in enumerate(lines) if (header := _header(line))]
    ends = [number for number, _ in headers[1:]] + [len(lines)]
    parts = [
        "".join(lines[number:end]).rstrip() + "\n"
        for (number, header), end in zip(headers, ends, strict=True)
        if header[:2] == ["tasks", name]
    ]
    return "\n".join(parts) if parts else text


def _header(line: str) -> list[str]:
    """The keys of the header of a table."""
    stripped = line.strip()
    if not stripped.startswith("[") or stripped.startswith("[["):
        return []
    try:
        tree: Any = tomli.loads(stripped)
    except tomli.TOMLDecodeError:
        return []  # the second line of a list
    keys: list[str] = []
    while isinstance(tree, dict) and tree:
        keys.append(next(iter(tree)))
        tree = tree[keys[-1]]
    return keys
