"""The prompt that a task is tried with: one of those that are saved for it."""

from collections.abc import Sequence

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from poly_tui.transcript import Kind
from poly_tui.transcript.clean import clean

__all__ = ["TRYING_KEYS", "PromptBar"]

TRYING_KEYS: list[BindingType] = [
    Binding("r", "screen.run", "run", id="tune.run"),
    Binding("R,shift+r", "screen.run_all", "run all", id="tune.run_all", key_display="R"),
    Binding("left_square_bracket", "screen.walk_prompts(-1)", "prompts", id="tune.prompt_before", key_display="[ ]"),
    Binding("i", "screen.new_prompt", "new", id="tune.new_prompt"),
    Binding("e", "screen.edit_prompt", "edit", id="tune.edit_prompt"),
    Binding("d", "screen.delete_prompt", "delete", id="tune.delete_prompt"),
    Binding("s", "screen.new_seed", "seed", id="tune.seed"),
    Binding("o", "screen.order", "order", id="tune.order"),
]
"""Keys that the screen has, too, which come first where prompts are what one looks at."""


class PromptBar(Widget):
    """A row with the prompt, and how many others there are."""

    prompts: reactive[Sequence[str]] = reactive(())
    place: reactive[int] = reactive(0)

    def render(self) -> Content:
        """The row."""
        if not self.prompts:
            return Content.assemble(
                (f"{Kind.PROMPT.sign} ", "$text-accent"), ("no test prompt yet: i writes one", "dim")
            )
        right = f"  {self.place + 1}/{len(self.prompts)} [ ]" if len(self.prompts) > 1 else ""
        text = " ".join(clean(self.prompts[self.place]).split())
        room = max(4, self.size.width - len(right) - 2)
        style = Style.from_meta({"@click": "screen.edit_prompt"})
        shown = Content.styled(text, style).truncate(room, ellipsis=True)
        gap = " " * max(0, room - shown.cell_length)
        return Content.assemble((f"{Kind.PROMPT.sign} ", "$text-accent"), shown, gap, (right, "dim"))
