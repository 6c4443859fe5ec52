"""What the blocks of a transcript look like."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from rich.style import Style

from poly_tui.transcript.ink import Brush, Ink

__all__ = ["Kind", "Look"]


class Kind(Enum):
    """The kinds of blocks; the value is the name of the component class that styles it."""

    PROMPT = "transcript--prompt"
    THINKING = "transcript--thinking"
    ANSWER = "transcript--answer"
    SOURCES = "transcript--sources"
    MARK = "transcript--mark"
    NOTICE = "transcript--notice"
    ERROR = "transcript--error"
    DIVIDER = "transcript--divider"

    @property
    def classes(self) -> tuple[str, str, str]:
        """The component classes behind the styles of its Look, in their order."""
        return self.value, f"{self.value}-sign", f"{self.value}-forced"

    @property
    def sign(self) -> str:
        """What stands before the first row of a block, one cell wide."""
        return _SIGNS[self]

    @property
    def has_gap(self) -> bool:
        """Whether an empty row sets the block off from the one before."""
        return self not in (Kind.MARK, Kind.NOTICE, Kind.SOURCES, Kind.THINKING)

    @property
    def is_message(self) -> bool:
        """Whether one moves to such a block, rather than past it."""
        return self not in (Kind.MARK, Kind.NOTICE, Kind.DIVIDER)


@dataclass(frozen=True, slots=True)
class Look:
    """The styles of one kind of block in the current theme: of its text, of its sign, of text that was forced, and of
    the inks of rendered text.
    """

    text: Style
    sign: Style
    forced: Style
    inks: Mapping[Ink, Style] = field(default_factory=dict)

    @classmethod
    def of(cls, styles: Iterable[Style], inks: Mapping[Ink, Style]) -> "Look":
        """The look of a kind, given the styles of its classes."""
        text, sign, forced = styles
        return cls(text, sign, forced, inks)

    def style(self, brush: Brush) -> Style:
        """How text of `brush` looks. A citation carries its number, for whoever is clicked on it."""
        style = self.inks.get(brush.ink, self.text)
        if brush.is_bold or brush.is_italic or brush.is_struck or brush.is_underlined:
            style += Style(
                bold=brush.is_bold or None,
                italic=brush.is_italic or None,
                strike=brush.is_struck or None,
                underline=brush.is_underlined or None,
            )
        if brush.link:
            style += Style(link=brush.link)
        if brush.citation:
            style += Style(meta={"citation": brush.citation})
        return style


_SIGNS = {
    Kind.PROMPT: "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}",
    Kind.THINKING: "∴",
    Kind.ANSWER: " ",
    Kind.SOURCES: " ",
    Kind.MARK: "■",
    Kind.NOTICE: "·",
    Kind.ERROR: "✗",
    Kind.DIVIDER: "─",
}
