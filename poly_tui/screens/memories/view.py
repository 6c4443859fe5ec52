"""One memory as it is shown: opened with its model, its documents, what is on its way, what is about to leave it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker

from poly_engine.errors import MemoryMismatch, PolyError
from poly_engine.interface import Engine
from poly_engine.types import MemoryInfo
from poly_tui.backend import Backend
from poly_tui.memories.bin import Bin
from poly_tui.memories.choice import chosen_memory, keep_chosen
from poly_tui.memories.listing import Listing
from poly_tui.memories.queue import Item, State, TakeInQueue
from poly_tui.memories.words import counted
from poly_tui.screens.memories.documents import DocumentsPane
from poly_tui.screens.memories.memories import MemoryList
from poly_tui.screens.memories.search import SearchPane
from poly_tui.screens.section import SectionScreen
from poly_tui.widgets.row_table import cell

__all__ = ["MemoryView"]

PAINT_S = 0.1
"""What is on its way is painted so often, however fast it goes."""

REFRESH_S = 1.0
"""While documents come in, a memory is asked so often what it holds: to list ten thousand takes a tenth of a second."""

LOOK_S = 2.0
"""So often is looked for what others take in, as long as they do."""


class MemoryView(SectionScreen):
    """Shows a memory: the one that was chosen last, or the first there is."""

    SECTION = "memories"
    AUTO_FOCUS = "#rows"

    tick: Callable[[], float] = staticmethod(time.monotonic)
    """What speeds are told by."""

    def __init__(self, backend: Backend, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(backend)
        self.memory = ""
        self.memories: Sequence[MemoryInfo] = ()
        self.listing = Listing()
        self.bin = Bin()
        self.queue = TakeInQueue(backend.engine, self._begin, self._mark_changed, self.tick)
        self.pane = DocumentsPane(self.listing, clock=clock)
        self.search = SearchPane(backend)
        self.clock = clock
        self.beside = MemoryList(id="memories")
        self._working = Static(id="working")
        self.failure: PolyError | None = None
        """Why the memory cannot be opened, if that was tried."""
        self._is_open = False
        self._n_reloads = 0
        self._opened = asyncio.Event()
        self._n_openings = 0
        self._refreshed = float("-inf")
        self._upkeep = ""
        self._painting: Timer | None = None
        self._looking: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """The memories, the documents of one, and what is found in it."""
        with Horizontal(id="body"):
            yield self.beside
            with Container(id="main"):
                yield self.pane
                yield self.search
        yield self._working

    def on_mount(self) -> None:
        """Show the memory that was chosen last."""
        self.memory = chosen_memory()
        self.open_memory()

    def on_screen_resume(self) -> None:
        """See what happened meanwhile: another configuration, or other documents."""
        if self._n_reloads != self.backend.n_reloads:
            self.open_memory()
        elif self._is_open:
            self.refresh_documents()

    @property
    def is_open(self) -> bool:
        """Whether the documents of the memory are shown."""
        return self._is_open

    @property
    def is_opening(self) -> bool:
        """Whether it is being opened."""
        return not self._opened.is_set()

    @property
    def model(self) -> str:
        """The name of the model that embeds for the memory."""
        return next((one.embedding_model for one in self.memories if one.name == self.memory), "")

    @property
    def items(self) -> list[Item]:
        """What is on its way into the memory."""
        return [item for item in self.queue.items if item.memory == self.memory]

    @property
    def unsaved(self) -> str:
        """What is on its way into memories, which would not get there."""
        n_left = self.queue.n_working + self.queue.n_waiting
        verb = "is" if n_left == 1 else "are"
        return f"{counted(n_left, 'document')} {verb} not taken in yet" if n_left else ""

    # Opening

    def open_memory(self, name: str | None = None) -> None:
        """Open a memory, or the one that is shown anew. Its model is loaded first, which may take a while."""
        self._is_open, self.failure = False, None
        self._n_reloads = self.backend.n_reloads
        self._opened.clear()
        self._n_openings += 1
        self._open_memory(name, self._n_openings)

    async def until_open(self) -> None:
        """Wait until the memory is open, or cannot be opened."""
        await self._opened.wait()

    @work(group="memories.open", exclusive=True)
    async def _open_memory(self, name: str | None, number: int) -> None:
        try:
            await self._open(name)
        except PolyError as error:
            self.failure = error
            help_ = "b rebuilds it" if isinstance(error, MemoryMismatch) else "⏎ tries again"
            self.pane.show(self.memory, cell(f"{help_} · {error}", "$text-error"))
        except asyncio.CancelledError:
            if self.is_attached and number == self._n_openings:
                self.pane.show(self.memory, Content("not opened · ⏎ opens it"))
            raise
        finally:
            if number == self._n_openings:  # else another one is being opened in its place
                self._opened.set()

    async def _open(self, name: str | None) -> None:
        self.pane.show(self.memory, Content("connecting… esc leaves it"))
        engine = await self.backend.engine()
        self.memories = await engine.memories()
        names = [one.name for one in self.memories]
        wanted = name or self.memory
        if not names:
            self.memory = ""
            self._show_memories()
            self.pane.show("", _none_is_configured(has_server=self.backend.url is not None))
            return
        self.memory = wanted if wanted in names else names[0]
        if name is not None:
            await asyncio.to_thread(keep_chosen, self.memory)
        self._show_memories()
        await self._load(engine)
        await self._read(engine)
        self.memories = await engine.memories()  # with the counts of what is open now
        self._is_open = True
        self._show_memories()
        self.show_documents()
        self.search.use(self.memory)

    async def _load(self, engine: Engine) -> None:
        model = self.model

        def show(share: float) -> None:
            self.pane.show(self.memory, cell(f"loading {model} {share:.0%}… esc leaves it"))

        show(0.0)
        await engine.load(model, show)

    async def _read(self, engine: Engine) -> None:
        self.pane.show(self.memory, Content("reading its documents… esc leaves it"))
        memory = self.memory
        documents, jobs = await engine.documents(memory), await engine.jobs(memory)
        self.listing.marked.clear()
        self.listing.take(documents, jobs)
        self.queue.drop_done(memory, {one.source for one in documents})
        self._wait_for_others()

    @work(group="memories.refresh", exclusive=True)
    async def refresh_documents(self) -> None:
        """See what the memory holds now."""
        self._refreshed = self.tick()
        memory = self.memory
        done = [item.source for item in self.items if item.state is State.DONE]
        try:
            engine = await self.backend.engine()
            documents, jobs = await engine.documents(memory), await engine.jobs(memory)
            infos = await engine.memories()
        except PolyError as error:
            self.tell_error(error)
            return
        if memory == self.memory and self._is_open:
            self.queue.drop_done(memory, done)
            self.listing.take(documents, jobs)
            self.memories = infos
            self._show_memories()
            self.show_documents()
            self._wait_for_others()

    def _wait_for_others(self) -> None:
        """Look again soon if another process takes documents in."""
        mine = {item.source for item in self.items}
        has_others = any(job.state != "failed" and job.source not in mine for job in self.listing.jobs)
        if has_others and self._looking is None:
            self._looking = self.set_timer(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        self._looking = None
        if self._is_open and self.is_current:
            self.refresh_documents()

    # Showing

    def show_documents(self) -> None:
        """Show the listing as it is now."""
        self._update_listing()
        if self._is_open:
            self.pane.show(self.memory)
        self._show_note()

    def _show_memories(self) -> None:
        self.beside.show(self.memories, self.memory)
        self._show_note()

    def _update_listing(self) -> None:
        self.listing.update(self.items, self.bin.sources(self.memory))

    @on(DocumentsPane.Filtered)
    def show_filtered(self) -> None:
        """Show what the filter leaves."""
        self.show_documents()

    def _mark_changed(self) -> None:
        """Paint the queue soon."""
        if self._painting is None and self.is_attached:
            self._painting = self.set_timer(PAINT_S, self._paint_queue)

    def _paint_queue(self) -> None:
        self._painting = None
        self.show_documents()
        is_new = any(item.state is State.DONE for item in self.items)
        if is_new and (not self.queue.is_busy or self.tick() - self._refreshed >= REFRESH_S):
            self.refresh_documents()

    def say(self, upkeep: str) -> None:
        """What is being done to the memory beside, in words; nothing if they are empty."""
        self._upkeep = upkeep
        self._show_note()

    def _show_note(self) -> None:
        queue = self.queue
        parts = [] if not self._upkeep else [cell(f"{self._upkeep} · esc stops", "$text-accent")]
        if queue.trouble is not None:
            parts.append(cell(f"‖ {queue.trouble} · space tries again", "$text-error"))
        elif queue.is_busy or queue.n_failed:
            parts.append(self._queue_words())
        self._working.update(Content("  ").join(parts))
        self._working.set_class(bool(parts), "-on")
        n_left = queue.n_working + queue.n_waiting
        badge = Content.styled(f"{'‖' if queue.is_paused else '◐'} {n_left} left · ", "$text-accent") if n_left else ""
        self.title_bar.note = Content.assemble(badge, cell(self.model, "dim"))

    def _queue_words(self) -> Content:
        queue = self.queue
        rates = [rate for item in queue.items if item.state is State.WORKING and (rate := item.chunks_per_s)]
        words = [
            *([f"{queue.n_working} working"] if queue.n_working else []),
            *([f"{queue.n_waiting} waiting"] if queue.n_waiting else []),
            *([f"{queue.n_failed} failed"] if queue.n_failed else []),
            *([f"{sum(rates):.0f} chunks/s"] if rates else []),
        ]
        sign = "‖ paused: " if queue.is_paused else "◐ " if queue.is_busy else "! "
        keys = [
            *(["space goes on" if queue.is_paused else "space pauses", "c cancels"] if queue.is_busy else []),
            *(["R retries"] if queue.n_failed else []),
        ]
        return Content.assemble((sign, "$text-accent"), " · ".join(words), ("  " + " · ".join(keys), "$text-muted"))

    def _begin(self, work: Coroutine[Any, Any, None]) -> Worker[None]:  # Any: as the queue has it
        return self.run_worker(work, group="memories.queue")


def _none_is_configured(*, has_server: bool) -> Content:
    if has_server:
        return Content("the server has no memory: add [memories.NAME] to its configuration")
    return Content("no memory is configured: n makes one")
