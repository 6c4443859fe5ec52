"""The section in which a task is tuned: its fields, its table in the file, its prompt, and how it answers."""

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, OptionList
from textual.widgets.option_list import Option

from poly_engine.errors import PolyError
from poly_tui.backend import Backend
from poly_tui.screens.tune.file_pages import FilePage, diff_rows, toml_rows
from poly_tui.screens.tune.heading import PAGES
from poly_tui.screens.tune.trying import TryingScreen
from poly_tui.transcript.clean import clean

__all__ = ["TuneScreen"]

_NAMES = [name for name, _ in PAGES]
_TRYING = ("prompt", "duel")


class TuneScreen(TryingScreen):
    """Pages over one draft. Where there is room the fields stand beside the others."""

    SECTION = "tune"
    CSS_PATH = "tune.tcss"
    AUTO_FOCUS = "#tune-fields"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "show_page('duel')", "A/B", id="tune.duel"),
        Binding("p", "show_page('prompt')", "prompt", id="tune.prompt"),
        Binding("equals_sign", "show_page('diff')", "diff", id="tune.diff", key_display="="),
        Binding("t", "show_page('toml')", "TOML", id="tune.toml", show=False),
        Binding("f", "show_page('fields')", "fields", id="tune.fields", show=False),
        Binding("less_than_sign", "turn_page(-1)", "page before", id="tune.page_before", show=False),
        Binding("greater_than_sign", "turn_page(1)", "page after", id="tune.page_after", show=False),
    ]

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._tasks = OptionList(id="tune-tasks", compact=True)
        self._beside = "prompt"
        self._listed: list[tuple[str, int]] = []
        self._toml = FilePage(id="tune-toml")
        self._diff = FilePage(id="tune-diff")
        self._pages = ContentSwitcher(initial="tune-prompt", id="tune-pages")

    def compose_body(self) -> ComposeResult:
        """The tasks and the fields, and beside them the other pages."""
        yield self._heading
        with Horizontal(id="tune-body"):
            yield self._tasks
            with Vertical(id="tune-form"):
                yield self._form
                yield self._help
            with Vertical(id="tune-side"):
                yield self._bar
                with self._pages:
                    yield self._toml
                    yield self._prompt_page
                    yield self._diff
                    yield self._duel_page

    @property
    def page(self) -> str:
        """The page that is shown; where there is room, beside the fields."""
        return self._heading.page

    # Pages

    def on_mount(self) -> None:
        """Begin with the fields."""
        self._turn_to("fields")

    def action_show_page(self, page: str) -> None:
        """Show a page. To ask for the prompt loads its model."""
        self._turn_to(page)
        if not self._tuned:
            return
        if page == "prompt":
            self.preview(loads=True)
        else:
            self._fill_page()

    def action_turn_page(self, n_steps: int) -> None:
        """Show the page before or after."""
        self.action_show_page(_NAMES[(_NAMES.index(self.page) + n_steps) % len(_NAMES)])

    def show_duels(self) -> None:
        """Show the answers, wherever one is."""
        self._turn_to("duel")
        self._paint_duel()

    def refresh_draft(self) -> None:
        """Show the draft on all pages that are seen."""
        super().refresh_draft()
        self._list_tasks()
        self._fill_page()

    def prompt_changed(self) -> None:
        """Show what the prompt is about."""
        super().prompt_changed()
        self._fill_page()

    @on(OptionList.OptionSelected, "#tune-tasks")
    def tune_chosen(self, message: OptionList.OptionSelected) -> None:
        """Tune the task that was chosen."""
        self.show_task(self.desk.names[message.option_index])

    def go_back(self) -> None:
        """Go back to the fields."""
        self.action_show_page("fields")

    def _turn_to(self, page: str) -> None:
        self._heading.page = page
        for name in _NAMES:
            self.set_class(name == page, f"-page-{name}")
        self._beside = "prompt" if page == "fields" else page
        self._pages.current = f"tune-{self._beside}"
        self._bar.display = self._beside in _TRYING
        target = self._form if page == "fields" else self._pages.visible_content
        if target is not None:
            (target.query_one("VerticalScroll") if page == "duel" else target).focus()

    @work(group="page", exclusive=True)
    async def _fill_page(self) -> None:
        """Show what the page is about."""
        shown = self._beside
        draft, source = self.draft, self.desk.source
        try:
            if shown == "prompt":
                self.preview(loads=False)
            elif shown == "toml":
                self._toml.show(await asyncio.to_thread(toml_rows, source, draft))
            elif shown == "diff":
                self._diff.show(await asyncio.to_thread(diff_rows, source, draft))
        except PolyError as error:
            page = self._toml if shown == "toml" else self._diff
            page.show([Content.styled(clean(str(error)), "$text-error")])

    def _list_tasks(self) -> None:
        listed = [(name, self.desk.n_changes(name)) for name in self.desk.names]
        if listed != self._listed:
            self._listed = listed
            self._tasks.clear_options()
            self._tasks.add_options(Option(_task_row(name, n)) for name, n in listed)
        self._tasks.highlighted = list(self.desk.names).index(self._tuned)


def _task_row(name: str, n_changes: int) -> Content:
    return Content.assemble(clean(name), (f"  ● {n_changes}" if n_changes else "", "$text-warning"))
