"""The row above a chat: which task one talks to, what about, and its model."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from poly_tui.transcript.clean import clean

__all__ = ["ChatHeading"]


class ChatHeading(Widget):
    """Task and title on the left, the model on the right, and the server that has it, if one does."""

    task_name: reactive[str] = reactive("")
    model_name: reactive[str] = reactive("")
    chat_title: reactive[str] = reactive("")
    is_loaded: reactive[bool] = reactive(False)
    is_lost: reactive[bool] = reactive(False)

    def __init__(self, url: str | None = None) -> None:
        super().__init__()
        self._server = "" if url is None else clean(url.partition("://")[2].rstrip("/") or url)

    def render(self) -> Content:
        """The row; the model gives way to the rest where there is no room for both."""
        left = Content.assemble(" ", (clean(self.task_name), "bold"))
        if self.chat_title:
            left = Content.assemble(left, ("  · ", "dim"), " ".join(clean(self.chat_title).split()))
        if self.is_lost:
            right = Content.styled(f"✗ {self._server} is lost, trying again ", "$text-error")
            left = left.truncate(max(0, self.size.width - right.cell_length - 1), ellipsis=True)
        elif self.model_name:
            right = self._model()
        else:
            return left
        room = self.size.width - left.cell_length - right.cell_length
        return Content.assemble(left, " " * room, right) if room > 0 else left

    def _model(self) -> Content:
        glyph = ("●", "$text-success") if self.is_loaded else ("○", "dim")
        where = (f" · {self._server}" if self._server else "", "dim")
        return Content.assemble(glyph, " ", (clean(self.model_name), "dim"), where, " ")
