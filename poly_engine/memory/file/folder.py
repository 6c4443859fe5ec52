"""The folder of a memory: its owner's alone, on a disk of this machine, and there after a power cut."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from poly_engine.errors import MemoryUnwritable

__all__ = ["is_on_read_only_disk", "make_file", "make_folder", "may_be_written", "refuse_network", "sync_folder"]

_NETWORK = frozenset(
    "9p afpfs afs ceph cifs fuse.glusterfs fuse.sshfs ncpfs nfs nfs4 smb2 smb3 smbfs webdav".split()  # noqa: SIM905
)


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, with those above it. Those that are there stay as they are."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(0o700, exist_ok=True)
    sync_folder(folder.parent)


def make_file(path: Path) -> None:
    """Make an empty file that only its owner may read, unless it is there.

    What is there is not even opened: POSIX takes all locks of a file from a process that closes any descriptor of it.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def sync_folder(folder: Path) -> None:
    """Let the names in a folder survive a power cut: a sync of a file does not say how it is called."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def may_be_written(path: Path) -> bool:
    """Whether a file can be changed, and others be made beside it. If it is not there, making it will tell."""
    return not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def is_on_read_only_disk(path: Path) -> bool:
    """Whether nobody can change a file."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def refuse_network(folder: Path, mounts: Iterable[tuple[str, str]] | None = None) -> None:
    """Raise MemoryUnwritable if a folder is on a disk of another machine: the processes that use a memory share its
    journal by memory of theirs, which machines do not share. `mounts` are points with their file systems.
    """
    if mounts is None:
        mounts = [(disk.mountpoint, disk.fstype) for disk in psutil.disk_partitions(all=True)]
    inside = [mount for mount in mounts if folder.resolve().is_relative_to(mount[0])]
    point, kind = max(inside, key=lambda mount: len(mount[0]), default=("/", ""))
    if kind.lower() in _NETWORK and point != "/":  # whose root is on the network has no other disk
        raise MemoryUnwritable(
            f"{folder} is on the network ({kind} at {point}), where a memory would be damaged: "
            "name a folder on a disk of this machine as the path of its store"
        )
