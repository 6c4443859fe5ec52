"""The file that a server writes its log to, read as it grows."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["LogFile"]

_MOST_BYTES = 1 << 18
"""What is read of it at once: of a file that has grown by more, only the end is seen."""


class LogFile:
    """The lines of a file, each told once, when it is whole. A file that is not there has none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._begun = b""

    def read(self) -> Sequence[str]:
        """The lines that came since the last time; at first, those that are there."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                if size < self._offset:  # it was begun anew
                    self._offset, self._begun = 0, b""
                if size - self._offset > _MOST_BYTES:
                    self._offset, self._begun = size - _MOST_BYTES, b""
                    file.seek(self._offset)
                    self._offset += len(file.readline())  # the rest of a line that is not told
                file.seek(self._offset)
                piece = file.read(size - self._offset)
        except FileNotFoundError:
            return ()
        self._offset += len(piece)
        *lines, self._begun = (self._begun + piece).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def read_rest(self) -> str:
        """The line at the end that is not whole, when nothing more comes."""
        rest, self._begun = self._begun, b""
        return rest.decode(errors="replace")
