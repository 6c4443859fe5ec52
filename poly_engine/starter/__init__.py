"""The starter model: a tiny chat model of our own, so that Poly answers on a machine without network."""

from pathlib import Path


def path() -> Path:
    """Where the starter model's GGUF file lies; it is part of the package."""
    return Path(__file__).with_name("starter-q8_0.gguf")
