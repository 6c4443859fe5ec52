"""The row above a chat: which task one talks to, what about, and its model."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from poly_tui.transcript.clean import clean

__all__ = ["ChatHeading"]


class ChatHeading(Widget):
    """Task and title on the left, the model on the right."""

    task_name: reactive[str] = reactive("")
    model_name: reactive[str] = reactive("")
    chat_title: reactive[str] = reactive("")
    is_loaded: reactive[bool] = reactive(False)

    def render(self) -> Content:
        """The row; the model gives way to the rest where there is no room for both."""
        left = Content.assemble(" ", (clean(self.task_name), "bold"))
        if self.chat_title:
            left = Content.assemble(left, ("  · ", "dim"), " ".join(clean(self.chat_title).split()))
        if not self.model_name:
            return left
        glyph = ("●", "$text-success") if self.is_loaded else ("○", "dim")
        right = Content.assemble(glyph, " ", (clean(self.model_name), "dim"), " ")
        room = self.size.width - left.cell_length - right.cell_length
        return Content.assemble(left, " " * room, right) if room > 0 else left
