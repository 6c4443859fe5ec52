"""The parts of a prompt, which become tokens each by itself."""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Part", "Text"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `is_ours` says that the configuration or a template wrote it, so that special tokens in it count."""

    text: str
    is_ours: bool


Part: TypeAlias = Text | tuple[int, ...]
"""A text, or tokens as they are."""
