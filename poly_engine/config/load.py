"""From a TOML file to a `Config`: which file it is, and every mistake in it at once."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomli
from pydantic import ValidationError

from poly_engine.config.chunks import too_long_chunks
from poly_engine.config.root import Config
from poly_engine.config.section import Where
from poly_engine.config.tasks import TaskConfig
from poly_engine.errors import ConfigError

__all__ = ["BUILTIN", "LoadedConfig", "find", "load", "loads", "task_draft"]

BUILTIN = Path(__file__).with_name("builtin.toml")
"""The configuration that is used when there is no other."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration, the file that it comes from, and which of its keys are ignored.

    `path` is None for the built-in configuration. A note is one line for people.
    """

    config: Config
    path: Path | None
    notes: tuple[str, ...]


def find(explicit: Path | None, env: Mapping[str, str], cwd: Path) -> Path | None:
    """The configuration file to use: `explicit`, POLY_CONFIG, ./poly.toml, $XDG_CONFIG_HOME/poly/config.toml, or none.

    Raises ConfigError if one of the first two is given and not there.
    """
    if explicit is not None:
        return _present(explicit, cwd, "--config")
    if env.get("POLY_CONFIG"):
        return _present(Path(env["POLY_CONFIG"]), cwd, "POLY_CONFIG")
    for path in (cwd / "poly.toml", user_file(env)):
        if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises an error where a folder is private
            return path
    return None


def user_file(env: Mapping[str, str]) -> Path:
    """Where the configuration of the user lies, whether or not there is one."""
    folder = Path(env.get("XDG_CONFIG_HOME", ""))
    if not folder.is_absolute():  # the XDG specification wants such a value to be ignored
        folder = Path(env.get("HOME") or os.path.expanduser("~")) / ".config"  # noqa: PTH111 - as below
    return folder / "poly" / "config.toml"


def _present(named: Path, cwd: Path, origin: str) -> Path:
    path = cwd / os.path.expanduser(named)  # noqa: PTH111 - Path.expanduser raises an error for a user there is not
    if not os.path.exists(path):  # noqa: PTH110 - as above
        raise ConfigError([f"{path}: there is no such file, and {origin} names it"])
    return path


def load(path: Path | None) -> LoadedConfig:
    """Read the file at `path`, or the built-in configuration. Raises ConfigError that names every mistake.

    Relative locations in the file are made absolute; the files that it names need not exist.
    """
    return loads(_read((path or BUILTIN).absolute()), path)


def loads(text: str, path: Path | None) -> LoadedConfig:
    """Read `text` as what the file at `path` says, or is going to say. Raises as `load`."""
    file = (path or BUILTIN).absolute()
    config = _checked(_parse(text, file), file.parent)
    if too_long := list(too_long_chunks(config)):
        raise ConfigError(
            [f"memories.{_bare_or_quoted(name)}.chunk_max_tokens: {problem}" for name, problem in too_long]
        )
    return LoadedConfig(config, path, tuple(_notes(config)))


def task_draft(name: str, settings: Mapping[str, object], config: Config, folder: Path | None) -> TaskConfig:
    """Settings of a task as they would be in the file of a configuration, which lies in `folder`. Raises ConfigError as
    `load` does.
    """
    tree: dict[str, object] = {"models": config.models, "memories": config.memories, "tasks": {name: dict(settings)}}
    return _checked(tree, folder).tasks[name]


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")  # editors on Windows begin a file with a byte order mark
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: is not UTF-8 text, as TOML must be (byte {error.start + 1})"]) from error


def _parse(text: str, file: Path) -> dict[str, object]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise ConfigError([f"{file}: line {error.lineno}, column {error.colno}: {error.msg}"]) from error
    except (ValueError, RecursionError) as error:  # what Python cannot read, though it is TOML
        raise ConfigError([f"{file}: holds a number of thousands of digits, or tables nested as deep"]) from error


def _checked(tree: dict[str, object], folder: Path | None) -> Config:
    try:
        return Config.model_validate(tree, context=folder)
    except ValidationError as error:
        problems = [f"{_dotted(details['loc'])}: {details['msg']}" for details in error.errors(include_url=False)]
        raise ConfigError(problems) from error


def _dotted(where: Where) -> str:
    """A path as TOML writes it; `[1]` is the second value of a list."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{_bare_or_quoted(key)}" for key in where]
    return "".join(parts).removeprefix(".")


def _bare_or_quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _notes(config: Config) -> list[str]:
    """What is in the configuration and has no effect."""
    models = [
        f"models.{_bare_or_quoted(name)}.architecture: ignored, the model file says what it is"
        for name, model in config.models.items()
        if model.architecture is not None
    ]
    tasks = [
        f"tasks.{_bare_or_quoted(name)}.bias_prompt: ignored, the task has no biaser"
        for name, task in config.tasks.items()
        if task.bias_prompt is not None and task.biaser is None
    ]
    stops = [
        f"tasks.{_bare_or_quoted(name)}.stop_sequences: ignored, the biaser says where the answer ends"
        for name, task in config.tasks.items()
        if task.stop_sequences and task.biaser is not None and task.bias_prompt is None
    ]
    return models + tasks + stops
