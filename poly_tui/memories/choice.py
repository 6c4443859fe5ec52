"""The memory that was chosen last, kept from one run to the next."""

import contextlib
from pathlib import Path

from poly_engine.places import data_dir

__all__ = ["chosen_memory", "keep_chosen"]

_MOST_CHARACTERS = 1000


def chosen_memory() -> str:
    """Its name; empty if there is none, or it cannot be read."""
    try:
        with _file().open(encoding="utf-8") as file:
            return file.read(_MOST_CHARACTERS)
    except (OSError, UnicodeDecodeError):
        return ""


def keep_chosen(name: str) -> None:
    """Remember a name."""
    with contextlib.suppress(OSError):  # where nothing can be kept, another run begins with the first memory
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(name, encoding="utf-8")


def _file() -> Path:
    return data_dir() / "chosen_memory"
