"""Where a prompt is written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from poly_tui.transcript.clean import clean
from poly_tui.widgets.history import PromptHistory

__all__ = ["Composer"]


class Composer(TextArea):
    """A text area that grows with its text, sends with Enter, and walks the prompt history at its edges."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "send", id="composer.send"),
        # Three ways, because many terminals cannot tell shift+enter from enter
        Binding("shift+enter,alt+enter,ctrl+j", "newline", "new line", id="composer.newline", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """A prompt was sent."""

        prompt: str

    def __init__(self, take_back: Callable[[], str | None]) -> None:
        """`take_back` takes the newest prompt that was sent but still waits, if there is one."""
        super().__init__(compact=True, highlight_cursor_line=False, placeholder="Ask something")
        # A blinking cursor would be the only thing that wakes an idle terminal
        self.cursor_blink = False
        self._take_back = take_back
        self._history = PromptHistory()

    def remember(self, prompts: Sequence[str]) -> None:
        """Let prompts of earlier be found with up, oldest first."""
        self._history.begin_with(prompts)

    def show(self, text: str) -> None:
        """Have `text` be what is being written."""
        self.text = text
        self.move_cursor(self.document.end)

    def give_back(self, prompts: Iterable[str]) -> None:
        """Put prompts that were not answered before whatever is being written."""
        self.show("\n\n".join(text for text in (*prompts, self.text) if text.strip()))

    def action_submit(self) -> None:
        """Send the prompt, unless there is none."""
        prompt = self.text.strip()
        if prompt:
            self._history.add(prompt)
            self.clear()
            self.post_message(self.Submitted(prompt))

    def action_newline(self) -> None:
        """Begin a new line."""
        self.replace("\n", *self.selection)

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move up; in the first row, take back a prompt that still waits, or show the prompt before."""
        if select or not self.navigator.is_first_wrapped_line(self.cursor_location):
            super().action_cursor_up(select)
        elif not self.text and (waiting := self._take_back()) is not None:
            self.show(waiting)
        elif (prompt := self._history.older(draft=self.text)) is not None:
            self.show(prompt)

    def action_cursor_down(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move down; in the last row, show the prompt after."""
        if select or not self.navigator.is_last_wrapped_line(self.cursor_location):
            super().action_cursor_down(select)
        elif (prompt := self._history.newer()) is not None:
            self.show(prompt)

    async def _on_key(self, event: events.Key) -> None:
        """Run our own bindings here, in the order of the keys: where Textual runs them, an Enter overtakes what was
        typed before it, or is overtaken.
        """
        active = self.screen.active_bindings.get(event.key)
        if active is not None and active.node is self and (active.binding.id or "").startswith("composer."):
            event.stop()
            event.prevent_default()
            await self.run_action(active.binding.action)

    async def _on_paste(self, event: events.Paste) -> None:
        """Insert what was pasted, without control codes."""
        event.prevent_default()
        event.stop()
        self.replace(clean(event.text), *self.selection)
