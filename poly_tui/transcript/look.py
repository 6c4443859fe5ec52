"""What the blocks of a transcript look like."""

from dataclasses import dataclass
from enum import Enum

from rich.style import Style

__all__ = ["Kind", "Look"]


class Kind(Enum):
    """The kinds of blocks; the value is the name of the component class that styles it."""

    PROMPT = "transcript--prompt"
    THINKING = "transcript--thinking"
    ANSWER = "transcript--answer"
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
        return self not in (Kind.MARK, Kind.NOTICE)


@dataclass(frozen=True, slots=True)
class Look:
    """The styles of one kind of block in the current theme: of its text, of its sign, and of text that was forced."""

    text: Style
    sign: Style
    forced: Style


_SIGNS = {
    Kind.PROMPT: "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}",
    Kind.THINKING: "∴",
    Kind.ANSWER: " ",
    Kind.MARK: "■",
    Kind.NOTICE: "·",
    Kind.ERROR: "✗",
    Kind.DIVIDER: "─",
}
