"""The prompt as the model would read it, part by part, with what each of them takes."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from poly_engine.types import PromptPart
from poly_tui.screens.tune.lists import quoted
from poly_tui.screens.tune.prompt_bar import TRYING_KEYS
from poly_tui.transcript.clean import clean, drawable

__all__ = ["PromptPage", "part_rows", "sum_row"]

_GAUGE = 10


class PromptPage(VerticalScroll):
    """The parts of a prompt, or why they are not there."""

    BINDINGS: ClassVar[list[BindingType]] = TRYING_KEYS

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text = Static()

    def compose(self) -> Iterator[Static]:
        """The text."""
        yield self._text

    def show(self, parts: Sequence[PromptPart], context_size: int | None, stops: Sequence[str]) -> None:
        """Show a prompt. Its end is what is looked for in a long one."""
        rows = [sum_row(parts, context_size, stops), *(row for part in parts for row in part_rows(part))]
        self._text.update(Content("\n").join(rows))

    def tell(self, words: str, *, is_error: bool = False) -> None:
        """Say why there is no prompt."""
        self._text.update(Content.styled(clean(words), "$text-error" if is_error else "dim"))


def sum_row(parts: Sequence[PromptPart], context_size: int | None, stops: Sequence[str]) -> Content:
    """What all parts take together of the context, and where the answer would stop."""
    n_tokens = sum(part.n_tokens for part in parts)
    stop = f" · stop {' '.join(map(quoted, stops))}" if stops else ""
    if not context_size:
        return Content.styled(f"{n_tokens} tok{stop}", "bold")
    n_full = min(_GAUGE, round(_GAUGE * n_tokens / context_size))
    gauge = "█" * n_full + "░" * (_GAUGE - n_full)
    return Content.assemble((f"{n_tokens} of {context_size} tok ", "bold"), gauge, (clean(stop), "dim"))


def part_rows(part: PromptPart) -> Iterator[Content]:
    """A part under its name. What a template adds is told apart from what somebody says."""
    yield Content.assemble((f"─ {part.kind} ", "$text-accent"), (f"{part.n_tokens} tok", "dim"))
    style = "dim" if part.kind == "template" else ""
    for line in drawable(clean(part.text)).split("\n"):
        yield Content.styled(line, style)
