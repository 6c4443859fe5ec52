"""Where files are that nobody named."""

import os
from pathlib import Path

import platformdirs

__all__ = ["config_dir", "data_dir"]


def config_dir() -> Path:
    """The folder of what a user configures."""
    return Path(platformdirs.user_config_dir("poly", appauthor=False))


def data_dir() -> Path:
    """The folder of what is kept, which `@name` is relative to: POLY_DATA_DIR, or where the system has such folders."""
    return Path(os.environ.get("POLY_DATA_DIR") or platformdirs.user_data_dir("poly", appauthor=False)).expanduser()
