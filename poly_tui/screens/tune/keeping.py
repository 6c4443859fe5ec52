"""The part of the screen that keeps drafts: which task is tuned, saving it, and new ones."""

import asyncio
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from poly_engine.errors import PolyError
from poly_tui.screens.tune.cards import LineCard, NameCard
from poly_tui.screens.tune.drafting import DraftingScreen
from poly_tui.screens.tune.saving import save
from poly_tui.screens.tune.source import ChangedOnDisk, Source

__all__ = ["KeepingScreen"]

_READ_AGAIN = "read it again, and keep the draft"
_LEAVE = "leave both as they are"


class KeepingScreen(DraftingScreen):
    """Keeps drafts in the configuration."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", id="tune.save"),
        Binding("u", "undo", "undo", id="tune.undo"),
        Binding("ctrl+t", "pick_task", "task", id="tune.task"),
        Binding("n", "copy_task", "new copy", id="tune.copy", show=False),
    ]

    @work(group="card")
    async def action_pick_task(self) -> None:
        """Choose the task that is tuned."""
        if not await self.is_ready():
            return
        names = self.desk.names
        about = [_counted(self.desk.n_changes(name)) for name in names]
        with self.asking() as may_ask:
            if may_ask:
                chosen = await self.app.push_screen_wait(NameCard("tune", names, self._tuned, about))
                if chosen is not None:
                    self.show_task(chosen)

    @work(group="card")
    async def action_copy_task(self) -> None:
        """Begin a new task as a copy of this one."""
        if not await self.is_ready():
            return
        if self.desk.is_served:
            self.notify("a server has its own configuration: add tasks where it runs", markup=False)
            return
        about = f"a copy of {self._tuned} as it is here; ctrl+s saves it"
        with self.asking() as may_ask:
            if may_ask:
                name = await self.app.push_screen_wait(LineCard("new task", "", about, self.desk.refusal_of_name))
                if name is not None:
                    self.desk.copy(name, self._tuned)
                    self.show_task(name)

    def action_revert(self) -> None:
        """Have the draft be as it is saved; a new task is dropped."""
        if not self._tuned or not self.draft.changes:
            self.notify("nothing to revert: the draft is as the file is", markup=False)
        elif self.draft.is_new:
            base = self.draft.base
            self.desk.drop(self._tuned)
            self.show_task(base)
        else:
            self.draft.revert()
            self.draft_changed()
            self.notify("reverted to what is saved · u takes it back", markup=False)

    # Saving

    @work(group="save", exclusive=True)
    async def action_save(self) -> None:
        """Write the draft to the configuration, and have the engine go on with it."""
        if not await self.is_ready():
            return
        source, draft, version = self.desk.source, self.draft, self.draft.current
        if source is None:
            self.notify("a server has its own configuration: save where it runs", markup=False)
            return
        if not draft.changes:
            self.notify("nothing to save: the draft is as the file is", markup=False)
            return
        try:
            after = await asyncio.to_thread(save, source, draft.name, draft.saved, version)
        except ChangedOnDisk as error:
            await self._offer_to_read(error, source)
        except PolyError as error:
            self.notify(f"not saved: {error}", severity="error", markup=False)
        else:
            self.desk.was_saved(draft.name, version, after)
            await self._go_on_with(after)

    async def _go_on_with(self, source: Source) -> None:
        try:
            await self.backend.reload()
        except PolyError as error:
            self.notify(f"saved, but not in effect: {error}", severity="error", markup=False)
        else:
            self.notify(f"saved: {source.path}", markup=False)
        self.read_from = self.backend.config_file
        self.draft_changed()

    async def _offer_to_read(self, error: ChangedOnDisk, source: Source) -> None:
        choice = await self.app.push_screen_wait(NameCard("not saved", [_READ_AGAIN, _LEAVE], "", words=str(error)))
        if choice == _READ_AGAIN and await self.read_again(source.path):
            self.draft_changed()


def _counted(n: int) -> str:
    return f"● {n} not saved" if n else ""
