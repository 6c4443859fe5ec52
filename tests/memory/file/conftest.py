"""What the tests of the built-in store share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.memory.file.faults import compiled


@pytest.fixture(scope="session")
def faulty_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes a disk fail, to be preloaded."""
    return compiled(tmp_path_factory.mktemp("faults"))
