"""What a user prefers of the terminal interface, in a file of its own: it holds for any configuration."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
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
    kinds = {one.name: one.default for one in fields(Preferences)}
    for name, value in given.items():
        if name not in kinds:
            yield f"{name} is no preference{suggestion(name, kinds)}"
        elif name == "keymap":
            yield from _keymap_problems(value)
        elif isinstance(kinds[name], bool) != isinstance(value, bool) or not isinstance(value, _KINDS[name]):
            yield f"{name} = {value!r} must be {_WORDS[name]}"
        elif name == "keys" and value not in PRESETS:
            yield f"keys = {value!r}: there is no such preset{suggestion(str(value), PRESETS)}"
        elif name == "notify_after_s" and not 0 <= float(str(value)) < float("inf"):
            yield f"notify_after_s = {value!r} must be 0 or more"


def _keymap_problems(given: object) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield "keymap must be a table of ids and keys"
        return
    for name, keys in given.items():
        if not isinstance(keys, str) or not keys.strip():
            yield f'keymap: {name} = {keys!r} must be a key, such as "ctrl+k", or several with commas between'


_KINDS: Mapping[str, tuple[type, ...]] = {
    "theme": (str,),
    "keys": (str,),
    "mouse": (bool,),
    "motion": (bool,),
    "notify_after_s": (int, float),
}
_WORDS = {
    "theme": "the name of a theme",
    "keys": "the name of a preset",
    "mouse": "true or false",
    "motion": "true or false",
    "notify_after_s": "a number of seconds",
}
