"""Every test of pulling has caches of its own, and a server on this machine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pull.file_server import FileServer, file_server
from tests.pull.hub_server import HubServer, hub_server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, whose caches are empty, and no settings of the hub but those of the test."""
    for name in (
        "HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE",
        "HF_TOKEN_PATH", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with file_server() as running:
        yield running


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HubServer]:
    """The hub that HF_ENDPOINT names."""
    async with hub_server() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.hub.url)
        yield running
