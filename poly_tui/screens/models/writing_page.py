"""A page with a text to write, and what a model makes of it while one writes."""

import asyncio
from abc import abstractmethod

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static, TextArea

from poly_engine.errors import PolyError
from poly_engine.interface import Engine
from poly_tui.screens.models.facts import ModelFacts
from poly_tui.screens.models.page import Page
from poly_tui.transcript.clean import clean

__all__ = ["WritingPage"]

PAUSE_S = 0.15
"""Nobody types that slowly in the middle of a word."""


class WritingPage(Page):
    """Asks the engine when one pauses. A model that is not loaded is not loaded for that: it may be large."""

    def __init__(self, name: str, placeholder: str) -> None:
        super().__init__(name)
        self._writing = TextArea(compact=True, highlight_cursor_line=False, placeholder=placeholder)
        self._writing.cursor_blink = False  # it would be the only thing that wakes an idle terminal
        self._result = Static(classes="result")
        self._shown_of = ""

    def compose(self) -> ComposeResult:
        """The text over what comes of it."""
        yield self._writing
        yield VerticalScroll(self._result, can_focus=False)

    def enter(self) -> None:
        """Let the text be written."""
        self.screen.set_focus(self._writing)

    def show_model(self, model: ModelFacts) -> None:
        """Ask another model about the same text; not again where only its figures changed."""
        state = f"{model.name} {model.is_loaded} {model.problem}"
        if state != self._shown_of:
            self._shown_of = state
            self._ask_soon()

    @on(TextArea.Changed)
    def ask_about_text(self) -> None:
        """Ask about what is written now."""
        self._ask_soon()

    @abstractmethod
    async def result(self, engine: Engine, model: str, text: str) -> Content:
        """What the model makes of the text, which is not empty. Raises PolyError."""

    @work(exclusive=True, group="result")
    async def _ask_soon(self) -> None:
        text, model, engine = self._writing.text, self.model, self.engine
        if model is None or engine is None:
            return
        if not model.is_loaded:
            self._result.update(_advice(model))
            return
        if not text:
            self._result.update("")
            return
        await asyncio.sleep(PAUSE_S)
        try:
            content = await self.result(engine, model.name, text)
        except PolyError as error:
            content = Content.styled(clean(str(error)), "$text-error")
        self._result.update(content)


def _advice(model: ModelFacts) -> Content:
    """What to do with a model that is not loaded."""
    advice = Content.styled("not loaded: esc, then l loads it", "$text-warning")
    if not model.problem:
        return advice
    return Content("\n").join([Content.styled(clean(model.problem), "$text-error"), advice])
