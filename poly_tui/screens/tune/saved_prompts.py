"""Prompts to try a task with, kept for each task in a file of the user."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from poly_engine.errors import PolyError
from poly_tui.screens.tune.saving import replace_file

__all__ = ["PromptsUnreadable", "SavedPrompts"]

_INTRODUCTION = "Prompts to try tasks with, by the name of the task. `poly tui` reads and writes them."
_TABLE = "prompts"


class PromptsUnreadable(PolyError):
    """The file of the prompts is none. It is left as it is."""

    code = "prompts_unreadable"


class SavedPrompts:
    """The prompts in the file `path`, which need not be there. Each call reads it, since others may write it, too.

    Everything raises PromptsUnreadable for a file that cannot be read, and ConfigError for one that cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, task: str) -> tuple[str, ...]:
        """The prompts of a task, in the order in which they came."""
        prompts = self._read()[_TABLE].get(task, [])
        return tuple(str(prompt) for prompt in prompts) if isinstance(prompts, list) else ()

    def add(self, task: str, prompt: str) -> tuple[str, ...]:
        """Keep a prompt, unless it is kept already; return those of the task."""
        prompts = self.of(task)
        return prompts if prompt in prompts else self._keep(task, [*prompts, prompt])

    def change(self, task: str, old: str, new: str) -> tuple[str, ...]:
        """Have another prompt stand where `old` stands, or come last if that is gone."""
        prompts = self.of(task)
        if old not in prompts:
            return self.add(task, new)
        kept = [new if prompt == old else prompt for prompt in prompts if prompt != new or prompt == old]
        return self._keep(task, kept)

    def remove(self, task: str, prompt: str) -> tuple[str, ...]:
        """Keep a prompt no longer."""
        return self._keep(task, [kept for kept in self.of(task) if kept != prompt])

    def insert(self, task: str, place: int, prompt: str) -> tuple[str, ...]:
        """Keep a prompt at a place, as it was before it was removed."""
        prompts = [kept for kept in self.of(task) if kept != prompt]
        return self._keep(task, [*prompts[:place], prompt, *prompts[place:]])

    def _keep(self, task: str, prompts: Sequence[str]) -> tuple[str, ...]:
        document = self._read()
        array = tomlkit.array()
        array.extend(prompts)
        document[_TABLE][task] = array.multiline(multiline=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._path, document.as_string())
        return tuple(prompts)

    def _read(self) -> Any:  # a document of tomlkit
        try:
            document = tomlkit.parse(self._path.read_bytes())
        except FileNotFoundError:
            document = tomlkit.document()
            document.add(tomlkit.comment(_INTRODUCTION))
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise PromptsUnreadable(f"{self._path} cannot be read: {error}") from error
        if not isinstance(document.setdefault(_TABLE, tomlkit.table()), dict):
            raise PromptsUnreadable(f"{self._path} cannot be read: {_TABLE} is no table")
        return document
