"""The screen of a terminal: as much of an xterm as the terminal interface makes use of. Anything else is an error."""

import re
from collections.abc import Callable

from rich.cells import get_character_cell_size

__all__ = ["Screen"]

_PIECE = re.compile(
    r"""
    (?P<control>\x1b\[[0-9;:?>=<!$]*[ -/]*[@-~])  # CSI: moves, modes, colours, questions
    |(?P<title>\x1b\][^\x07\x1b]*(?:\x07|\x1b\\))   # OSC: titles, notifications, what is copied
    |(?P<short>\x1b[=>78]|\x1b[()][A-Z0-9])
    |(?P<rest>\x1b[^\x1b]{0,63}\Z)                # not all of it has come yet
    |(?P<character>[^\x1b])
    """,
    re.VERBOSE | re.DOTALL,
)
_QUIET = frozenset("utpchnq")  # keyboard protocols, questions, cursor shapes: they change nothing that is shown


class Screen:
    """Rows of characters, and the modes that a terminal is left in."""

    def __init__(self, width: int, height: int) -> None:
        self.modes = {"25", "7"}
        """The private modes that are on, by their numbers: 25 shows the cursor, 1049 is the other screen."""
        self.keyboards: list[str] = []
        """The keyboard protocols that were asked for and not given back."""
        self.styles: set[str] = set()
        """All that was asked of the looks of characters."""
        self._rest = ""
        self._x = self._y = 0
        self._cells: list[list[str]] = []
        self._other: list[list[str]] = []
        self.resize(width, height)

    @property
    def rows(self) -> list[str]:
        """What is shown, without the blanks at the right."""
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def text(self) -> str:
        """The rows, one a line."""
        return "\n".join(self.rows)

    @property
    def words(self) -> str:
        """What is shown, whatever lines it is wrapped to."""
        return " ".join("".join("".join(row) for row in self._cells).split())

    @property
    def is_coloured(self) -> bool:
        """Whether a colour was asked for, at any time."""
        codes = {int(code) for style in self.styles for code in style.split(";") if code.isdigit()}
        return any((30 <= code <= 48 and code != 39) or 90 <= code <= 107 for code in codes)

    @property
    def is_sane(self) -> bool:
        """Whether a shell can go on here: its own screen, a cursor, and neither mouse nor keys encoded."""
        return self.modes == {"25", "7"} and not self.keyboards

    def resize(self, width: int, height: int) -> None:
        """Have another size. What does not fit is lost, as in terminals."""
        self._width, self._height = width, height
        self._cells = self._fitted(self._cells)
        self._other = self._fitted(self._other)
        self._x, self._y = min(self._x, width - 1), min(self._y, height - 1)

    def feed(self, text: str) -> None:
        """Show what comes."""
        text, self._rest = self._rest + text, ""
        end = 0
        for piece in _PIECE.finditer(text):
            assert piece.start() == end, f"the terminal does not know {text[end : end + 20]!r}"
            end = piece.end()
            match piece.lastgroup:
                case "control":
                    self._control(piece[0][2:-1], piece[0][-1])
                case "character":
                    self._show(piece[0])
                case "rest":
                    self._rest = piece[0]
        assert end == len(text), f"the terminal does not know {text[end : end + 20]!r}"

    def _fitted(self, cells: list[list[str]]) -> list[list[str]]:
        rows = [(row + [" "] * self._width)[: self._width] for row in cells[: self._height]]
        return rows + [[" "] * self._width for _ in range(self._height - len(rows))]

    def _control(self, given: str, letter: str) -> None:
        if letter in "hl" and given.startswith("?"):
            for mode in given[1:].split(";"):
                self._set_mode(mode, is_on=letter == "h")
        elif letter == "u":
            self._set_keyboard(given)
        elif letter == "m":
            self.styles.add(given)
        elif letter not in _QUIET:
            assert letter in _MOVES, f"the terminal does not know CSI {given}{letter}"
            _MOVES[letter](self, [int(number or 0) for number in given.split(";")])

    def _set_mode(self, mode: str, *, is_on: bool) -> None:
        if mode == "1049" and is_on != (mode in self.modes):
            self._cells, self._other = self._other, self._cells
            self._x = self._y = 0
        (self.modes.add if is_on else self.modes.discard)(mode)

    def _set_keyboard(self, given: str) -> None:
        if given.startswith(">"):
            self.keyboards.append(given[1:])
        elif given.startswith("<") and self.keyboards:
            self.keyboards.pop()

    def _show(self, character: str) -> None:
        if character == "\r":
            self._x = 0
        elif character == "\n":
            self._feed_line()
        elif character == "\b":
            self._x = max(0, self._x - 1)
        elif character >= " ":
            self._write(character)

    def _write(self, character: str) -> None:
        width = get_character_cell_size(character)
        if width == 0:
            return
        if self._x + width > self._width:
            if "7" not in self.modes:
                return
            self._x = 0
            self._feed_line()
        row = self._cells[self._y]
        row[self._x : self._x + width] = [character, *[""] * (width - 1)]
        self._x += width

    def _feed_line(self) -> None:
        if self._y == self._height - 1:
            self._cells = [*self._cells[1:], [" "] * self._width]
        else:
            self._y += 1

    def _move(self, numbers: list[int]) -> None:
        row, column = (*numbers, 1)[:2]
        self._y = min(max(row, 1), self._height) - 1
        self._x = min(max(column, 1), self._width) - 1

    def _erase(self, numbers: list[int]) -> None:
        assert numbers in ([2], [3]), "only the whole screen is erased"
        self._cells = self._fitted([])

    def _erase_line(self, numbers: list[int]) -> None:
        assert numbers in ([0], [2]), "a line is erased to its end, or whole"
        begin = self._x if numbers == [0] else 0
        self._cells[self._y][begin:] = [" "] * (self._width - begin)

    def _step(self, dx: int, dy: int) -> None:
        self._x = min(max(self._x + dx, 0), self._width - 1)
        self._y = min(max(self._y + dy, 0), self._height - 1)


_MOVES: dict[str, Callable[[Screen, list[int]], None]] = {
    "H": Screen._move,
    "J": Screen._erase,
    "K": Screen._erase_line,
    "A": lambda screen, numbers: screen._step(0, -max(numbers[0], 1)),
    "B": lambda screen, numbers: screen._step(0, max(numbers[0], 1)),
    "C": lambda screen, numbers: screen._step(max(numbers[0], 1), 0),
    "D": lambda screen, numbers: screen._step(-max(numbers[0], 1), 0),
}
