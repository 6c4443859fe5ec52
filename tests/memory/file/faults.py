"""Faults of a disk, by a library that is preloaded into the process under test: see faults.c."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
IS_FULL = os.environ.get("POLY_FAULTS") == "full"
"""Whether the tests are to try everything, which takes minutes."""


class Calls(IntFlag):
    """Kinds of calls, as faults.c counts them: opening is reading, and creating is writing."""

    READING = 1
    WRITING = 2
    SYNCING = 4


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a file, in the order of a record. `where` is a place in it, its new size, or its
    descriptor; `data` is what was written, or its new name.
    """

    what: str
    process: int
    path: str
    where: int
    data: bytes


def preloaded(module: str, *arguments: object, library: Path) -> str:
    """What a module prints that runs with faults.c preloaded."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environment = os.environ | {"LD_PRELOAD": str(library), "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def compiled(folder: Path) -> Path:
    """The library of faults.c; skips the test where there can be none."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if sys.platform != "linux" or compiler is None:
        pytest.skip(
            "faults of a disk are made by a library of ours that only Linux preloads, and that takes a C compiler"
        )
    library = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def arm(folder: Path, calls: Calls, number: int, error: int, *, is_lasting: bool) -> None:
    """From now on count calls below a folder, and let the one of a number fail, and all after it if that lasts."""
    _library().faults_arm(str(folder).encode(), int(calls), ctypes.c_long(number), error, is_lasting)


def disarm() -> None:
    """From now on no call fails."""
    _library().faults_arm(b"", 0, ctypes.c_long(0), 0, 0)


def n_counted() -> int:
    """How many calls were counted since `arm`."""
    counted: int = _library().faults_counted()
    return counted


def record(folder: Path, into: Path) -> None:
    """From now on record what happens below a folder."""
    _library().faults_record(str(folder).encode(), str(into).encode())


def events(recorded: Path) -> Iterator[Event]:
    """What a record holds."""
    raw = recorded.read_bytes()
    place = 0
    while place < len(raw):
        end = raw.index(b"\n", place)
        what, process, path, where, size = raw[place:end].decode().split("\t")
        place = end + 1 + int(size)
        yield Event(what, int(process), path, int(where), raw[end + 1 : place])


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)  # what was preloaded is among all that is loaded
