"""The section of models: the list of them, and the page of the one under the cursor."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import ContentSwitcher
from textual.worker import Worker

from poly_engine.errors import PolyError
from poly_engine.interface import Engine
from poly_engine.models.gguf import read_header
from poly_tui.backend import Backend
from poly_tui.commands.listing import Bytes
from poly_tui.screens.models.add_model import AddModel, Fetched
from poly_tui.screens.models.bench_page import BenchPage
from poly_tui.screens.models.confirm import Question
from poly_tui.screens.models.embed_page import EmbedPage
from poly_tui.screens.models.facts import ModelFacts, Users
from poly_tui.screens.models.fetching import fetch
from poly_tui.screens.models.fit import Machine, fit_of, free_memory
from poly_tui.screens.models.info_page import InfoPage
from poly_tui.screens.models.loads import Loads
from poly_tui.screens.models.model_list import ModelList
from poly_tui.screens.models.page import Page
from poly_tui.screens.models.page_head import PageHead
from poly_tui.screens.models.pull_page import PullPage
from poly_tui.screens.models.tokens_page import TokensPage
from poly_tui.screens.section import SectionScreen
from poly_tui.transcript.clean import clean

__all__ = ["ModelsScreen"]

LOOKS_EVERY_S = 2.0
"""Others load and unload, too."""


class ModelsScreen(SectionScreen):
    """Lists the models of the engine, loads and unloads them, and shows what they are and do."""

    SECTION = "models"
    CSS_PATH = "models.tcss"
    AUTO_FOCUS = "ModelList OptionList"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="models.back", show=False),
        Binding("l", "load", "load/unload", id="models.load"),
        Binding("i", "page('info')", "info", id="models.info"),
        Binding("t", "page('tokens')", "tokenise", id="models.tokens"),
        Binding("v", "page('embed')", "embed", id="models.embed"),
        Binding("b", "page('bench')", "bench", id="models.bench"),
        Binding("p", "page('pull')", "pull", id="models.pull"),
    ]

    def __init__(self, backend: Backend, machine: Machine = free_memory) -> None:
        super().__init__(backend)
        self.machine: Machine | None = machine if backend.url is None else None
        """Says what memory there is, if the models are on this machine."""
        self._engine: Engine | None = None
        self._models: list[ModelFacts] = []
        self._loads = Loads(self._show_seen)
        self._loading: dict[str, Worker[None]] = {}
        self._looking: Worker[None] | None = None
        self._looks_again = False
        self._users: Users | None = None
        self._n_reloads = 0
        self._fetched: tuple[Fetched, str] | None = None
        self._pulled_share: float | None = None
        self._clock: Timer | None = None
        self._list = ModelList()
        self._head = PageHead()
        self._bench = BenchPage(is_local=backend.url is None)
        self._pages: dict[str, Page] = {
            "info": InfoPage(lambda: self.machine),
            "tokens": TokensPage(),
            "embed": EmbedPage(),
            "bench": self._bench,
            "pull": PullPage(None if backend.url else partial(fetch, backend), lambda: self.machine),
        }

    def compose_body(self) -> ComposeResult:
        """The list and the pages, of which one is shown."""
        with Container(id="models-body"):
            yield self._list
            with Vertical(id="models-detail"):
                yield self._head
                with ContentSwitcher(initial="page-info"):
                    yield from self._pages.values()

    def on_mount(self) -> None:
        """Look what there is, again and again."""
        self._clock = self.set_interval(LOOKS_EVERY_S, self.look)

    def on_screen_suspend(self) -> None:
        """Leave the engine alone while nobody looks."""
        if self._clock is not None:
            self._clock.pause()

    def on_screen_resume(self) -> None:
        """Look at once."""
        if self._clock is not None:
            self._clock.resume()
        self._users = None  # a server may have another configuration by now
        self.look()
        self._add_fetched()

    # What there is

    def look(self) -> None:
        """Ask the engine what there is; once more, if it is being asked already."""
        if self._looking is not None and not self._looking.is_finished:
            self._looks_again = True
        else:
            self._looking = self._look()

    @work(group="look")
    async def _look(self) -> None:
        self._looks_again = True
        while self._looks_again:
            self._looks_again = False
            try:
                self._models = await self._gather()
            except PolyError as error:
                self._show_failure(error)
            else:
                self._show()

    async def _gather(self) -> list[ModelFacts]:
        engine = self._engine = await self.backend.engine()
        if self._users is None or self._n_reloads != self.backend.n_reloads:
            self._n_reloads, self._users = self.backend.n_reloads, await Users.of(engine)
        users, speeds = self._users, self.backend.speeds
        return [users.facts(one, self._loads.of(one.name), speeds.get(one.name)) for one in await engine.models()]

    def _show_failure(self, error: PolyError) -> None:
        """Say why there is nothing new; it is tried again."""
        self.title_bar.note = Content.styled("✗ not reached", "$text-error")
        if not self._models:
            self._list.say(clean(str(error)))

    def _show(self) -> None:
        self._list.show(self._models)
        if not self._models:
            self._list.say("no model is configured: poly model pull gets one")
        self.title_bar.note = self._note()
        self._show_page()

    def _show_seen(self) -> None:
        """Show what was seen, without asking."""
        speeds = self.backend.speeds
        self._models = [one.with_seen(self._loads.of(one.name), speeds.get(one.name)) for one in self._models]
        if self.is_mounted:
            self._list.show(self._models)
            self.title_bar.note = self._note()
            self._show_page()

    def _show_page(self) -> None:
        model = self._list.current
        self._head.model = model
        if model is not None and self._engine is not None:
            self._page.show(self._engine, model)

    def _note(self) -> Content:
        """What is on its way, or how much memory is free."""
        loading = [
            f"◌ {clean(one.name)} {one.seen.loaded_share:.0%} · esc stops"
            for one in self._models
            if one.seen.loaded_share is not None
        ]
        pulled = [] if self._pulled_share is None else [f"↓ {self._pulled_share:.0%}"]
        busy = [Content.styled(one.replace("%", " %"), "$text-accent") for one in (*loading, *pulled)]
        place = [] if loading else [Content.styled(self._place(), "dim")]  # else the names of sections have no room
        return Content(" · ").join([*busy, *place])

    def _place(self) -> str:
        """Where the models are, and how much room there is."""
        if self.machine is None:
            return clean(self.backend.url or "")
        memory = self.machine()
        return f"{Bytes(memory.free_bytes)} of {Bytes(memory.total_bytes)} free"

    # Pages

    @property
    def _page(self) -> Page:
        return self._pages[self._head.page]

    def action_page(self, name: str) -> None:
        """Show a page, and let its keys work."""
        self._head.page = name
        self.query_one(ContentSwitcher).current = f"page-{name}"
        self.add_class("-paged")
        self._show_page()
        self._page.enter()
        self._add_fetched()

    @on(ModelList.Moved)
    def show_moved(self) -> None:
        """Show the page of another model."""
        self._show_page()

    @on(ModelList.Chosen)
    def open_page(self) -> None:
        """Go to the page that is shown."""
        self.action_page(self._head.page)

    @on(Page.Left)
    def leave_page(self) -> None:
        """Go back to the list."""
        self.remove_class("-paged")
        self._list.take_focus()

    def action_back(self) -> None:
        """Give up what the current model is being loaded for; else go back to the list."""
        model = self._list.current
        if model is not None and self._stop_loading(model.name):
            return
        self.leave_page()

    @on(PullPage.Pulled)
    def keep_fetched(self, message: PullPage.Pulled) -> None:
        """Have what was fetched put into the configuration, as soon as one looks: else keys would go astray."""
        self._fetched = message.fetched, message.name
        if not self._add_fetched():
            name = clean(message.fetched.path.name)
            self.app.notify(f"{name} is there: the page Pull of Models adds it to the configuration", markup=False)

    def _add_fetched(self) -> bool:
        """Ask for a name of what was fetched; False if there is nothing, or one looks at something else."""
        if self._fetched is None or not self.is_current or self._head.page != "pull":
            return False
        fetched, self._fetched = self._fetched, None
        self._add(*fetched)
        return True

    @work(group="add")
    async def _add(self, fetched: Fetched, name: str) -> None:
        try:
            header = await asyncio.to_thread(read_header, fetched.path)
        except PolyError as error:
            self.tell_error(error)
            return
        added = await self.app.push_screen_wait(AddModel(self.backend, fetched, header, name))
        if added is not None:
            self.notify(f"{added} is in the configuration now", markup=False)
            self._list.look_for(added)
            self.look()

    @on(PullPage.Moved)
    def note_pull(self, message: PullPage.Moved) -> None:
        """Show how far it is, whatever page is shown."""
        self._pulled_share = message.share
        self.title_bar.note = self._note()

    # Loading

    def action_load(self) -> None:
        """Load the current model, or unload it."""
        model = self._list.current
        if model is None:
            return
        if model.is_loaded:
            self._unload(model)
        elif model.seen.loaded_share is None:
            self.load(model)

    def load(self, model: ModelFacts, then: Callable[[], None] | None = None) -> None:
        """Load a model, after a question if it may not fit, and do something `then`."""
        self._loading[model.name] = self._load(model, then)

    @work(group="load")
    async def _load(self, model: ModelFacts, then: Callable[[], None] | None) -> None:
        engine = self._engine
        if engine is None or not await self._is_meant(model):
            return
        try:
            await self._loads.load(engine, model.name)
        except PolyError as error:
            self.tell_error(error)
            return
        finally:
            self.look()
        if then is not None:
            assert self._looking is not None
            await self._looking.wait()
            then()

    async def _is_meant(self, model: ModelFacts) -> bool:
        """Whether a model is to be loaded, though it may not fit."""
        fit = await fit_of(model.info, self.machine)
        if fit is None or not fit.warning:
            return True
        question = Question(f"{model.name} may not fit", fit.warning, "load it all the same")
        return await self.app.push_screen_wait(question)

    def _stop_loading(self, name: str) -> bool:
        worker = self._loading.get(name)
        if worker is None or worker.is_finished:
            return False
        worker.cancel()
        self._give_up(name)
        return True

    @work(group="load")
    async def _give_up(self, name: str) -> None:
        """Have the engine stop loading, which it does not by itself: somebody else may wait for it, too."""
        assert self._engine is not None
        try:
            await self._engine.unload(name)
        except PolyError as error:
            self.tell_error(error)
        self.look()

    @work(group="load")
    async def _unload(self, model: ModelFacts) -> None:
        assert self._engine is not None
        try:
            if await self._may_be_unloaded(self._engine, model.name):
                await self._engine.unload(model.name)
        except PolyError as error:
            self.tell_error(error)
        self.look()

    async def _may_be_unloaded(self, engine: Engine, name: str) -> bool:
        """Ask if it is at work now, which may be another thing than what was last seen."""
        n_running = next((one.n_running for one in await engine.models() if one.name == name), 0)
        if not n_running:
            return True
        words = "One request is" if n_running == 1 else f"{n_running} requests are"
        question = Question(f"{name} is at work", f"{words} being answered with it, and would fail.", "unload it")
        return await self.app.push_screen_wait(question)

    # Measuring

    @on(BenchPage.LoadWanted)
    def load_for_bench(self, message: BenchPage.LoadWanted) -> None:
        """Load a model that is to be measured."""
        model = next((one for one in self._models if one.name == message.name), None)
        if model is not None:
            self.load(model, then=lambda: self._bench.run(message.name))

    @on(BenchPage.Measured)
    def note_speed(self, message: BenchPage.Measured) -> None:
        """Show it in the list, too."""
        result = message.result
        self.backend.speeds[result.model] = result.decode_per_s or result.prefill_per_s
        self._show_seen()
