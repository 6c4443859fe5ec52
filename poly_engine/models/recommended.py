"""A short list of models to begin with."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import tomli

__all__ = ["Recommended", "recommended"]

_LIST = Path(__file__).with_name("recommended.toml")


@dataclass(frozen=True, slots=True)
class Recommended:
    """A model that can be fetched by its `name`. `size_bytes` is about what it takes on the disk."""

    name: str
    use: Literal["chat", "embedding"]
    reference: str
    size_bytes: int
    licence: str
    about: str


@cache
def recommended() -> tuple[Recommended, ...]:
    """The models to chat with, and then those that compute embeddings, each from small to large."""
    return tuple(Recommended(**entry) for entry in tomli.loads(_LIST.read_text("utf-8"))["model"])
