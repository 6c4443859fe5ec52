"""Another memory, written into the configuration such that all that stands there stays as it is."""

import os
import re
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from poly_engine.errors import ConfigError, InvalidRequest

if TYPE_CHECKING:
    from tomlkit.items import Table

__all__ = ["add_memory", "check_name", "put_back"]

_NAME = re.compile(r"[\w.-]{1,64}")


def check_name(name: str, known: list[str]) -> None:
    """Raise InvalidRequest for a name that a memory cannot have, or has."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest("a memory needs a name of letters, digits, dots, - and _, 64 at most")
    if name in known:
        raise InvalidRequest(f"there is a memory {name} already: choose another name")


def add_memory(file: Path, name: str, settings: Mapping[str, str | int | float]) -> str:
    """Add `[memories.NAME]` to a configuration, below the other memories; return what was in the file before.

    Raises ConfigError if the file cannot be read as it is, or not be written.
    """
    try:
        before = file.read_bytes().decode()
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: is not UTF-8 text"]) from error
    put_back(file, _with_memory(file, before, name, settings))
    return before


def _with_memory(file: Path, before: str, name: str, settings: Mapping[str, str | int | float]) -> str:
    """The text with a memory more. Raises ConfigError where that cannot be had without changing anything else."""
    import tomlkit  # 70 ms, which only who writes a configuration pays
    from tomlkit.exceptions import TOMLKitError

    try:
        written = tomlkit.parse(before)
        known = written.unwrap()
        memories = written.setdefault("memories", tomlkit.table(is_super_table=True))
        if not isinstance(memories, MutableMapping) or name in memories:
            raise ConfigError([f"{file}: there is no room for a memory {name} in memories: change that first"])
        memories[name] = _table(settings)
        text = _set_apart(tomlkit.dumps(written), name)
        is_all_there = tomlkit.parse(text).unwrap() == _joined(known, name, settings)
    except TOMLKitError as error:
        raise ConfigError([f"{file}: is not TOML: {error}"]) from error
    if not is_all_there:
        raise ConfigError([f"{file}: [memories.{name}] cannot be added to it by a program: add it by hand"])
    return text


def _table(settings: Mapping[str, str | int | float]) -> "Table":
    import tomlkit  # as above

    table = tomlkit.table()
    table.update(settings)
    table.add(tomlkit.nl())
    return table


def _set_apart(text: str, name: str) -> str:
    """The text with an empty line before the new table, and none at its end."""
    head = f"\n[memories.{name}]\n"
    before, found, after = text.partition(head)
    gap = "\n" if found and before.strip() and not before.endswith("\n") else ""
    return f"{before}{gap}{found}{after}".rstrip("\n") + "\n"


def _joined(known: Mapping[str, object], name: str, settings: Mapping[str, object]) -> dict[str, object]:
    memories = known.get("memories", {})
    assert isinstance(memories, Mapping)
    return {**known, "memories": {**memories, name: dict(settings)}}


def put_back(file: Path, text: str) -> None:
    """Have a file hold a text, at once: half a configuration is none. Raises ConfigError if it cannot be written."""
    real = file.resolve()  # where a link leads, lest the file take the place of the link
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=real.parent, delete=False, newline="") as new:
            try:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
                os.fchmod(new.fileno(), real.stat().st_mode & 0o7777)
                Path(new.name).replace(real)
            except OSError:
                Path(new.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ConfigError([f"{file}: cannot be written: {error.strerror}"]) from error
