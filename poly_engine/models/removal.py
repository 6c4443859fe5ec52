"""Removing the files of a model: all of them, what of it is on its way, and all that the cache of the hub has of it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from poly_engine.models.part import note_path, part_path
from poly_engine.models.quants import sibling_names

__all__ = ["files_of", "remove_files"]


def files_of(path: Path) -> Sequence[Path]:
    """The files of the model whose first file is at `path`: it may come in several. Those that are there."""
    return [one for name in sibling_names(path.name) if (one := path.with_name(name)).exists()]


def remove_files(paths: Sequence[Path]) -> int:
    """Remove files, and return how many bytes that gave back. Of a link that somebody made, the file itself stays.

    Raises OSError.
    """
    n_bytes = 0
    for path in paths:
        file = path.resolve()
        links = _links_in_cache(file)
        if path.is_symlink() and path not in links:
            path.unlink()
            continue
        for link in links:
            link.unlink()
            _remove_empty(link.parent)
        n_bytes += file.stat().st_size
        file.unlink()
        for left in (part_path(file), note_path(file)):
            left.unlink(missing_ok=True)
    return n_bytes


def _links_in_cache(file: Path) -> Sequence[Path]:
    """The names of a file in the cache of the hub, where each version of a repository may have one."""
    if file.parent.name != "blobs":
        return []
    names = (file.parent.parent / "snapshots").rglob("*")
    return [name for name in names if name.is_symlink() and name.resolve() == file]


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it holds something else
        folder.rmdir()
