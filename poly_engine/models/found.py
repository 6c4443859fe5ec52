"""Model files that are on this machine already: those that were pulled, and those in folders."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import platformdirs

from poly_engine.errors import InvalidRequest, PullFailed
from poly_engine.models.hub import Hub
from poly_engine.models.quants import choose, variants
from poly_engine.models.references import HubReference, UrlReference, is_file_name, parse_reference

__all__ = ["FoundModel", "default_folder", "find_models", "find_pulled", "hub_path", "url_path"]


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model in a folder: its file, the first one if it comes in several, and the size of all of them."""

    path: Path
    quant: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    size_bytes: int | None


def default_folder() -> Path:
    """Where the system keeps what can be fetched again: files that were pulled from URLs lie there."""
    return Path(platformdirs.user_cache_dir("poly", appauthor=False)) / "models"


def hub_path(folder: Path, repo: str, name: str) -> Path:
    """Where in a folder of models a file of a repository lies: other tools lay them out so, too."""
    return folder / repo / name


def url_path(folder: Path, url: str) -> Path:
    """Where in a folder of models the file at a URL lies. Raises InvalidRequest if the URL does not name a file."""
    parts = urlsplit(url)
    host = (parts.hostname or "").replace(":", "_") + (f"_{parts.port}" if parts.port else "")
    path = unquote(parts.path).strip("/")
    if not is_file_name(path) or not is_file_name(host):
        raise InvalidRequest(f"{UrlReference(url)} does not name a file that could be kept under that name")
    if not path.lower().endswith(".gguf"):
        which = f"-{hashlib.sha256(parts.query.encode()).hexdigest()[:12]}" if parts.query else ""
        path = f"{path}{which}.gguf"
    return folder / host / path


def find_pulled(reference: str, folder: Path | None = None) -> Path | None:
    """The file of a model that was pulled before, the first one if it comes in several; None if it was not. No network
    is needed. Raises InvalidRequest for a reference that means nothing.
    """
    parsed = parse_reference(reference)
    if isinstance(parsed, UrlReference):
        path = url_path(folder or default_folder(), parsed.url)
        return path if path.is_file() else None
    return _in_cache(parsed) if folder is None else _in_folder(parsed, folder / parsed.repo)


def find_models(folders: Iterable[Path]) -> Iterator[FoundModel]:
    """The models in some folders and those below, at any depth. What cannot be read is left out."""
    for folder in folders:
        yield from _models_in(folder)


def _in_cache(reference: HubReference) -> Path | None:
    found = Hub.of(os.environ).cached(reference)
    try:
        return choose(found, reference.quant, reference.file, str(reference)).files[0].path
    except PullFailed:
        return None


def _in_folder(reference: HubReference, root: Path) -> Path | None:
    whole = [one for one in variants(_files(root)) if one.is_whole]
    try:
        return root / choose(whole, reference.quant, reference.file, str(reference)).files[0].name
    except PullFailed:
        return None


def _models_in(folder: Path) -> Iterator[FoundModel]:
    for one in variants(_files(folder)):
        if one.is_whole:
            yield FoundModel(folder / one.files[0].name, one.quant, sum(file.size_bytes or 0 for file in one.files))


def _files(root: Path) -> Iterator[_Found]:
    for parent, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            with suppress(OSError):  # gone by now, or not for us
                if name.lower().endswith(".gguf") and path.is_file():
                    yield _Found(path.relative_to(root).as_posix(), path.stat().st_size)
