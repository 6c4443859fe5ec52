"""Another memory, written into the configuration such that all that stands there stays as it is."""

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from poly_engine.errors import ConfigError, InvalidRequest

__all__ = ["add_memory", "check_name", "put_back"]

_NAME = re.compile(r"[\w.-]{1,64}")


def check_name(name: str, known: list[str]) -> None:
    """Raise InvalidRequest for a name that a memory cannot have, or has."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest("a memory needs a name of letters, digits, dots, - and _, 64 at most")
    if name in known:
        raise InvalidRequest(f"there is a memory {name} already: choose another name")


def add_memory(file: Path, name: str, settings: Mapping[str, str | int | float]) -> str:
    """Add `[memories.NAME]` at the end of a configuration; return what was in the file before.

    Raises ConfigError if the file cannot be read as it is, or not be written.
    """
    import tomlkit  # 70 ms, which only who writes a configuration pays
    from tomlkit.exceptions import TOMLKitError

    try:
        before = file.read_text(encoding="utf-8")
        written = tomlkit.parse(before)
        memories = written.setdefault("memories", tomlkit.table(is_super_table=True))
        if name in memories:
            raise ConfigError([f"{file}: there is a memory {name} already"])
        table = tomlkit.table()
        table.update(settings)
        memories[name] = table
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file}: is not TOML: {error}"]) from error
    put_back(file, tomlkit.dumps(written))
    return before


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
