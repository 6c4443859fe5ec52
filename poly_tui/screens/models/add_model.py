"""The dialog that puts a fetched model into the configuration."""

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, Static

from poly_engine.errors import PolyError
from poly_engine.models.gguf import GgufHeader
from poly_engine.models.uses import first_task, is_embedder
from poly_tui.backend import Backend
from poly_tui.transcript.clean import clean

__all__ = ["AddModel", "Fetched"]

LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model file on this machine. `reference` means it and no other, for a configuration."""

    path: Path
    reference: str


class AddModel(ModalScreen[str | None]):
    """Asks for a name and whether a task is to use the model. The result is the name under which it was added."""

    AUTO_FOCUS = "Input"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "not now", id="add_model.leave")]

    def __init__(self, backend: Backend, fetched: Fetched, header: GgufHeader, name: str) -> None:
        """`name` is what to call it if nothing else is said; it is made of the file if it is empty."""
        super().__init__()
        self._backend = backend
        self._fetched = fetched
        self._header = header
        self._line = Input(name or name_of(fetched.path), compact=True)
        self._has_task = Checkbox("with a task that talks with it", value=True, compact=True)
        self._message = Static(Content.styled("enter adds it · esc leaves the configuration as it is", "dim"))

    def compose(self) -> ComposeResult:
        """The name, whether to add a task, and what came of it."""
        with Vertical(id="add-model") as card:
            card.border_title = "Add it to the configuration"
            yield Static(Content(clean(str(self._fetched.path))))
            yield self._line
            if not is_embedder(self._header):
                yield self._has_task
            yield self._message

    def action_leave(self) -> None:
        """Add nothing."""
        self.dismiss(None)

    @on(Input.Submitted)
    def begin(self, message: Input.Submitted) -> None:
        """Add it under the name that was written."""
        message.stop()
        self._add(message.value.strip())

    @work(exclusive=True)
    async def _add(self, name: str) -> None:
        task = None if is_embedder(self._header) or not self._has_task.value else first_task(self._header)
        try:
            await asyncio.to_thread(_write, self._backend.config_file, name, {"url": self._fetched.reference}, task)
            await self._backend.reload()
        except PolyError as error:
            self._message.update(Content.styled(clean(str(error)), "$text-error"))
            return
        self.dismiss(name)


def name_of(path: Path) -> str:
    """A name for a model, made of its file: without quantisation, in small letters."""
    stem = re.split(r"[-._](?=(?:ud-)?(?:i?q[1-8]_|f16|f32|bf16|q8))", path.stem.lower())[0]
    return re.sub(r"[^a-z0-9._-]+", "-", stem)[:LONGEST_NAME].strip("-._") or "model"


def _write(file: Path | None, name: str, model: Mapping[str, object], task: Mapping[str, object] | None) -> None:
    from poly_engine.config import user_file  # pydantic and tomlkit, which few need
    from poly_engine.config.adding import add_model

    add_model(file or user_file(os.environ), name, model, task)
