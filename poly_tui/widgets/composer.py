"""Where a prompt is written."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from poly_engine.errors import suggestion
from poly_tui.attaching import Attached
from poly_tui.mentions import Mention, dropped, mention, mentions
from poly_tui.registry import Command, slash_commands
from poly_tui.transcript.clean import clean
from poly_tui.widgets.completions import Completion, Completions
from poly_tui.widgets.editor import edited
from poly_tui.widgets.history import PromptHistory
from poly_tui.widgets.pastes import Pastes

__all__ = ["PLACEHOLDER", "Composer"]

PLACEHOLDER = "Ask something"

_COMMAND = re.compile(r"/([a-z][a-z-]*)(?:\s+(.*))?\Z", re.DOTALL)


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

    @dataclass
    class Mentioned(Message):
        """A prompt is to be sent that mentions files; `text` is how it is written."""

        text: str
        found: list[Mention]

    @dataclass
    class Commanded(Message):
        """Something is to be done, with what stands behind it."""

        command: Command
        rest: str

    def __init__(self, take_back: Callable[[], str | None], completions: Completions) -> None:
        """`take_back` takes the newest prompt that was sent but still waits, if there is one."""
        super().__init__(compact=True, highlight_cursor_line=False, placeholder=PLACEHOLDER)
        # A blinking cursor would be the only thing that wakes an idle terminal
        self.cursor_blink = False
        self._take_back = take_back
        self._completions = completions
        self._history = PromptHistory()
        self._pastes = Pastes()

    @property
    def prompt(self) -> str:
        """What is written, with what was pasted in full."""
        return self._pastes.unfolded(self.text)

    @property
    def before_cursor(self) -> str:
        """What is written before the cursor."""
        return self.get_text_range((0, 0), self.cursor_location)

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

    def take(self, completion: Completion) -> None:
        """Have a completion in place of what it completes."""
        text = completion.text + (" " if completion.is_whole else "")
        row, column = self.cursor_location  # what is completed is never on two lines
        self.replace(text, (row, column - len(self.before_cursor) + completion.start), (row, column))

    def send_with(self, attached: Sequence[Attached], text: str) -> None:
        """Send a prompt with the texts of files in place of their mentions, if it is still written as it was."""
        if self.text != text:
            return
        for one in sorted(attached, key=lambda one: -one.mention.start):
            text = text[: one.mention.start] + self._pastes.chip(one.name, one.text) + text[one.mention.end :]
        self._send(self._pastes.unfolded(text).strip())

    def action_submit(self) -> None:
        """Take the completion that is shown, do what stands behind a slash, or send the prompt if there is one."""
        chosen = self._completions.chosen
        if chosen is not None and chosen.text != self.before_cursor[chosen.start :]:
            self.take(chosen)
            if not chosen.text.startswith("/") or slash_commands()[chosen.text[1:]].takes:
                return
        if _COMMAND.match(self.text):
            self._command()
        elif found := mentions(self.text):
            self.post_message(self.Mentioned(self.text, found))
        else:
            self._send(self.prompt.strip())

    def _command(self) -> None:
        name, rest = _COMMAND.fullmatch(self.text.rstrip()).groups("")  # type: ignore[union-attr] # it was looked at
        command = slash_commands().get(name)
        if command is None:
            words = f"there is no command /{name}{suggestion(f'/{name}', [f'/{one}' for one in slash_commands()])}"
            self.notify(f"{words}; a space before it sends it as it is", severity="warning", markup=False)
        elif rest and not command.takes:
            self.notify(f"/{name} takes nothing behind it", severity="warning", markup=False)
        else:
            self.clear()
            self._completions.hide()
            self.post_message(self.Commanded(command, rest))

    def _send(self, prompt: str) -> None:
        if prompt:
            self._completions.hide()
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
        """Move up; in the first row, take back a prompt that still waits, or show the prompt before. Where completions
        are shown, move among them.
        """
        if self._completions.chosen is not None:
            self._completions.move(-1)
        elif select or not self.navigator.is_first_wrapped_line(self.cursor_location):
            super().action_cursor_up(select)
        elif not self.text and (waiting := self._take_back()) is not None:
            self.show(waiting)
        elif (prompt := self._history.older(draft=self.text)) is not None:
            self.show(prompt)

    def action_cursor_down(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Move down; in the last row, show the prompt after. Where completions are shown, move among them."""
        if self._completions.chosen is not None:
            self._completions.move(1)
        elif select or not self.navigator.is_last_wrapped_line(self.cursor_location):
            super().action_cursor_down(select)
        elif (prompt := self._history.newer()) is not None:
            self.show(prompt)

    async def _on_key(self, event: events.Key) -> None:
        """Run our own bindings here, in the order of the keys: where Textual runs them, an Enter overtakes what was
        typed before it, or is overtaken.
        """
        if (chosen := self._completions.chosen) is not None and event.key in ("tab", "escape"):
            event.stop()
            event.prevent_default()
            if event.key == "tab":
                self.take(chosen)
            else:
                self._completions.hide()
            return
        active = self.screen.active_bindings.get(event.key)
        if active is not None and active.node is self and (active.binding.id or "").startswith("composer."):
            event.stop()
            event.prevent_default()
            await self.run_action(active.binding.action)

    async def _on_paste(self, event: events.Paste) -> None:
        """Insert what was pasted, without control codes; a chip for it if it is long. Files that are dropped on the
        terminal are mentioned.
        """
        event.prevent_default()
        event.stop()
        if files := dropped(event.text):
            self.replace("".join(f"{mention(str(path))} " for path in files), *self.selection)
            self.notify("⏎ sends what is in it with the prompt · /remember takes it into a memory", markup=False)
            return
        self.replace(self._pastes.folded(clean(event.text)), *self.selection)
