"""Footnotes and endnotes, numbered in the order in which they are referred to."""

from dataclasses import dataclass
from typing import Any

from poly_engine.extract.docx.names import W


@dataclass(frozen=True, slots=True)
class Note:
    """What marks a note in the text, and its element the first time that it is taken, else None."""

    mark: str
    element: Any  # lxml carries no types


class Notes:
    """The notes of a document; `roots` are the parts that hold them, by kind: footnotes and endnotes."""

    def __init__(self, roots: dict[str, Any]) -> None:
        self._elements = {
            (kind, element.get(W + "id", "")): element
            for kind, root in roots.items()
            for element in (() if root is None else root)
            if isinstance(element.tag, str) and element.get(W + "type", "normal") == "normal"
        }
        self._marks: dict[tuple[str, str], str] = {}

    def take(self, kind: str, ident: str) -> Note:
        """The note that is referred to; one that does not exist has neither mark nor element."""
        key = (kind, ident)
        if key in self._marks:
            return Note(self._marks[key], None)
        element = self._elements.get(key)
        if element is None:
            return Note("", None)
        self._marks[key] = f"[{len(self._marks) + 1}]"
        return Note(self._marks[key], element)
