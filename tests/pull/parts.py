"""Waiting for a download to be in its middle."""

import json
from pathlib import Path

from tests.pull.file_server import FileServer
from tests.serve.waiting import until

__all__ = ["n_safe", "names", "until_part_has"]


def names(folder: Path) -> set[str]:
    """The files that there are."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def until_part_has(n_bytes: int, server: FileServer, folder: Path) -> None:
    """Wait until a part is there, with its first bytes if any come: the others may still be on their way to it."""
    least = min(n_bytes, 1)
    await until(lambda: bool(server.asked) and any(part.stat().st_size >= least for part in folder.rglob("*.part")))


def n_safe(folder: Path) -> int:
    """How much of a part is on the disk."""
    return max((int(json.loads(note.read_bytes())["n_safe"]) for note in folder.rglob("*.part.json")), default=0)
