"""What all tests share: model files, each made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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


# A busy machine is no failure: how fast examples are made and run says nothing about the code.
settings.register_profile("poly", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("poly")
