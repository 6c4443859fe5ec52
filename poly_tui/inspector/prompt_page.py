"""The page with the prompt as it was sent: every part of it with its tokens."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from poly_engine.types import PromptPart
from poly_tui.transcript import Kind, Part, Passage, Transcript

__all__ = ["PromptPage"]

LONGEST = 600
"""Characters; longer parts are folded at first."""

N_UNFOLDED = 8
"""So many parts at the end are shown at once; what was said earlier is folded."""

_LEFT_OUT = ("transcript.copy", "transcript.copy_fence", "transcript.raw")

NAMES = {
    "template": "template",
    "system": "system",
    "recalled": "recalled",
    "prompt": "you",
    "answer": "answer",
}
KINDS = {
    "template": Kind.SOURCES,
    "system": Kind.THINKING,
    "recalled": Kind.SOURCES,
    "prompt": Kind.PROMPT,
    "answer": Kind.ANSWER,
}


class PromptPage(Transcript, inherit_bindings=False):
    """Shows the parts one below the other. Those that are long, or long ago, are folded."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy prompt", id="prompt.copy"),
        Binding("space,enter", "fold", "fold", id="prompt.fold"),
        *(
            replace(binding, show=binding.id == "transcript.previous")
            for binding in Transcript.BINDINGS
            if isinstance(binding, Binding)
            and binding.id not in (*_LEFT_OUT, "transcript.fold")
            and "cite" not in binding.action
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.id = "prompt-sent"
        self._parts: Sequence[PromptPart] = ()

    def on_mount(self) -> None:
        """Show all markup as it is."""
        super().on_mount()
        self.show_markup(is_raw=True)

    def show(self, parts: Sequence[PromptPart], note: str = "", size: int | None = None) -> None:
        """Show a prompt; `note` is what is to be known of it, `size` that of the context."""
        self._parts = parts
        self.clear()
        self.extend(_blocks(parts, note, size))
        blocks = self.blocks[len(self.blocks) - len(parts) :]
        for block, part in list(zip(blocks, parts, strict=True))[-N_UNFOLDED:]:
            if len(part.text) <= LONGEST:
                self.fold(block, is_folded=False)
        self.action_top()

    def say(self, message: str, *, is_error: bool = False) -> None:
        """Show a message in place of a prompt."""
        self._parts = ()
        self.clear()
        self.add(Kind.ERROR if is_error else Kind.NOTICE, message)

    def action_copy(self) -> None:
        """Copy the whole prompt as it was sent."""
        if self._parts:
            self.app.copy_to_clipboard("".join(part.text for part in self._parts))


def _blocks(parts: Sequence[PromptPart], note: str, size: int | None) -> list[Part]:
    n_tokens = sum(part.n_tokens for part in parts)
    of_size = f" of {size}" if size else ""
    words = f"{n_tokens}{of_size} tokens in {len(parts)} part{'' if len(parts) == 1 else 's'}"
    notes = [words, *([note] if note else [])]
    return [
        *(Part(Kind.NOTICE, Passage(one)) for one in notes),
        *(Part(KINDS[part.kind], Passage(_seen(part)), _title(part)) for part in parts),
    ]


def _title(part: PromptPart) -> str:
    return f"{NAMES[part.kind]} · {part.n_tokens} tok"


def _seen(part: PromptPart) -> str:
    """The text of a part; where the form of the prompt is at stake, its newlines are seen."""
    return part.text.replace("\n", "⏎\n") if part.kind == "template" else part.text
