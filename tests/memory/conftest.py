"""The stores that the contract is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeAlias

import pytest

from poly_engine.memory.file import FileStore
from poly_engine.memory.records import Fingerprint
from poly_engine.memory.store import Store
from tests.memory.stores import MODEL

OpenStore: TypeAlias = Callable[[Fingerprint], Store]


@pytest.fixture(params=["file"])
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """Opens one and the same store of a kind, however often it is called."""
    opens: OpenStore = request.getfixturevalue(f"open_{request.param}_store")
    return opens


@pytest.fixture
def open_file_store(tmp_path: Path) -> Iterator[OpenStore]:
    with ExitStack() as opened:
        yield lambda fingerprint: opened.enter_context(
            closing(FileStore(tmp_path / "notes" / "memory.db", fingerprint))
        )


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store(MODEL)
