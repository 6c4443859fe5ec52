"""`python -m tests.memory.file.sabotage`: what keeps memories safe is taken out, and the tests must notice.

Each sabotage replaces text in a copy of the sources, and runs a test there. Nobody would believe that nothing is ever
lost, if the tests found nothing either when it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.memory.file.faults import ROOT

TESTS = "tests/memory/file"
STORE = "poly_engine/memory/file"
LOST = r"AssertionError: assert \[.+\] == \[\]"  # problems of a memory where there should be none


@dataclass(frozen=True, slots=True)
class Sabotage:
    """What is taken out: in a file, each text is replaced by another. `test` must fail then, and say what `shows` is a
    pattern of: a copy that is merely broken proves nothing.
    """

    name: str
    file: str
    replacements: tuple[tuple[str, str], ...]
    test: str
    shows: str


SABOTAGES = (
    Sabotage(
        "commits are not synced",
        f"{STORE}/database.py",
        (("pragma synchronous = full", "pragma synchronous = off"),),
        f"{TESTS}/test_power_cuts.py",
        LOST,
    ),
    Sabotage(
        "the name of a new folder is not synced",
        f"{STORE}/folder.py",
        (("    sync_folder(folder.parent)\n", ""),),
        f"{TESTS}/test_power_cuts.py",
        LOST,
    ),
    Sabotage(
        "an index is saved in the place of the one before",
        f"{STORE}/index_file.py",
        (('new = self._beside("new")', "new = path"), ("        new.replace(path)\n", "")),
        f"{TESTS}/test_publishing.py",
        r"FAILED .*test_at_every_moment.*\[kill\]",
    ),
    Sabotage(
        "the checksum of an index is not compared",
        f"{STORE}/index_file.py",
        ((" or sha256(content).hexdigest() != receipt.sha256", ""),),
        f"{TESTS}/test_publishing.py",
        r"FAILED .*test_an_index_that_is_not_what_was_published",
    ),
    Sabotage(
        "the checksum of a vector is not compared",
        f"{STORE}/vectors.py",
        (("zlib.crc32(raw) == crc", "True"),),
        f"{TESTS}/test_store.py",
        r"FAILED .*test_a_damaged_vector",
    ),
    Sabotage(
        "a change is acknowledged before it is committed",
        f"{STORE}/database.py",
        (
            (
                '                self._writer.execute("commit")\n',
                """                if not hasattr(self, "is_late"):
                    self.is_late = True
                    self._writer.execute("commit")
""",
            ),
            (
                '            self._writer.execute("begin immediate")\n',
                """            if self._writer.in_transaction:
                self._writer.execute("commit")
            self._writer.execute("begin immediate")
""",
            ),
        ),
        f"{TESTS}/test_kills.py",
        LOST,
    ),
    Sabotage(
        "processes do not wait for each other",
        f"{STORE}/database.py",
        (("if not _is_locked_within(self._patience_s, descriptor):", "if False:"),),
        f"{TESTS}/test_locks.py",
        r"DID NOT RAISE|out of turn",
    ),
)


def main() -> None:
    n_caught = sum(map(_told, SABOTAGES))
    print(f"{n_caught}/{len(SABOTAGES)} sabotages caught")
    sys.exit(n_caught < len(SABOTAGES))


def is_caught(sabotage: Sabotage) -> bool:
    """Whether the tests notice a sabotage. Raises AssertionError as `sabotaged`."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("poly_engine", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        path = copy / sabotage.file
        path.write_text(sabotaged(sabotage, path.read_text()))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", sabotage.test]
        environment = {name: value for name, value in os.environ.items() if name != "POLY_FAULTS"}
        tested = subprocess.run(command, cwd=copy, env=environment, text=True, capture_output=True, check=False)
    return tested.returncode == 1 and re.search(sabotage.shows, tested.stdout) is not None


def sabotaged(sabotage: Sabotage, text: str) -> str:
    """The text of its file. Raises AssertionError if what is to be taken out is not there any more."""
    for old, new in sabotage.replacements:
        assert text.count(old) == 1, f"{sabotage.file} has not once {old!r}: what does that now?"
        text = text.replace(old, new)
    return text


def _told(sabotage: Sabotage) -> bool:
    caught = is_caught(sabotage)
    print(f"{'caught' if caught else 'NOT CAUGHT'}: {sabotage.name}", flush=True)
    return caught


if __name__ == "__main__":
    main()
