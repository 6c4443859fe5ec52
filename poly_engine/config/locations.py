"""Where files are: what a path in the configuration may look like, and which file it means."""

import os
from pathlib import Path

import platformdirs

from poly_engine import starter

__all__ = ["STARTER", "anchored", "data_dir", "file_at"]

STARTER = "poly:starter"
"""The location of the model that is part of the package."""


def data_dir() -> Path:
    """The folder that `@name` is relative to: POLY_DATA_DIR, or where the system keeps the data of a user."""
    return Path(os.environ.get("POLY_DATA_DIR") or platformdirs.user_data_dir("poly", appauthor=False)).expanduser()


def anchored(location: str, folder: Path) -> str:
    """`location` such that it no longer depends on where it was written.

    A location is an absolute path, `~/path`, `@path` in the data folder, a path relative to `folder`, or
    `poly:starter`. Raises ValueError for anything else.
    """
    if location.startswith("poly:"):
        if location != STARTER:
            raise ValueError(f'"{STARTER}" is the only model that Poly brings along')
        return location
    if not location.strip("@/") or "\0" in location:
        raise ValueError("must be the path of a file")
    if location.startswith("@"):
        return str(data_dir().absolute() / location[1:].lstrip("/"))
    try:
        return str(folder.absolute() / Path(location).expanduser())
    except RuntimeError as error:
        raise ValueError(f"the home folder of {Path(location).parts[0]} is not known") from error


def file_at(location: str) -> Path:
    """The file at `location`, which is relative to the working directory unless it was anchored before."""
    if location == STARTER:
        return starter.path()
    return Path(anchored(location, Path.cwd()))
