"""What could stand where one is writing: commands behind a slash, files behind an @."""

import asyncio
from dataclasses import dataclass

from textual import work
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from poly_tui.mentions import files_like, mention, unfinished
from poly_tui.registry import slash_commands
from poly_tui.transcript.clean import clean

__all__ = ["Completion", "Completions"]

MOST_ROWS = 6


@dataclass(frozen=True, slots=True)
class Completion:
    """`text` in place of what was written from `start` on; `is_whole` if nothing more can come."""

    start: int
    text: str
    words: str = ""
    is_whole: bool = True


class Completions(OptionList, can_focus=False):
    """Lists completions over the prompt, which keeps the focus and moves the highlight."""

    @dataclass
    class Chosen(Message):
        """A completion was clicked."""

        completion: Completion

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._shown: list[Completion] = []

    @property
    def chosen(self) -> Completion | None:
        """The highlighted one, if any is shown."""
        return self._shown[self.highlighted] if self.display and self.highlighted is not None else None

    def complete(self, before: str) -> None:
        """Show what could go on with the text before the cursor."""
        if before.startswith("/") and not before[1:].strip("abcdefghijklmnopqrstuvwxyz-"):
            self._show(_commands(before))
            return
        found = unfinished(before)
        if found is None:
            self.hide()
        else:
            self._list_files(*found)

    def hide(self) -> None:
        """Show nothing."""
        self.workers.cancel_group(self, "files")
        self._show([])

    def move(self, n_rows: int) -> None:
        """Move the highlight."""
        if self.highlighted is not None:
            self.highlighted = (self.highlighted + n_rows) % len(self._shown)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Take the one that was clicked."""
        message.stop()
        self.post_message(self.Chosen(self._shown[message.option_index]))

    @work(group="files", exclusive=True)
    async def _list_files(self, start: int, typed: str) -> None:
        paths = await asyncio.to_thread(files_like, typed)  # a disk may be far away
        self._show([Completion(start, mention(path), is_whole=not path.endswith("/")) for path in paths])

    def _show(self, completions: list[Completion]) -> None:
        if completions == self._shown:
            return
        self._shown = completions
        self.display = bool(completions)
        self.clear_options()
        self.add_options(Option(_row(one)) for one in completions)
        self.highlighted = 0 if completions else None
        self.styles.height = min(len(completions), MOST_ROWS)


def _commands(before: str) -> list[Completion]:
    typed = before[1:]
    found = [(name, command) for name, command in sorted(slash_commands().items()) if typed in name]
    found.sort(key=lambda one: not one[0].startswith(typed))
    return [Completion(0, f"/{name}", command.help) for name, command in found]


def _row(completion: Completion) -> Content:
    return Content.assemble((clean(completion.text), "bold"), "  ", (completion.words, "dim"))
