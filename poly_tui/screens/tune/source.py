"""The configuration that drafts are drafts of: its text, as it was when it was read."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli
from pydantic import ValidationError

from poly_engine.config import Config, user_file
from poly_engine.config.describe import starting_point
from poly_engine.config.load import BUILTIN, loads
from poly_engine.config.locations import anchored
from poly_engine.errors import ConfigError, PolyError
from poly_tui.screens.tune.draft import Version
from poly_tui.screens.tune.fields import BIASER, Where
from poly_tui.screens.tune.values import Values, with_value

__all__ = ["ChangedOnDisk", "Source", "is_current", "read_source"]

_BOM = "\ufeff"


class ChangedOnDisk(PolyError):
    """A file is not any more what it was when it was read."""

    code = "file_changed"


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a configuration, and where it is to be written. `is_there` says whether the file exists: if not, it
    is what one begins with, and `names` are the tasks of the built-in configuration.
    """

    path: Path
    text: str
    is_there: bool
    names: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The folder that locations in it are relative to."""
        return self.path.absolute().parent

    @property
    def tree(self) -> dict[str, Any]:
        """What it says, without having been checked."""
        return tomli.loads(self.text.removeprefix(_BOM))

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models that a task can use."""
        return tuple(self.tree.get("models", {}))

    @property
    def memories(self) -> tuple[str, ...]:
        """The names of the memories that a task can use."""
        return tuple(self.tree.get("memories", {}))

    def version(self, name: str) -> Version:
        """What it says about a task. Raises ConfigError if the file with the schema cannot be read."""
        version = Version(self.tree["tasks"][name])
        file = version.schema_file
        return version if file is None else Version(version.values, _schema_text(self.schema_path(file)))

    def schema_path(self, location: str) -> Path:
        """The file that a location in this configuration means."""
        return Path(anchored(location, self.folder))

    def mistakes(self, name: str, version: Version) -> Mapping[Where, str]:
        """What is wrong with a task of that name, by the place of the field. Compiling a schema can take a second."""
        tree = {key: value for key, value in self.tree.items() if key in ("models", "memories")}
        values = self.resolved(version)
        try:
            Config.model_validate({**tree, "tasks": {name: values}}, context=self.folder)
        except ValidationError as error:
            found: dict[Where, str] = {}
            for details in error.errors(include_url=False):
                if details["loc"][:2] == ("tasks", name):
                    found.setdefault(*_told(details["loc"][2:], details["msg"]))
            return found
        return {}

    def resolved(self, version: Version) -> Values:
        """The values as an engine takes them, wherever it works: what the file with the schema says stands in its
        place. A text of it that is no JSON is left to whoever checks the schema.
        """
        file, text = version.schema_file, version.schema_text
        if file is None:
            return version.values
        where = (*BIASER, "json_schema_file")
        if text is None or text == _schema_text_or_none(self.schema_path(file)):
            return with_value(version.values, where, str(self.schema_path(file)))
        tree = _json_object(text)
        return version.values if tree is None else {**version.values, "biaser": {"json_schema": tree}}


def read_source(path: Path | None) -> Source:
    """Read the file at `path`; None is the built-in configuration, for which a file is begun when it is saved.

    Raises ConfigError if it cannot be loaded.
    """
    if path is None:
        text = BUILTIN.read_text("utf-8")
        return Source(user_file(os.environ), starting_point(), is_there=False, names=tuple(tomli.loads(text)["tasks"]))
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    config = loads(text.removeprefix(_BOM), path).config
    return Source(path, text, is_there=True, names=tuple(config.tasks))


def _told(where: tuple[str | int, ...], words: str) -> tuple[Where, str]:
    """Which field a mistake belongs to, and what to say there."""
    keys = tuple(str(key) for key in where)
    if keys[:1] == BIASER:
        return BIASER, words
    if len(keys) > 1 and keys[0] != "memorization":
        return keys[:1], f"number {int(keys[1]) + 1}: {words}" if keys[1].isdecimal() else words
    return keys[:2], words


def _schema_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error


def _schema_text_or_none(path: Path) -> str | None:
    try:
        return _schema_text(path)
    except ConfigError:
        return None


def _json_object(text: str) -> dict[str, object] | None:
    """The schema that a text says; None if it is none that a configuration could hold."""
    try:
        tree = json.loads(text)
    except ValueError:
        return None
    return {} if tree is True else tree if isinstance(tree, dict) else None


def is_current(source: Source) -> bool:
    """Whether the file still says what it said when it was read."""
    try:
        return source.path.read_bytes().decode("utf-8") == source.text
    except (OSError, UnicodeDecodeError):
        return False
