"""The sections of the terminal interface."""

from dataclasses import dataclass

__all__ = ["SECTIONS", "Section"]


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its name, its title, the letter that goes to it behind ctrl+g, and the key that does by itself."""

    name: str
    title: str
    letter: str
    key: str


SECTIONS = (
    Section("chat", "Chat", "c", "f2"),
    Section("memories", "Memories", "m", "f3"),
    Section("models", "Models", "o", "f4"),
    Section("tune", "Tune", "t", "f5"),
    Section("server", "Server", "s", "f8"),
)
