"""The last row: the keys that can be pressed, as many as fit."""

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey  # what Footer is made of; it has no public name

__all__ = ["KeysBar"]

GAP = 2
"""Cells after each key; the style sheet has the same figure."""


class KeysBar(Footer):
    """A compact footer that leaves out whole keys where the stock one cuts them. The palette always stays."""

    def __init__(self) -> None:
        super().__init__(compact=True)

    def compose(self) -> ComposeResult:
        """The keys of what has the focus, then those of the screen and the application; the palette at the right."""
        keys = list(super().compose())
        palette = [key for key in keys if key.has_class("-command-palette")]
        room = self.size.width - sum(map(_width, palette))
        for key in keys:
            room -= 0 if key in palette else _width(key)
            if room >= 0 or key in palette:
                yield key

    def on_resize(self) -> None:
        """Fit the keys to the new width."""
        self.refresh(recompose=True)


def _width(key: Widget) -> int:
    assert isinstance(key, FooterKey)  # only groups of bindings would make it something else, and there are none
    return cell_len(f"{key.key_display} {key.description}") + GAP
