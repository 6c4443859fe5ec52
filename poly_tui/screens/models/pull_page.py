"""Fetching a model: a short list to choose from, a line for any other, and how far it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker

from poly_engine.errors import PolyError
from poly_engine.models.pull import PullProgress
from poly_engine.models.recommended import Recommended, recommended
from poly_tui.commands.listing import Bytes
from poly_tui.screens.models.add_model import Fetched
from poly_tui.screens.models.bar import bar
from poly_tui.screens.models.fit import Machine
from poly_tui.screens.models.page import Page
from poly_tui.transcript.clean import clean

__all__ = ["PullPage", "Puller", "progress_shown"]

NAME_CELLS, SIZE_CELLS, LICENCE_CELLS = 22, 8, 12
NARROW = 60


Puller = Callable[[str, Callable[[PullProgress], None]], Awaitable[Fetched]]
"""Fetches what a reference names. Raises PolyError."""


class PullPage(Page):
    """Fetches one model at a time. It goes on while other pages and sections are shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "to_list", "list", id="models.pull_list", show=False),
        Binding("c", "cancel", "cancel", id="models.pull_cancel"),
    ]

    @dataclass
    class Pulled(Message):
        """A model is there now."""

        fetched: Fetched
        name: str
        """What it may be called; empty if it is not one of the list."""

    @dataclass
    class Moved(Message):
        """It is so far, 0 to 1; None when nothing is fetched any more."""

        share: float | None

    def __init__(self, puller: Puller | None, machine: Callable[[], Machine | None]) -> None:
        """Without `puller` the models are on another machine, where nothing is fetched from here."""
        super().__init__("pull")
        self.puller = puller
        self._machine = machine
        self._offers: tuple[Recommended, ...] = ()
        self._pulling: Worker[None] | None = None
        self._line = Input(placeholder="hf:owner/repository:Q4_K_M, a URL, or a name from the list", compact=True)
        self._now = Static(Content.styled("enter fetches it · down goes into the list", "dim"), classes="now")
        self._list = OptionList(compact=True)

    def compose(self) -> ComposeResult:
        """The line, what is going on, and the list."""
        if self.puller is not None:
            yield self._line
            yield self._now
            yield self._list
        else:
            yield Static("Models are fetched where they run: poly model add does it on the machine of the server.")

    def enter(self) -> None:
        """Let the line be written, the list being ready."""
        if self.puller is None:
            self.screen.set_focus(None)
            return
        self._offers = self._offers or recommended()
        self._list_offers()
        self.screen.set_focus(self._line)

    def on_resize(self) -> None:
        """Say as much of each model as fits."""
        self._list_offers()

    def _list_offers(self) -> None:
        place, machine = self._list.highlighted, self._machine()
        free_bytes = machine().free_bytes if machine is not None else None
        is_narrow = self.size.width < NARROW
        self._list.clear_options()
        self._list.add_options(Option(_offer(one, free_bytes, is_narrow=is_narrow)) for one in self._offers)
        self._list.highlighted = place

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """There is nothing to cancel unless something is on its way."""
        return self.is_pulling if action == "cancel" else True

    def action_to_list(self) -> None:
        """Go from the line into the list."""
        self.screen.set_focus(self._list)

    @property
    def is_pulling(self) -> bool:
        """Whether a model is on its way."""
        return self._pulling is not None and not self._pulling.is_finished

    def stop(self) -> bool:
        """Stop fetching; what has come is kept."""
        if not self.is_pulling:
            return False
        assert self._pulling is not None
        self._pulling.cancel()
        self._say(Content.styled("stopped: the same again goes on where it was", "$text-warning"))
        return True

    def action_cancel(self) -> None:
        """The same by another key."""
        self.stop()

    @on(Input.Submitted)
    def pull_line(self, message: Input.Submitted) -> None:
        """Fetch what was written."""
        message.stop()
        if message.value.strip():
            self.begin(message.value.strip())

    @on(OptionList.OptionSelected)
    def pull_offer(self, message: OptionList.OptionSelected) -> None:
        """Fetch what was chosen."""
        message.stop()
        name = self._offers[message.option_index].name
        self._line.value = name
        self.begin(name)

    def begin(self, reference: str) -> None:
        """Fetch something, unless something else is on its way."""
        if self.is_pulling:
            self.notify("one model at a time: esc stops the one that is on its way", markup=False)
        else:
            self._pulling = self._pull(reference)

    @work(group="pull")
    async def _pull(self, reference: str) -> None:
        assert self.puller is not None
        self._say(Content.styled(f"looking for {_line(reference)}", "dim"))
        self.refresh_bindings()
        try:
            fetched = await self.puller(reference, self._show)
        except PolyError as error:
            self._say(Content.styled(clean(str(error)), "$text-error"))
        else:
            self._say(Content.assemble(("✓ ", "$text-success"), _line(str(fetched.path))))
            name = reference if any(one.name == reference for one in self._offers) else ""
            self.post_message(self.Pulled(fetched, name))
        finally:
            if self.is_attached:  # and not left by quitting
                self.post_message(self.Moved(None))
                self.refresh_bindings()

    def _show(self, progress: PullProgress) -> None:
        share = progress.n_done / progress.n_total if progress.n_total else None
        self._say(progress_shown(progress, share))
        self.post_message(self.Moved(share))

    def _say(self, content: Content) -> None:
        self._now.update(content)


def progress_shown(progress: PullProgress, share: float | None) -> Content:
    """What is on its way, how far, how fast, and how long it will take."""
    if progress.phase != "downloading":
        return Content.styled(f"{progress.phase} {_line(progress.source)}", "dim")
    total = "" if progress.n_total is None else f" of {Bytes(progress.n_total)}"
    parts = [f"{Bytes(progress.n_done)}{total}"]
    if progress.bytes_per_s:
        parts.append(f"{Bytes(int(progress.bytes_per_s))}/s")
        if progress.n_total is not None:
            parts.append(_duration((progress.n_total - progress.n_done) / progress.bytes_per_s))
    gauge = Content("") if share is None else bar(share) + Content("  ")
    return Content.assemble(gauge, "  ".join(parts), ("  esc stops", "dim"), "\n", (_line(progress.source), "dim"))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s left"
    minutes = round(seconds / 60)
    return f"{minutes} min left" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min left"


def _offer(one: Recommended, free_bytes: int | None, *, is_narrow: bool) -> Content:
    fits = free_bytes is None or one.size_bytes <= free_bytes
    name = Content.styled(f"{one.name:{NAME_CELLS}}", "bold")
    licence = Content.styled(f"{one.licence:{LICENCE_CELLS}}", "dim")
    mark = Content("") if fits else Content.styled("✗ too large for the free memory", "$text-warning")
    if is_narrow:
        return Content.assemble(name, licence, mark)
    return Content.assemble(name, f"{Bytes(one.size_bytes)!s:>{SIZE_CELLS}}  ", licence, one.about if fits else mark)


def _line(text: str) -> str:
    return " ".join(clean(text).split())
