"""What a user prefers of the terminal interface, in a file of its own: it holds for any configuration."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tomli

from poly_engine.errors import ConfigError, suggestion
from poly_engine.places import config_dir
from poly_tui.keys.presets import PRESETS

__all__ = ["Preferences", "keep_theme", "preferences_file", "read_preferences"]


@dataclass(frozen=True, slots=True)
class Preferences:
    """How the terminal interface looks and behaves.

    `theme` is the name of one, or "auto". `keys` is a preset, and `keymap` says which keys do what in place of it, by
    the ids that `poly keys` lists. Without `mouse` the terminal selects text by itself, and without `motion` nothing
    moves but what is new. Who looks elsewhere is told of the end of an answer that took `notify_after_s` seconds, if
    that is more than 0.
    """

    theme: str = "auto"
    keys: str = "default"
    mouse: bool = True
    motion: bool = True
    notify_after_s: float = 10.0
    keymap: Mapping[str, str] = field(default_factory=dict)

    @property
    def bound(self) -> dict[str, str]:
        """The keys of all ids that do not have those that they are born with."""
        return {**PRESETS[self.keys], **self.keymap}


def preferences_file() -> Path:
    """Where preferences are."""
    return config_dir() / "tui.toml"


def read_preferences(path: Path) -> Preferences:
    """What the file says; without one, what everybody prefers. Raises ConfigError with all that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Preferences()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from error
    try:
        given = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise ConfigError([f"{path}: {error}"]) from error
    problems = list(_problems(given))
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return Preferences(**given)


def keep_theme(path: Path, theme: str) -> None:
    """Have a theme from now on. Comments and all else in the file stay as they are. Raises OSError or ConfigError."""
    import tomlkit  # 40 ms that only a change costs
    import tomlkit.exceptions

    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    except (tomlkit.exceptions.ParseError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from error
    document["theme"] = theme
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}.{os.getpid()}")
    written.write_text(tomlkit.dumps(document), encoding="utf-8")
    written.replace(path.resolve())


def _problems(given: Mapping[str, object]) -> Iterator[str]:
    for name, value in given.items():
        if name == "keymap":
            yield from _keymap_problems(value)
        elif name not in _KINDS:
            yield f"{name} is no preference{suggestion(name, (*_KINDS, 'keymap'))}"
        elif not _is_one_of(value, _KINDS[name][0]):
            yield f"{name} = {value!r} must be {_KINDS[name][1]}"
        elif name == "keys" and value not in PRESETS:
            yield f"keys = {value!r}: there is no such preset{suggestion(str(value), PRESETS)}"
        elif name == "notify_after_s" and not 0 <= float(str(value)) < float("inf"):
            yield f"notify_after_s = {value!r} must be 0 or more"


def _is_one_of(value: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)  # true is a number in Python


def _keymap_problems(given: object) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield "keymap must be a table of ids and keys"
        return
    for name, keys in given.items():
        if not isinstance(keys, str) or not keys.strip():
            yield f'keymap: {name} = {keys!r} must be a key, such as "ctrl+k", or several with commas between'


_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "theme": ((str,), "the name of a theme"),
    "keys": ((str,), "the name of a preset"),
    "mouse": ((bool,), "true or false"),
    "motion": ((bool,), "true or false"),
    "notify_after_s": ((int, float), "a number of seconds"),
}
"""What a preference has to be, as types and in words."""
