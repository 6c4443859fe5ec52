"""What the tests of the section of memories have: a folder for what is kept, and a filled library."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.memories.library import Library

TERMS = (
    "The supplier may terminate if payment is overdue by thirty days.\n\n"
    "A material breach not remedied in fifteen days ends it.\n\n"
    "Notices are sent in writing."
)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Poly keeps its data."""
    folder = tmp_path / "data"
    monkeypatch.setenv("POLY_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def library() -> Library:
    """Two memories, one with three documents and one without any."""
    library = Library("contracts", "handbook")
    library.documents_of["contracts"] = {
        "/srv/docs/msa-2024.md": TERMS,
        "/srv/docs/annex a.md": "Prices.\n\nRates of interest.",
        "piped 0123456789ab": "What somebody piped.",
    }
    return library
