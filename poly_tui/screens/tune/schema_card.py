"""The editor of what an answer has to look like: checked while one types, with what is wrong at its place."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.style import Style as ContentStyle
from textual.widgets import Static, TextArea

from poly_tui.screens.tune.cards import lend_to_editor
from poly_tui.screens.tune.schemas import FILE, KINDS, Fault, fault_of
from poly_tui.transcript.clean import clean

__all__ = ["SchemaCard", "Written"]

QUIET_S = 0.3
"""After so long without a key the text is checked."""

_FEW_ROWS = 16

_ABOUT: Mapping[str, str] = {
    "json_schema": "a JSON schema, kept in the configuration",
    FILE: "a JSON schema, kept in a file of its own",
    "choice": "one of these texts, each in a line; \\n is the end of one",
    "regex": "a regular expression for all of the answer",
    "lark": "a grammar in the manner of Lark",
    "gbnf": "a grammar in the notation of llama.cpp",
}


@dataclass(frozen=True, slots=True)
class Written:
    """A biaser as it was written: a kind, and its text. Without a text there is to be none."""

    kind: str
    text: str


class SchemaArea(TextArea):
    """A text with line numbers, in which the row of a fault is marked."""

    fault_row: int | None = None

    def mark(self, row: int | None) -> None:
        """Mark a row, or none."""
        if row != self.fault_row:
            self.fault_row = row
            self.notify_style_update()  # forgets the rows that are kept as they were
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """A row, underlined if it has the fault."""
        line = super().get_line(line_index)
        if line_index == self.fault_row:
            line.stylize(Style(underline=True, bold=True))
        return line


class SchemaCard(ModalScreen[Written | None]):
    """Lets a biaser be written, in any of its kinds. The result is None if it is as it was.

    `texts` are those of the kinds that there are; `file` names the one that a schema is kept in.
    """

    AUTO_FOCUS = "SchemaArea"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "finish", "done", id="tune.card_done", priority=True),
        Binding("ctrl+t", "next_kind", "kind", id="tune.card_kind", priority=True),
        Binding("ctrl+n", "go_to_fault", "to the fault", id="tune.card_fault", priority=True),
        Binding("ctrl+o", "editor", "$EDITOR", id="tune.card_editor", priority=True),
    ]

    def __init__(self, kind: str, texts: Mapping[str, str], file: str) -> None:
        super().__init__()
        self._before = Written(kind, texts.get(kind, ""))
        self._kind = kind
        self._texts = dict(texts)
        self._file = file
        self._fault: Fault | None = None
        self._given_up: Written | None = None
        self._kinds = Static(id="tune-kinds")
        self._area = SchemaArea(
            clean(self._before.text), compact=True, show_line_numbers=True, tab_behavior="indent", soft_wrap=False
        )
        self._area.indent_width = 2
        self._area.cursor_blink = False
        self._before = Written(kind, self._area.text)
        self._words = Static(id="tune-words")

    def compose(self) -> ComposeResult:
        """The kinds, the text, and what is wrong with it."""
        with Vertical(id="tune-card", classes="-schema") as card:
            card.border_title = Content("what the answer has to look like")
            card.border_subtitle = "esc done · ^t kind · ^n to the fault · ^o $EDITOR"
            yield self._kinds
            yield self._area
            yield self._words

    def on_mount(self) -> None:
        """Check what is there."""
        self._show_kinds()
        self._check()

    @property
    def written(self) -> Written:
        """What is written now."""
        return Written(self._kind, self._area.text)

    @on(TextArea.Changed)
    def check_text(self) -> None:
        """Check what was typed, once nothing more comes."""
        self._check()

    def action_next_kind(self) -> None:
        """Write another kind. What was written stays with its own."""
        self.choose_kind(KINDS[(KINDS.index(self._kind) + 1) % len(KINDS)])

    def choose_kind(self, kind: str) -> None:
        """Write a biaser of this kind."""
        before = self._texts[self._kind] = self._area.text
        is_moved = {kind, self._kind} == {"json_schema", FILE}  # a schema is the same one wherever it is kept
        self._kind = kind
        self._area.text = self._texts.get(kind) or (before if is_moved else "")
        self._show_kinds()
        self._check()

    def action_go_to_fault(self) -> None:
        """Go to what is wrong."""
        if self._fault is not None:
            self._area.move_cursor(self._fault.place)
            self._area.focus()

    def action_editor(self) -> None:
        """Write in the editor of the user."""
        text = lend_to_editor(self, self._area.text)
        if text is not None:
            self._area.text = text

    @work(group="finish", exclusive=True)
    async def action_finish(self) -> None:
        """Take what is written, if it can be enforced; give it up if one leaves twice."""
        written = self.written
        if written == self._before:
            self.dismiss(None)
            return
        fault = None if not written.text.strip() else await asyncio.to_thread(fault_of, written.kind, written.text)
        if fault is None:
            self.dismiss(written)
        elif self._given_up == written:
            self.dismiss(None)
        else:
            self._given_up = written
            self._show_fault(fault, " · esc again gives it up")

    @work(group="check", exclusive=True)
    async def _check(self) -> None:
        """See what is wrong, in a thread: compiling a schema can take a second."""
        await asyncio.sleep(QUIET_S)
        written = self.written
        fault = await asyncio.to_thread(fault_of, written.kind, written.text) if written.text.strip() else None
        if written == self.written:
            self._show_fault(fault)

    def _show_fault(self, fault: Fault | None, more: str = "") -> None:
        self._fault = fault
        self._area.mark(None if fault is None else fault.place[0])
        if fault is not None:
            self._words.update(Content.styled(f"✗ {clean(fault.told)}{more}", "$text-error"))
        elif self._area.text.strip():
            self._words.update(Content.styled("✓ can be enforced", "$text-success"))
        else:
            self._words.update(Content.styled("empty: the answer is free", "dim"))

    def _show_kinds(self) -> None:
        """The kinds, and what the one is that is written; that alone where there are few rows."""
        is_low = self.app.size.height < _FEW_ROWS
        kinds = Content("").join([self._tab(kind) for kind in KINDS if kind == self._kind or not is_low])
        about = _ABOUT[self._kind] + (f": {self._file}" if self._kind == FILE else "")
        self._kinds.update(Content(" " if is_low else "\n").join([kinds, Content.styled(clean(about), "dim")]))

    def _tab(self, kind: str) -> Content:
        if kind == self._kind:
            return Content.styled(f"▌{kind}▐", "bold $text-accent")
        return Content.styled(f" {kind} ", ContentStyle.from_meta({"@click": f"screen.kind({kind!r})"}))

    def action_kind(self, kind: str) -> None:
        """Write the kind that was clicked."""
        self.choose_kind(kind)
