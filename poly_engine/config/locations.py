"""Where files are: what a path in the configuration may look like, and which file it means."""

from pathlib import Path

from poly_engine import starter
from poly_engine.places import data_dir

__all__ = ["STARTER", "anchored", "file_at"]

STARTER = "poly:starter"
"""The location of the model that is part of the package."""


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
