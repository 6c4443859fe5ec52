"""What all tests share: model files, each made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gguf_models import make

FamilyFile = Callable[[str], Path]


@pytest.fixture(scope="session")
def family_file(tmp_path_factory: pytest.TempPathFactory) -> FamilyFile:
    """The tiny model of a family."""
    folder = tmp_path_factory.mktemp("families")

    def file(family: str) -> Path:
        path = folder / f"{family}.gguf"
        return path if path.exists() else make(family, path)

    return file
