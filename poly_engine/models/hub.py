"""The Hugging Face hub: what a repository holds, and the cache of its files that other tools share.

The layout of the cache is that of huggingface_hub: a file lies in `blobs` under its SHA-256, `snapshots/COMMIT` has its
name, as a link, and `refs` says which commit a branch was. See
https://huggingface.co/docs/huggingface_hub/guides/manage-cache. That library itself is not used: its downloads begin
anew after a kill and are not held against their SHA-256.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from poly_engine.errors import PullFailed
from poly_engine.models.quants import Variant, choose, variants
from poly_engine.models.references import HubReference, is_file_name

__all__ = ["CachedFile", "Hub", "HubFile", "Repository"]

_ENDPOINT = "https://huggingface.co"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_BLOB = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TRUE = ("1", "ON", "YES", "TRUE")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository: `blob` is its name in the cache, and its SHA-256 if it is kept as a large file."""

    name: str
    size_bytes: int | None
    blob: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file of a repository that is in the cache."""

    name: str
    path: Path

    @property
    def size_bytes(self) -> int | None:
        """How large it is, None if it is gone by now."""
        with suppress(OSError):
            return self.path.stat().st_size
        return None


@dataclass(frozen=True, slots=True)
class Repository:
    """The files of a repository at a commit."""

    commit: str
    files: Sequence[HubFile]


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub, who one is there, and where its files are kept on this machine."""

    cache: Path
    endpoint: str = _ENDPOINT
    token: str | None = field(default=None, repr=False)
    is_offline: bool = False

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Hub":
        """The one that the environment says: HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE."""
        home = _home(env)
        cache = env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE")
        return cls(
            Path(os.path.expandvars(cache)).expanduser() if cache else home / "hub",
            (env.get("HF_ENDPOINT") or _ENDPOINT).rstrip("/"),
            _token(env, home),
            env.get("HF_HUB_OFFLINE", "").upper() in _TRUE,
        )

    @property
    def authorization(self) -> str | None:
        """The header that says who one is."""
        return f"Bearer {self.token}" if self.token else None

    def listing_url(self, reference: HubReference) -> str:
        """Where it says what a repository holds."""
        return f"{self.endpoint}/api/models/{reference.repo}/revision/{quote(reference.revision, safe='')}?blobs=true"

    def file_url(self, repo: str, commit: str, name: str) -> str:
        """Where a file is."""
        return f"{self.endpoint}/{repo}/resolve/{commit}/{quote(name)}"

    def blob_path(self, repo: str, file: HubFile) -> Path:
        """Where the bytes of a file are kept."""
        return self._folder(repo) / "blobs" / file.blob

    def snapshot_path(self, repo: str, commit: str, name: str) -> Path:
        """Where a file has its name."""
        return self._folder(repo) / "snapshots" / commit / name

    def link(self, repo: str, commit: str, file: HubFile) -> Path:
        """Give bytes that are there their name in the cache; return it. Raises OSError."""
        blob, path = self.blob_path(repo, file), self.snapshot_path(repo, commit, file.name)
        if not path.exists():  # a cache that several share may be one that we cannot write to
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f"{path.name}.{os.getpid()}.new")
            try:
                new.symlink_to(os.path.relpath(blob, path.parent))
            except OSError:  # a file system without links
                shutil.copyfile(blob, new)
            new.replace(path)
        return path

    def note_revision(self, reference: HubReference, commit: str) -> None:
        """Remember which commit a branch is, so that it is found without a network. Raises OSError."""
        if reference.revision == commit:
            return
        path = self._folder(reference.repo) / "refs" / reference.revision
        if not path.exists() or path.read_text("ascii") != commit:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(commit, "ascii")

    def cached(self, reference: HubReference) -> Sequence[Variant[CachedFile]]:
        """The models of a repository that are in the cache, in whole."""
        folder = self._folder(reference.repo)
        commit = reference.revision
        if not _COMMIT.fullmatch(commit):
            with suppress(OSError, ValueError):
                commit = (folder / "refs" / commit).read_text("ascii").strip()
        if not _COMMIT.fullmatch(commit):
            return []
        root = folder / "snapshots" / commit
        paths = [path for path in sorted(root.rglob("*.gguf")) if path.is_file()]
        found = variants(CachedFile(path.relative_to(root).as_posix(), path) for path in paths)
        return [one for one in found if one.is_whole]

    def _folder(self, repo: str) -> Path:
        return self.cache / f"models--{repo.replace('/', '--')}"


def read_listing(given: object, shown: str) -> Repository:
    """What the hub says of a repository, checked: it names files, which is not taken on trust. Raises PullFailed."""
    match given:
        case {"sha": str(commit), "siblings": [*siblings]} if _COMMIT.fullmatch(commit):
            files = [_file(one) for one in siblings]
            return Repository(commit, [file for file in files if file is not None])
    raise PullFailed(f"what answers for {shown} is no hub of models: is HF_ENDPOINT set right?")


def chosen(found: Sequence[Variant[HubFile]], reference: HubReference) -> Variant[HubFile]:
    """The model that is meant. Raises PullFailed that says what there is."""
    revision = "" if reference.revision == "main" else f"@{reference.revision}"
    return choose(found, reference.quant, reference.file, f"hf:{reference.repo}{revision}")


def _file(given: object) -> HubFile | None:
    match given:
        case {"rfilename": str(name)} if is_file_name(name) and name.lower().endswith(".gguf"):
            pass
        case _:
            return None
    match given:
        case {"lfs": {"sha256": str(sha256), "size": int(size)}} if _BLOB.fullmatch(sha256) and size >= 0:
            return HubFile(name, size, sha256, sha256)
        case {"blobId": str(blob), "size": int(size)} if _BLOB.fullmatch(blob) and size >= 0:
            return HubFile(name, size, blob, None)
    return None


def _home(env: Mapping[str, str]) -> Path:
    if home := env.get("HF_HOME"):
        return Path(os.path.expandvars(home)).expanduser()
    caches = env.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path("~/.cache").expanduser()) / "huggingface"


def _token(env: Mapping[str, str], home: Path) -> str | None:
    """The token of the environment, or the one that the tools of the hub keep after a log-in."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if token := env.get(name, "").strip():
            return _usable(token)
    if env.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").upper() in _TRUE:
        return None
    path = Path(env.get("HF_TOKEN_PATH") or home / "token").expanduser()
    with suppress(OSError, UnicodeDecodeError):
        return _usable(path.read_text("ascii").strip())
    return None


def _usable(token: str) -> str | None:
    """A header holds no more than printable ASCII."""
    return token if token.isascii() and token.isprintable() and token else None
