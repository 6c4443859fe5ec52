"""The page that says what a model is, and reads its file for that."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from poly_engine.errors import ModelLoadFailed
from poly_engine.models.headers import Headers
from poly_tui.screens.models.facts import ModelFacts
from poly_tui.screens.models.fit import Fit, Machine
from poly_tui.screens.models.info_text import Known, info_lines
from poly_tui.screens.models.page import Page

__all__ = ["InfoPage"]

SCROLLBAR_CELLS = 1


class InfoPage(Page):
    """Reads the header of the file of the current model, if it is on this machine."""

    def __init__(self, machine: Callable[[], Machine | None]) -> None:
        """Where `machine` gives none, the models are on another one, whose files and memory are not seen."""
        super().__init__("info")
        self._machine = machine
        self._headers = Headers()
        self._known: Known | None = None
        self._text = Static(id="info-text")
        self._scroll = VerticalScroll(self._text, can_focus=True)

    def compose(self) -> ComposeResult:
        """One text, which may be longer than the page."""
        yield self._scroll

    def enter(self) -> None:
        """Let the arrows scroll."""
        self.screen.set_focus(self._scroll)

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._paint()

    def show_model(self, model: ModelFacts) -> None:
        """Say what there is to know, which the file may have to tell first."""
        self._read(model)

    @work(exclusive=True, group="info")
    async def _read(self, model: ModelFacts) -> None:
        machine = self._machine()
        header, unread, fit = None, "", None
        if machine is not None and model.info.size_bytes is not None:  # else it is not here yet, or known to be broken
            try:
                header = await asyncio.to_thread(self._headers.read, Path(model.info.path))
            except ModelLoadFailed as error:
                unread = str(error)
            fit = Fit.of(model.info, header, await asyncio.to_thread(machine))
        if self._known is None or self._known.model.name != model.name:
            self._scroll.scroll_home(animate=False)
        self._known = Known(model, header, fit, unread)
        self._paint()

    def _paint(self) -> None:
        if self._known is not None:
            lines = info_lines(self._known, self.size.width - SCROLLBAR_CELLS)  # which comes and goes with the lines
            self._text.update(Content("\n").join(lines))
