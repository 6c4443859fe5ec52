"""The pane with the pages of the inspector: beside the transcript where there is room, else over it."""

import time
from typing import ClassVar, Literal, TypeAlias, get_args

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from poly_engine.errors import PolyError
from poly_engine.overrides import Overrides
from poly_tui.chats.facts import dropped_of, hits_of
from poly_tui.chats.tree import ChatTurn
from poly_tui.inspector.figures import Figures, kept_figures
from poly_tui.inspector.found import SourcesPage
from poly_tui.inspector.inquiry import Inquiry
from poly_tui.inspector.live import LivePage
from poly_tui.inspector.prompt_page import PromptPage
from poly_tui.inspector.records import Records
from poly_tui.inspector.tabs import PageTabs
from poly_tui.inspector.token_page import N_ALTERNATIVES, TokenPage
from poly_tui.screens.sources import SourceCard
from poly_tui.transcript import Transcript
from poly_tui.widgets.status import Status

__all__ = ["Inspector", "Page"]

Page: TypeAlias = Literal["live", "sources", "prompt", "tokens"]
PAGES: tuple[Page, ...] = get_args(Page)

INTERVAL_S = 0.2
CALM_INTERVAL_S = 1.0
"""So long what is shown of an answer that is being written stays as it is: nobody reads faster. The longer one is for
where motion is to be reduced.
"""


class Inspector(Vertical):
    """Shows what went on behind a turn. It is closed at first, and costs nothing until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="inspector.leave"),
        Binding("tab", "leave", "back", id="inspector.tab", show=False),
        *(
            Binding(str(n), f"page('{page}')", "page", id=f"inspector.{page}", key_display="1-4", show=n == 1)
            for n, page in enumerate(PAGES, 1)
        ),
        Binding("left", "turn(-1)", "page before", id="inspector.previous", show=False),
        Binding("right", "turn(1)", "next page", id="inspector.next", show=False),
    ]

    def __init__(self, records: Records, inquiry: Inquiry) -> None:
        super().__init__()
        self._records = records
        self._inquiry = inquiry
        self._turn: ChatTurn | None = None
        self._status = Status()
        self._memory = ""
        self._asked_memory_of = ""
        self._drawn_at = 0.0
        self._later: Timer | None = None
        self._asked_prompt_of: ChatTurn | None = None
        self._came_from: Widget | None = None
        self._page: Page = "live"
        self._tabs = PageTabs(PAGES)
        self._live = LivePage()
        self._sources = SourcesPage()
        self._prompt = PromptPage()
        self._tokens = TokenPage()

    @property
    def is_open(self) -> bool:
        """Whether it is seen."""
        return self.has_class("-open")

    @property
    def has_keys(self) -> bool:
        """Whether what is pressed goes to it."""
        focused = self.screen.focused
        return focused is not None and self in focused.ancestors

    @property
    def overrides(self) -> Overrides:
        """What the next turn is asked for: probabilities cost a little, so only while they are looked at."""
        return Overrides(logprobs=N_ALTERNATIVES if self.is_open and self._page == "tokens" else None)

    async def open(self, page: Page | None = None) -> None:
        """Show a page, by default that of last time, and let it have the keys."""
        if not self.children:
            switcher = ContentSwitcher(self._live, self._sources, self._prompt, self._tokens, initial=self._live.id)
            await self.mount(self._tabs, switcher)
        if not self.has_keys:
            self._came_from = self.screen.focused
        self.add_class("-open")
        self._show_page(page or self._page)

    def close(self) -> None:
        """Go away, and give the keys back."""
        self.workers.cancel_group(self, "inspector.prompt")
        self._wait_no_longer()
        if self.has_keys:
            self._give_focus_back()
        self.remove_class("-open")

    def uncover(self) -> None:
        """Go away if the transcript is covered."""
        if self.is_open and not self._lies_beside:
            self.close()

    def inspect(self, turn: ChatTurn | None) -> None:
        """Show another turn."""
        if turn is not self._turn:
            self._turn = turn
            if self.is_open:
                self._draw()

    def paint(self, status: Status) -> None:
        """Show how far things are, if it is time. This is called in the rhythm of the transcript."""
        self._status = status
        self._records.newest.beat()
        if not self.is_open or (self._later is not None and status.phase.is_generating):
            return
        wait_s = self._drawn_at + self._interval_s - time.monotonic() if status.phase.is_generating else 0.0
        if wait_s > 0:
            self._later = self.set_timer(wait_s, self._draw)
        else:
            self._draw()

    # What the user does

    def action_page(self, page: Page) -> None:
        """Show a page."""
        self._show_page(page)

    def action_turn(self, n_pages: int) -> None:
        """Show the page before or after."""
        self._show_page(PAGES[(PAGES.index(self._page) + n_pages) % len(PAGES)])

    def action_leave(self) -> None:
        """Go back to where one came from; what lies over the transcript goes away."""
        if self._lies_beside:
            self._give_focus_back()
        else:
            self.close()

    @on(SourcesPage.Opened)
    def show_chunk(self, message: SourcesPage.Opened) -> None:
        """Show a chunk that was recalled, or left out."""
        self.app.push_screen(SourceCard(message.number, message.hit))

    @on(Transcript.Moved)
    @on(Transcript.Settled)
    def keep_to_itself(self, message: Transcript.Moved | Transcript.Settled) -> None:
        """The page of the prompt is not the transcript of the chat."""
        message.stop()

    # How it is done

    @property
    def _lies_beside(self) -> bool:
        return self.screen.has_class("-xwide")

    @property
    def _interval_s(self) -> float:
        return CALM_INTERVAL_S if self.app.animation_level == "none" else INTERVAL_S

    def _show_page(self, page: Page) -> None:
        self._page = page
        self._asked_prompt_of = None  # what failed is tried again
        widgets: dict[Page, tuple[Widget, Widget]] = {
            "live": (self._live, self._live),
            "sources": (self._sources, self._sources.list),
            "prompt": (self._prompt, self._prompt),
            "tokens": (self._tokens, self._tokens.stream),
        }
        shown, focused = widgets[page]
        for one in PAGES:
            self.set_class(one == page, f"-{one}")
        self._tabs.page = page
        self.query_one(ContentSwitcher).current = shown.id
        self.screen.set_focus(focused)
        self._draw()

    def _give_focus_back(self) -> None:
        came_from = self._came_from
        if came_from is not None and came_from.is_attached and came_from.focusable:
            self.screen.set_focus(came_from)
        else:
            self.screen.focus_next()

    def _draw(self) -> None:
        self._wait_no_longer()
        self._drawn_at = time.monotonic()
        turn = self._turn
        match self._page:
            case "live":
                self._live.show(self._figures())
            case "sources":
                facts = turn.facts if turn is not None else {}
                self._sources.show(hits_of(facts), dropped_of(facts))
            case "prompt":
                self._draw_prompt()
            case "tokens":
                record = self._records.of(turn)
                self._tokens.show(record.tokens if record is not None else () if turn is None else None)

    def _wait_no_longer(self) -> None:
        if self._later is not None:
            self._later.stop()
            self._later = None

    def _figures(self) -> Figures:
        turn = self._turn
        if turn is None:
            return Figures(state=self._status.state, context_size=self._status.context_size)
        if turn.task != self._asked_memory_of:
            self._asked_memory_of, self._memory = turn.task, ""
            self._ask_memory(turn.task)
        if self._is_coming(turn):
            return self._records.newest.figures(turn, self._status, self._memory)
        return kept_figures(turn, self._memory)

    def _is_coming(self, turn: ChatTurn) -> bool:
        """Whether the answer of a turn is the one that is being written."""
        return self._status.phase.is_answering and self._records.of(turn) is self._records.newest

    def _draw_prompt(self) -> None:
        """Ask for the prompt of the turn, unless that was done, or it is not sent yet."""
        turn = self._turn
        if turn is None:
            self._prompt.say("nothing was sent yet")
        elif self._is_coming(turn) and not self._records.newest.has_begun:
            self._prompt.say("waiting to be sent")
        elif turn is not self._asked_prompt_of:
            self._asked_prompt_of = turn
            self._prompt.say("asking for the prompt")
            self._ask_prompt(turn)

    @work(group="inspector.prompt", exclusive=True)
    async def _ask_prompt(self, turn: ChatTurn) -> None:
        try:
            sent = await self._inquiry.prompt(turn)
        except PolyError as error:
            self._prompt.say(str(error), is_error=True)
        else:
            self._prompt.show(sent.parts, sent.note, self._status.context_size)

    @work(group="inspector.memory", exclusive=True)
    async def _ask_memory(self, task: str) -> None:
        try:
            self._memory = await self._inquiry.memory(task)
        except PolyError:  # whatever it is, the next answer will tell
            return
        if self.is_open:
            self._draw()
