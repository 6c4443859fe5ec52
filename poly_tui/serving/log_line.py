"""One line of the log of a server, as it is shown."""

import json
from dataclasses import dataclass
from typing import Any

from poly_tui.transcript.clean import clean, drawable

__all__ = ["LEVELS", "LogLine"]

LEVELS = ("debug", "info", "warning", "error")
_GLYPHS = {"debug": "·", "info": "·", "warning": "!", "error": "✗", "critical": "✗"}
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a line says, in rows that are safe to show. `level` is "" of a line that is no JSON: the last words of a
    process, say.
    """

    level: str
    rows: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "LogLine":
        """The line that a server wrote."""
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            return cls("", _rows(text))
        level = str(record.get("level", "info"))
        time = str(record.get("time", ""))[11:19]
        said = f"{time} {_GLYPHS.get(level, '?')} {level:<7} {_message(record)}"
        first, *others = _rows(f"{said}\n{record.get('traceback', '')}")
        return cls(level, (first, *(f"  {row}" for row in others)))  # no row of one passes for another line

    def is_at_least(self, level: str) -> bool:
        """Whether it is as grave as that; what has no level is always told."""
        if self.level not in LEVELS:
            return True
        return LEVELS.index(self.level) >= LEVELS.index(level)

    def has(self, words: str) -> bool:
        """Whether all of the words are in it."""
        text = "\n".join(self.rows).casefold()
        return all(word in text for word in words.casefold().split())


def _message(record: dict[str, Any]) -> str:  # Any: as JSON
    """What it says; of a request without its long id, and with who asked."""
    if not {"method", "path", "status", "ms"} <= record.keys():
        return str(record.get("message", ""))
    subject = f" {record['subject']}" if record.get("subject") else ""
    return f"{record['method']} {record['path']} {record['status']} {record['ms']} ms{subject}"


def _rows(text: str) -> tuple[str, ...]:
    return tuple(drawable(clean(row))[:_LONGEST] for row in text.splitlines())
