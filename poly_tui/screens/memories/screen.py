"""The section of memories: documents are taken in, found, read, deleted and had back."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType

from poly_engine.errors import PolyError
from poly_tui.documents import Document
from poly_tui.memories.bin import GRACE_S, Thrown
from poly_tui.memories.listing import Entry, Phase
from poly_tui.memories.paths import as_line, source_path, split_paths
from poly_tui.memories.queue import State
from poly_tui.memories.words import counted
from poly_tui.screens.memories.chunks import ChunksScreen
from poly_tui.screens.memories.dialogs import ReadingCard
from poly_tui.screens.memories.documents import DocumentsPane
from poly_tui.screens.memories.memories import MemoriesCard, MemoryList
from poly_tui.screens.memories.search import SearchPane
from poly_tui.screens.memories.taking_in import TakingInScreen
from poly_tui.screens.memories.upkeep import MemoryUpkeep

__all__ = ["MemoriesScreen"]

_log = logging.getLogger(__name__)

LAST_MOMENT_S = 3.0
"""Who quits waits so long for what is deleted to be forgotten."""


class MemoriesScreen(MemoryUpkeep):
    """Shows the memories, and does what one wants done to one of them."""

    CSS_PATH = "memories.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "ingest", "ingest", id="memories.ingest"),
        Binding("s", "search", "search", id="memories.search"),
        Binding("m", "choose_memory", "memory", id="memories.choose"),
        Binding("u", "undo", "undo", id="memories.undo"),
        Binding("r", "ingest_again", "re-ingest", id="memories.ingest_again"),
        Binding("n", "new_memory", "new memory", id="memories.new"),
        Binding("e", "export", "export", id="memories.export"),
        Binding("t", "count", "figures", id="memories.figures"),
        Binding("b", "rebuild", "rebuild", id="memories.rebuild"),
        Binding("v", "find_faults", "faults", id="memories.faults"),
        Binding("space", "pause", "pause", id="memories.pause", show=False),
        Binding("c", "cancel", "cancel", id="memories.cancel", show=False),
        Binding("R", "retry", "retry", id="memories.retry", show=False),
        Binding("escape", "back", "back", id="memories.back", show=False),
        Binding("enter", "open", "open", id="memories.open", show=False),
    ]

    # Which memory

    @work(group="memories.dialog", exclusive=True)
    async def action_choose_memory(self) -> None:
        """Choose the memory to be shown: in the list beside, if there is room for it."""
        if self.beside.display:
            self.beside.table.focus()
            return
        name = await self.app.push_screen_wait(MemoriesCard(self.memories, self.memory))
        if name is not None:
            self.open_memory(name)

    @on(MemoryList.Chosen)
    def choose_beside(self, message: MemoryList.Chosen) -> None:
        """Show the memory that was chosen in the list beside."""
        self.open_memory(message.name)
        self.pane.table.focus()

    def action_open(self) -> None:
        """Try again to open the memory, where it could not be. (An open document is what the rows are for.)"""
        if not self.is_open and not self.is_opening:
            self.open_memory()

    def action_back(self) -> None:
        """Go one step back: from the search, from a filter, or from what is being done."""
        if self.search.is_in_use:
            self.remove_class("-searching")
            self.pane.table.focus()
        elif self.pane.has_filter:
            self.pane.clear_filter()
        elif self.is_opening:
            self.workers.cancel_group(self, "memories.open")
        elif not self.stop_upkeep():
            self.remove_class("-searching")
            self.pane.table.focus()

    # What is read

    def action_search(self) -> None:
        """Let a question be typed."""
        self.add_class("-searching")
        self.search.focus_query()

    def action_filter(self) -> None:
        """Let words be typed that documents are found by."""
        self.pane.focus_filter()

    def action_sort(self) -> None:
        """Sort by something else."""
        self.listing.order = self.listing.order.next
        self.listing.arrange()
        self.show_documents()

    def action_mark(self) -> None:
        """Mark the current document, or not any more, and go to the next one."""
        if self.is_open and (entry := self.pane.current) is not None:
            self.listing.toggle(entry.source)
            self.show_documents()
            self.pane.table.action_move(1)

    @on(DocumentsPane.Chosen)
    def open_document(self, message: DocumentsPane.Chosen) -> None:
        """Show the chunks of a document, or why it has none."""
        entry = message.entry
        if entry.is_stored or (entry.item is not None and entry.item.state is State.DONE):
            self.app.push_screen(ChunksScreen(self.backend, self.memory, self.model, entry.source))
        elif entry.phase is Phase.FAILED:
            help_ = "R tries again, d takes it off this list."
            self.app.push_screen(
                ReadingCard("It could not be taken in", f"{entry.source}\n\n{entry.reason}\n\n{help_}")
            )

    @on(SearchPane.Chosen)
    def open_hit(self, message: SearchPane.Chosen) -> None:
        """Show what was found, between its neighbours."""
        hit = message.hit
        self.app.push_screen(ChunksScreen(self.backend, self.memory, self.model, hit.source, hit.place))

    # What is taken in

    def action_ingest(self) -> None:
        """Let files and folders be named, and take them in."""
        self._take_in()

    def on_paste(self, event: events.Paste) -> None:
        """Take in what is dropped on the terminal, or pasted: a list of paths."""
        line = as_line(event.text)
        if any(Path(path).exists() for path in split_paths(line)):
            event.stop()
            self._take_in(paths=line)

    def action_ingest_again(self) -> None:
        """Take in anew what changed on the disk: of the marked documents, or of all."""
        if not self.is_open:
            return
        marked = [one for one in self.listing.entries if one.source in self.listing.marked]
        entries: Iterable[Entry] = marked or [one for one in self.listing.entries if one.is_stored]
        paths = {one.source: path for one in entries if (path := source_path(one.source)) is not None}
        if not paths:
            self.notify("these documents are of no files: they were piped, or sent", severity="warning", markup=False)
            return
        self._take_in(given=[Document(source, path) for source, path in paths.items()])

    @work(group="memories.dialog", exclusive=True)
    async def _take_in(self, given: Sequence[Document] | None = None, paths: str = "") -> None:
        await self.until_open()
        if not self.is_open:
            self.notify("no memory is open to take documents in", severity="warning", markup=False)
            return
        memory = self.memory
        known = {one.source: one.sha256 for one in self.listing.documents}
        wanted = await self.app.push_screen_wait(TakingInScreen(memory, known, given, paths))
        if wanted:
            self._queue_up(memory, wanted)

    def _queue_up(self, memory: str, wanted: Sequence[Document]) -> None:
        for document in wanted:
            self.bin.spare(memory, document.name)  # else it would be forgotten as soon as it is there
        self.queue.add(memory, wanted)

    def action_pause(self) -> None:
        """Begin no other document, or go on."""
        if self.queue.is_paused:
            self.queue.go_on()
        elif self.queue.is_busy:
            self.queue.pause()

    def action_cancel(self) -> None:
        """Break off the chosen documents that are on their way, or else the one that is being taken in."""
        chosen = [one.item for one in self.pane.chosen if one.item is not None and not one.item.state.is_over]
        working = [item for item in self.queue.items if item.state is State.WORKING]
        for item in chosen or working[:1]:
            self.queue.cancel(item)

    def action_retry(self) -> None:
        """Try again what failed or was cancelled, also in an earlier run."""
        if not self.is_open:
            return
        known = {item.source for item in self.items}
        failed = [job.source for job in self.listing.jobs if job.state == "failed" and job.source not in known]
        files = {source: path for source in failed if (path := source_path(source)) is not None}
        self._queue_up(self.memory, [Document(source, path) for source, path in files.items()])
        self.queue.retry(self.memory)
        if self.queue.trouble is not None:
            self.queue.go_on()

    # What is deleted

    def action_delete(self) -> None:
        """Delete the marked documents, or else the current one. For a while they can be had back."""
        chosen = self.pane.chosen if self.is_open else []  # else they are still those of the memory before
        for entry in chosen:
            if entry.item is not None:
                self.queue.cancel(entry.item)
        stored = [one.source for one in chosen if one.is_stored or (one.phase is Phase.WAITING and one.job is not None)]
        self._drop([one.source for one in chosen if one.source not in stored])
        thrown = self.bin.throw(self.memory, stored, self.clock())
        if thrown is not None:
            n = counted(len(thrown.sources), "document")
            self.notify(f"{n} deleted · u brings back within {GRACE_S:.0f} s", markup=False)
            self.set_timer(GRACE_S, self._empty_bin, name="memories.bin")
        self.listing.marked.clear()
        self.show_documents()

    def action_undo(self) -> None:
        """Have back what was deleted last."""
        thrown = self.bin.take_back(self.memory)
        if thrown is None:
            self.notify("there is nothing to bring back", markup=False)
        else:
            self.notify(f"{counted(len(thrown.sources), 'document')} brought back", markup=False)
            self.show_documents()

    def _empty_bin(self) -> None:
        """Forget what was deleted, now that its time is over."""
        self._forget(self.bin.empty(self.clock()))

    def _drop(self, sources: Sequence[str]) -> None:
        """Take off the list what is not in the memory."""
        for source in sources:
            self.queue.drop(self.memory, source)
        if failed := tuple(source for source in sources if any(job.source == source for job in self.listing.jobs)):
            self._forget([Thrown(self.memory, failed, 0.0)])

    @work(group="memories.forget")
    async def _forget(self, thrown: Sequence[Thrown]) -> None:
        try:
            await self._forget_all(thrown)
        except PolyError as error:
            self.tell_error(error)
        if self._is_open:
            self.refresh_documents()

    async def _forget_all(self, thrown: Iterable[Thrown]) -> None:
        engine = await self.backend.engine()
        for one in thrown:
            for source in one.sources:
                await engine.forget(one.memory, source)

    def on_screen_suspend(self) -> None:
        """Forget what was deleted when one goes to another section: an answer there must not come from it."""
        if self not in self.app.screen_stack and not self.bin.is_empty:  # it is in there if a dialog is over it
            self._forget(self.bin.empty())

    async def on_unmount(self) -> None:
        """Forget what was deleted before all is closed. Where that cannot be done, it is still there the next time."""
        if self.bin.is_empty:
            return
        try:
            async with asyncio.timeout(LAST_MOMENT_S):
                await self._forget_all(self.bin.empty())
        except (PolyError, TimeoutError) as error:
            _log.warning("what was deleted is not forgotten: %s", error)
