"""The part of the screen that changes drafts: reading the configuration, editing its fields, saving."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from textual import on, work
from textual.screen import ModalScreen

from poly_engine.errors import ConfigError, PolyError
from poly_tui.backend import Backend
from poly_tui.screens.section import SectionScreen
from poly_tui.screens.tune.desk import Desk
from poly_tui.screens.tune.draft import Draft
from poly_tui.screens.tune.editing import edit, next_name, step
from poly_tui.screens.tune.fields import MODEL, Field, Kind, Where, fields
from poly_tui.screens.tune.form import FieldHelp, FieldList
from poly_tui.screens.tune.heading import TuneHeading
from poly_tui.screens.tune.source import is_current, read_source

__all__ = ["DraftingScreen"]

CHECK_AFTER_S = 0.2
"""After so long without a change the draft is checked."""


class DraftingScreen(SectionScreen):
    """Drafts of the tasks of a configuration, or of a server."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._desk: Desk | None = None
        self._has_failed = False
        self._is_left = False
        self._has_settled = asyncio.Event()
        self._is_asking = False
        self._typed = ""
        self._tuned = ""
        self._problems: Mapping[Where, str] = {}
        self.read_from: Path | None = None
        self._heading = TuneHeading()
        self._form = FieldList(id="tune-fields")
        self._help = FieldHelp(id="tune-help")

    @property
    def unsaved(self) -> str:
        """What would be lost if the program ended now, in words; nothing if nothing would."""
        return self._desk.unsaved if self._desk else ""

    @property
    def desk(self) -> Desk:
        """The drafts, once they are there."""
        assert self._desk is not None, "nothing is shown before it was read"
        return self._desk

    @property
    def draft(self) -> Draft:
        """The draft of the task that is shown."""
        return self.desk.draft(self._tuned)

    def on_mount(self) -> None:
        """Read the configuration once the screen stands there."""
        self._heading.note = "reading…"
        self.call_after_refresh(self._load)

    def on_screen_suspend(self) -> None:
        """Note whether another section is gone to, or only a card is shown over this one."""
        self._is_left = not isinstance(self.app.screen, ModalScreen)

    def on_screen_resume(self) -> None:
        """See whether something was changed by somebody else meanwhile; read it again if it could not be read."""
        if not self._is_left:
            return
        self._is_left = False
        desk = self._desk
        if desk is not None and desk.source is not None:
            self._look_again()
        elif self._has_failed or (desk is not None and not any(map(desk.n_changes, desk.names))):
            self._load()  # what a server has is asked for again, unless something of it is being tried

    # Reading

    @work(group="load", exclusive=True)
    async def _load(self) -> None:
        self._has_failed = False
        self._has_settled.clear()
        try:
            desk = await self._open_desk()
            self.read_from = self.backend.config_file
            await asyncio.to_thread(fields)
            if not desk.names:
                raise ConfigError(["no task is configured: there is nothing to tune"])
            self._desk = desk
            wanted = self._tuned or self.backend.talked_to
            self.show_task(wanted if wanted in desk.names else desk.names[0])
        except PolyError as error:
            self._give_up(error)
        finally:
            self._has_settled.set()

    def _give_up(self, error: PolyError) -> None:
        """Say why there is nothing; coming back to the section tries again."""
        for group in ("check", "page", "preview", "duel"):
            self.workers.cancel_group(self, group)
        self._desk, self._tuned, self._has_failed = None, "", True
        self._form.clear()
        self._heading.note = "cannot be read"
        self._heading.task_name = ""
        self.tell_error(error)

    async def is_ready(self) -> bool:
        """Wait until the configuration is read; whether there is a task to tune."""
        await self._has_settled.wait()
        return bool(self._tuned)

    async def _open_desk(self) -> Desk:
        engine = await self.backend.engine()  # only then it is known which file is in effect
        if self.backend.url is None:
            return Desk(await asyncio.to_thread(read_source, self.backend.config_file))
        tasks = [task.name for task in await engine.tasks()]
        return Desk(None, {name: dict(await engine.settings(name)) for name in tasks})

    @work(group="load", exclusive=True)
    async def _look_again(self) -> None:
        """Read the file again if it is another, or says something else. Drafts keep what was changed in them."""
        source = self.desk.source
        assert source is not None
        is_moved = self.backend.config_file != self.read_from
        if not is_moved and (not source.is_there or await asyncio.to_thread(is_current, source)):
            return
        await self.read_again(self.backend.config_file if is_moved else source.path)

    async def read_again(self, path: Path | None) -> bool:
        """Read the file again, and have drafts keep what was changed in them; False if it cannot be read."""
        try:
            source = await asyncio.to_thread(read_source, path)
            gone = self.desk.take_source(source)
        except PolyError as error:
            self.tell_error(error)
            return False
        self.read_from = self.backend.config_file
        for name in gone:
            self.notify(f"task {name} is gone from {source.path.name}", markup=False)
        self.notify(f"{source.path.name} was changed, and is read again; drafts stay", markup=False)
        if not (names := self.desk.names):
            self._give_up(ConfigError(["no task is configured any more: there is nothing to tune"]))
            return False
        self.show_task(self._tuned if self._tuned in names else names[0])
        return True

    # Showing

    def show_task(self, name: str) -> None:
        """Show the draft of a task."""
        try:
            self.desk.draft(name)
        except PolyError as error:
            self.tell_error(error)
            return
        is_other = name != self._tuned
        self._tuned = name
        self._problems = {}
        if is_other:
            self.task_changed()
        self.refresh_draft()

    def task_changed(self) -> None:
        """Another task is shown."""

    def refresh_draft(self) -> None:
        """Show the draft as it is now, and check it."""
        draft, desk = self.draft, self.desk
        self._heading.task_name = draft.name
        self._heading.n_changes = len(draft.changes)
        self._heading.note = _place(desk)
        self._form.show(fields(), draft, self._problems, lambda field: bool(desk.refusal_of(field)))
        self._explain()
        self._check_draft()

    def _explain(self) -> None:
        field = self._form.field
        problem = self._problems.get(field.where, "") if field else ""
        self._help.explain(field, self.draft, problem, self.desk.refusal_of(field) if field else "")

    @work(group="check", exclusive=True)
    async def _check_draft(self) -> None:
        """See what is wrong with the draft, in a thread: compiling a schema can take a second."""
        source = self.desk.source
        if source is None:
            return
        await asyncio.sleep(CHECK_AFTER_S)
        draft = self.draft
        problems = await asyncio.to_thread(source.mistakes, draft.name, draft.current)
        if problems != self._problems and draft is self.draft:
            self._problems = problems
            self._form.show(fields(), draft, problems, lambda _: False)
            self._explain()

    # Changing

    @on(FieldList.Walked)
    def explain(self) -> None:
        """Say what the field is about."""
        self._explain()

    @on(FieldList.Stepped)
    def step_number(self, message: FieldList.Stepped) -> None:
        """Move a number up or down."""
        if self._may_change(message.field):
            step(self.draft, message.field, message.n_steps, is_big=message.is_big)
            self.draft_changed()

    @on(FieldList.Wanted)
    def change_field(self, message: FieldList.Wanted) -> None:
        """Do something with a field."""
        field = message.field
        if not self._may_change(field):
            return
        match message.deed:
            case "edit":
                self._edit(field, message.typed)
                return
            case "unset" if field.where == MODEL:
                self.notify("a task has to have a model", markup=False)
            case "unset":
                self.draft.unset(field.where)
            case "reset":
                self.draft.reset(field.where)
            case "toggle" | "toggle_back" if field.kind is Kind.NAME:
                next_name(self.draft, field, self._names(field), 1 if message.deed == "toggle" else -1)
            case "toggle" | "toggle_back":
                self.draft.set(field.where, not self.draft.value(field.where))
        self.draft_changed()

    def draft_changed(self) -> None:
        """The draft is not any more what it was."""
        self.refresh_draft()

    def _may_change(self, field: Field) -> bool:
        refusal = self.desk.refusal_of(field)
        if refusal:
            self.notify(f"{field.name}: {refusal}", markup=False)
        return not refusal

    def _names(self, field: Field) -> Sequence[str]:
        source = self.desk.source
        if source is None:
            return ()
        return source.models if field.where == MODEL else source.memories

    @work(group="card")
    async def _edit(self, field: Field, typed: str) -> None:
        names = self._names(field)
        if field.kind is Kind.NAME and not names:
            self.notify(f"{field.name}: the configuration has none yet", markup=False)
            return
        with self.asking() as may_ask:
            if not may_ask:
                self._typed += typed  # before the card stood there
                return
            self._typed = typed
            await edit(self.app, self.draft, field, names, lambda: self._typed)
        self.draft_changed()

    @contextmanager
    def asking(self) -> Iterator[bool]:
        """Says whether a card may be shown. There is one at a time, however fast keys come."""
        if self._is_asking:
            yield False
            return
        self._is_asking = True
        try:
            yield True
        finally:
            self._is_asking = False

    def action_undo(self) -> None:
        """Take the last change back."""
        if not self._tuned or not self.draft.undo():
            self.notify("nothing to undo", markup=False)
        else:
            self.draft_changed()


def _place(desk: Desk) -> str:
    if desk.source is None:
        return "of a server: to try, not to save"
    return desk.source.path.name if desk.source.is_there else "built-in: saving begins a file"
