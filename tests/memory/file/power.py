"""A model of a disk that loses its power: what is on it is what was synced, and any part of what was not.

A file is synced by a sync of itself; its name, and that it is gone, by a sync of its folder. That is all that POSIX
promises, and less than file systems keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from pathlib import Path
from typing import TypeAlias

from tests.memory.file.faults import Event

SECTOR = 512

Luck: TypeAlias = Callable[[], bool]
"""Whether a change that was not synced is on the disk; asked for each of them."""


def never() -> bool:
    """Nothing is on the disk that was not synced."""
    return False


class Disk:
    """The files below a folder, as recorded events leave them. `root` itself is there from the beginning."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._files: dict[str, _File] = {}
        self._synced_names: dict[str, _File] = {}
        self._renamings: list[tuple[str, _File | None]] = []

    def take(self, event: Event) -> None:
        """Let something happen."""
        path = event.path
        match event.what:
            case "create" | "mkdir":
                self._name(path, _File(is_folder=event.what == "mkdir"))
            case "unlink":
                self._name(path, None)
            case "rename":
                self._name(event.data.decode(), self._files[path])
                self._name(path, None)
            case "sync" if path in self._files and not self._files[path].is_folder:
                self._files[path].sync()
            case "sync":
                self._sync_folder(path)
            case "write" | "truncate" if path in self._files:
                self._files[path].changes.append(event)

    def after_a_power_cut(self, luck: Luck = never) -> dict[str, bytes]:
        """The files by their paths below the root."""
        names = dict(self._synced_names)
        _apply(names, takewhile(lambda _: luck(), self._renamings))  # file systems keep the order of these
        folders = {self._root, *(path for path, file in names.items() if file.is_folder)}
        return {
            path.removeprefix(self._root + "/"): file.content(luck)
            for path, file in names.items()
            if not file.is_folder and folders.issuperset(_folders(self._root, path))
        }

    def _name(self, path: str, file: _File | None) -> None:
        _apply(self._files, [(path, file)])
        self._renamings.append((path, file))

    def _sync_folder(self, folder: str) -> None:
        _apply(self._synced_names, (one for one in self._renamings if _folder(one[0]) == folder))
        self._renamings = [one for one in self._renamings if _folder(one[0]) != folder]


class _File:
    """What was synced, and what was done to it since."""

    def __init__(self, *, is_folder: bool) -> None:
        self.is_folder = is_folder
        self.changes: list[Event] = []
        self._synced = b""

    def sync(self) -> None:
        self._synced = self.content(lambda: True)
        self.changes.clear()

    def content(self, luck: Luck) -> bytes:
        content = bytearray(self._synced)
        for event in self.changes:
            if event.what == "truncate" and luck():
                del content[event.where :]
                content.extend(bytes(event.where - len(content)))
            for begin, sector in _sectors(event):
                if luck():
                    content.extend(bytes(max(0, begin + len(sector) - len(content))))
                    content[begin : begin + len(sector)] = sector
        return bytes(content)


def _sectors(event: Event) -> Iterable[tuple[int, bytes]]:
    """What was written, cut where sectors of the disk end: each is written or not."""
    begin, end = event.where, event.where + len(event.data)
    while begin < end:
        next_one = min(end, (begin // SECTOR + 1) * SECTOR)
        yield begin, event.data[begin - event.where : next_one - event.where]
        begin = next_one


def _apply(names: dict[str, _File], changes: Iterable[tuple[str, _File | None]]) -> None:
    for path, file in changes:
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def _folders(root: str, path: str) -> Iterable[str]:
    """The folders that a path leads through, up to the root."""
    while path != root:
        path = _folder(path)
        yield path


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def written(files: dict[str, bytes], folder: Path) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
