"""Where a prompt is written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from poly_tui.transcript.clean import clean
from poly_tui.widgets.editor import edited
from poly_tui.widgets.history import PromptHistory
from poly_tui.widgets.pastes import Pastes

__all__ = ["PLACEHOLDER", "Composer"]

PLACEHOLDER = "Ask something"


class Composer(TextArea):
    """A text area that grows with its text, sends with Enter, and walks the prompt history at its edges."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "send", id="composer.send"),
        # Three ways, because many terminals cannot tell shift+enter from enter
        Binding("shift+enter,alt+enter,ctrl+j", "newline", "new line", id="composer.newline", show=False),
        Binding("ctrl+o", "editor", "$EDITOR", id="composer.editor", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """A prompt was sent."""

        prompt: str

    def __init__(self, take_back: Callable[[], str | None]) -> None:
        """`take_back` takes the newest prompt that was sent but still waits, if there is one."""
        super().__init__(compact=True, highlight_cursor_line=False, placeholder=PLACEHOLDER)
        # A blinking cursor would be the only thing that wakes an idle terminal
        self.cursor_blink = False
        self._take_back = take_back
        self._history = PromptHistory()
        self._pastes = Pastes()

    @property
    def prompt(self) -> str:
        """What is written, with what was pasted in full."""
        return self._pastes.unfolded(self.text)

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
        prompt = self.prompt.strip()
        if prompt:
            self._history.add(prompt)
            self.clear()
            self.post_message(self.Submitted(prompt))

    def action_newline(self) -> None:
        """Begin a new line."""
        self.replace("\n", *self.selection)

    def action_editor(self) -> None:
        """Write the prompt in the editor of the user. Nothing else goes on until it is closed."""
        try:
            with self.app.suspend():
                text = edited(self.prompt)
        except SuspendNotSupported:
            self.notify("this terminal cannot be lent to an editor", markup=False)
        except OSError as error:
            self.notify(f"{error.filename}: {error.strerror}; set $EDITOR", severity="error", markup=False)
        except ValueError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.show(clean(text))
        self.app.refresh(layout=True)

    def action_delete_left(self) -> None:
        """Delete the character before the cursor, or the chip of a paste."""
        line, column = self.cursor_location
        chip = self._pastes.chip_before(self.document.get_line(line)[:column]) if self.selection.is_empty else ""
        if chip:
            self.delete((line, column - len(chip)), (line, column))
        else:
            super().action_delete_left()

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
        """Insert what was pasted, without control codes; a chip for it if it is long."""
        event.prevent_default()
        event.stop()
        self.replace(self._pastes.folded(clean(event.text)), *self.selection)
