"""The prompts that wait for their turn."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from poly_tui.transcript.clean import clean

__all__ = ["QueueView"]

MAX_ROWS = 3
SHORT_SCREEN_ROWS = 16


class QueueView(Static):
    """Lists the queued prompts, a row each; takes no room when there are none."""

    def show(self, prompts: Sequence[str]) -> None:
        """Show `prompts`, the next one first."""
        self.display = bool(prompts)
        n_rows = MAX_ROWS if self.app.size.height >= SHORT_SCREEN_ROWS else 1
        n_more = len(prompts) - n_rows
        rows = [_row(prompt, n_more if row == n_rows - 1 else 0) for row, prompt in enumerate(prompts[:n_rows])]
        self.update(Content("\n").join(rows))


def _row(prompt: str, n_more: int) -> Content:
    more = f" (+{n_more})" if n_more > 0 else ""
    text = clean(prompt).replace("\t", " ").partition("\n")[0]
    return Content.assemble((f"↳ queued{more}  ", "$text-accent"), (text, "dim"))
