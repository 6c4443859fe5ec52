"""A store of chats for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from poly_tui.chats.store import ChatStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the chats are."""
    return tmp_path / "data" / "chats.db"


@pytest.fixture
def store(path: Path) -> Iterator[ChatStore]:
    store, _ = ChatStore.open(path)
    yield store
    store.close()
