"""Fetching a model: from the Hugging Face hub, into the cache that other tools share, or from any URL."""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from poly_engine.errors import PullFailed
from poly_engine.models.found import default_folder, find_pulled, hub_path, url_path
from poly_engine.models.hub import Hub, HubFile, Repository, chosen, read_listing
from poly_engine.models.quants import variants
from poly_engine.models.references import HubReference, UrlReference, parse_reference

if TYPE_CHECKING:  # httpx, 100 ms
    from poly_engine.models.download import Wanted
    from poly_engine.models.web import Web

__all__ = ["Phase", "PullProgress", "Pulled", "pull"]

Phase: TypeAlias = Literal["resolving", "downloading", "checking", "done"]

_EVERY_S = 0.1
_WINDOW_S = 5.0
_LARGEST_LISTING = 16 << 20


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a model has come: `n_done` of `n_total` bytes, if it is known how many there are. `source` is the model
    as it may be shown: a URL less its secrets. Of the rate, None says that it is not known (yet).
    """

    source: str
    n_done: int
    n_total: int | None
    bytes_per_s: float | None
    phase: Phase


@dataclass(frozen=True, slots=True)
class Pulled:
    """The file of a model that is there now, the first one if it comes in several; `size_bytes` is that of all.

    `sha256` was checked; it is None where nobody tells it, or of several files. `was_there` says that nothing had to be
    fetched. `reference` means this file and no other, whatever else is fetched or published: it is for configurations.
    """

    path: Path
    size_bytes: int
    sha256: str | None
    was_there: bool
    reference: str = ""


async def pull(
    reference: str,
    folder: Path | None = None,
    *,
    on_progress: Callable[[PullProgress], None] | None = None,
    is_named_by_user: bool = True,
    to: Path | None = None,
) -> Pulled:
    """Fetch the model that `reference` names (see `poly_engine.models.references`), unless it is there.

    `folder` is where models are kept; by default, those of the hub are kept in its cache, which other tools share, and
    those at URLs where the system keeps caches. `to` is the path of the file itself, in place of both. A file has its
    name only once all of it is there and was checked. Who is cancelled stops at once; what had come is kept, and the
    next one goes on with it. What the user names may be on any machine; what somebody else does, `is_named_by_user` set
    to False, must be public. Raises PullFailed, or InvalidRequest for a reference that means nothing.
    """
    parsed = parse_reference(reference)
    meter = _Meter(str(parsed), on_progress)
    meter.show("resolving")
    async with await asyncio.to_thread(_web, is_named_by_user=is_named_by_user) as web:
        if isinstance(parsed, UrlReference):
            pulled = await _pull_url(parsed, to or url_path(folder or default_folder(), parsed.url), web, meter)
        else:
            pulled = await _pull_from_hub(parsed, web, meter, folder=folder, to=to)
    meter.show("done")
    return pulled


def _web(*, is_named_by_user: bool) -> "Web":
    from poly_engine.models import download  # noqa: F401 - as above, and in the thread, where it holds up nobody
    from poly_engine.models.web import Web

    return Web(is_named_by_user=is_named_by_user)


async def _pull_url(reference: UrlReference, path: Path, web: "Web", meter: "_Meter") -> Pulled:
    from poly_engine.models.download import Wanted  # as above

    was_there = await _fetch([Wanted(reference.url, path, str(reference))], web, meter)
    return Pulled(path, await asyncio.to_thread(_size, [path]), None, was_there, reference.url)


async def _pull_from_hub(
    reference: HubReference, web: "Web", meter: "_Meter", *, folder: Path | None, to: Path | None
) -> Pulled:
    hub = Hub.of(os.environ)
    if hub.is_offline:
        return _pulled_before(reference, folder)
    repository = await _listing(reference, hub, web)
    model = chosen(variants(repository.files), reference)
    if to is not None and len(model.files) > 1:
        raise PullFailed(f"{reference} comes in {len(model.files)} files, which cannot be {to}: leave out the path")
    wanted = [_wanted(file, hub, reference.repo, repository.commit, folder) for file in model.files]
    wanted[0] = replace(wanted[0], path=to or wanted[0].path, is_first=True)
    was_there = await _fetch(wanted, web, meter)
    paths = [one.path for one in wanted]
    if folder is None and to is None:
        paths = await asyncio.to_thread(_link_all, hub, reference, repository.commit, model.files)
    size_bytes, sha256 = await asyncio.to_thread(_size, paths), model.files[0].sha256 if len(paths) == 1 else None
    exact = HubReference(reference.repo, None, model.files[0].name, reference.revision)
    return Pulled(paths[0], size_bytes, sha256, was_there, str(exact))


def _size(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _pulled_before(reference: HubReference, folder: Path | None) -> Pulled:
    path = find_pulled(str(reference), folder)
    if path is None:
        raise PullFailed(f"{reference} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it")
    return Pulled(path, path.stat().st_size, None, True, str(reference))


async def _listing(reference: HubReference, hub: Hub, web: "Web") -> Repository:
    """What the repository holds. Raises PullFailed."""
    import httpx  # as above

    shown = f"hf:{reference.repo}"
    try:
        async with web.get(hub.listing_url(reference), {}, hub.authorization) as response:
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _LARGEST_LISTING:
                    raise PullFailed(f"the list of the files of {shown} is too long to be one")
    except httpx.RequestError as error:
        raise PullFailed(f"{hub.endpoint} cannot be reached: {str(error) or 'nothing comes from there'}") from error
    if response.status_code != 200:
        raise _refusal(shown, reference, response.status_code, response.headers.get("X-Error-Code", ""), hub)
    try:
        return read_listing(json.loads(body), shown)
    except (ValueError, RecursionError):
        return read_listing(None, shown)


def _refusal(shown: str, reference: HubReference, status: int, code: str, hub: Hub) -> PullFailed:
    if code == "RevisionNotFound":
        return PullFailed(f"{shown} has no revision {reference.revision}")
    if code == "GatedRepo" or status == 403:
        return PullFailed(
            f"{shown} is given only to who agrees to its licence: do so on {hub.endpoint}/{reference.repo}, and set "
            "HF_TOKEN to a token of yours"
        )
    if status in {401, 404}:  # the hub does not say which repositories are private
        say = "HF_TOKEN may read it" if hub.token else "HF_TOKEN is set, if it is a private one"
        return PullFailed(f"{hub.endpoint} has no repository {reference.repo}: check its name, and that {say}")
    return PullFailed(f"{hub.endpoint} answers {status} for {shown}: try later")


def _wanted(file: HubFile, hub: Hub, repo: str, commit: str, folder: Path | None) -> "Wanted":
    from poly_engine.models.download import Wanted  # as above

    path = hub.blob_path(repo, file) if folder is None else hub_path(folder, repo, file.name)
    url, shown = hub.file_url(repo, commit, file.name), f"hf:{repo}/{file.name}"
    return Wanted(url, path, shown, file.size_bytes, file.sha256, hub.authorization, is_first=False)


def _link_all(hub: Hub, reference: HubReference, commit: str, files: Sequence[HubFile]) -> list[Path]:
    try:
        hub.note_revision(reference, commit)
        return [hub.link(reference.repo, commit, file) for file in files]
    except OSError as error:
        raise PullFailed(f"{error.filename} cannot be written: {error.strerror}") from error


async def _fetch(wanted: Sequence["Wanted"], web: "Web", meter: "_Meter") -> bool:
    """Fetch the files of a model one after the other; return whether all were there."""
    from poly_engine.models.download import Watch, download  # as above

    sizes = [one.size_bytes for one in wanted]
    known = [size for size in sizes if size is not None]
    meter.begin(sum(known) if len(known) == len(sizes) else None)
    were_there = []
    for one in wanted:
        were_there.append(await download(one, web, Watch(meter.count, lambda: meter.show("checking"))))
        meter.add_file(one.path.stat().st_size)
    return all(were_there)


class _Meter:
    """Counts what comes, and tells it a few times in a second."""

    def __init__(self, source: str, on_progress: Callable[[PullProgress], None] | None) -> None:
        self._source = source
        self._on_progress = on_progress
        self._n_before = 0
        self._n_done = 0
        self._n_total: int | None = None
        self._is_fixed = False
        self._shown_at = 0.0
        self._recent: deque[tuple[float, int]] = deque()

    def begin(self, n_total: int | None) -> None:
        self._n_total, self._is_fixed = n_total, n_total is not None

    def count(self, n_done: int, n_total: int | None) -> None:
        """So much has come of the present file."""
        self._n_done = self._n_before + n_done
        if not self._is_fixed:
            self._n_total = n_total
        now = time.monotonic()
        if self._recent and self._n_done < self._recent[-1][1]:
            self._recent.clear()  # it was begun anew
        if not self._recent or now - self._recent[-1][0] >= _EVERY_S / 2:
            self._recent.append((now, self._n_done))
        while self._recent[0][0] < now - _WINDOW_S:
            self._recent.popleft()
        if now - self._shown_at >= _EVERY_S:
            self.show("downloading")

    def add_file(self, size_bytes: int) -> None:
        """A file is there, with that many bytes."""
        self._n_before += size_bytes
        self._n_done = self._n_before

    def show(self, phase: Phase) -> None:
        self._shown_at = time.monotonic()
        if self._on_progress is not None:
            rate = self._rate() if phase == "downloading" else None
            self._on_progress(PullProgress(self._source, self._n_done, self._n_total, rate, phase))

    def _rate(self) -> float | None:
        (begin, n_first), (end, n_last) = self._recent[0], self._recent[-1]
        return (n_last - n_first) / (end - begin) if end - begin >= _EVERY_S else None
