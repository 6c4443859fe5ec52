"""The documents of a memory and those on their way into it, as rows that are filtered and sorted."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath

from poly_engine.types import DocumentInfo, IngestJob
from poly_tui.memories.queue import Item, State

__all__ = ["Entry", "Listing", "Order", "Phase", "Totals"]


class Phase(Enum):
    """The state of an entry. The value is a sign and a word, which say the same."""

    READY = ("✓", "ready")
    WORKING = ("◐", "working")
    WAITING = ("·", "waiting")
    FAILED = ("!", "failed")
    CANCELLED = ("-", "cancelled")
    LEAVING = ("✗", "deleted")

    @property
    def sign(self) -> str:
        """One character for it."""
        return self.value[0]

    @property
    def word(self) -> str:
        """The word for it."""
        return self.value[1]


class Order(Enum):
    """What the entries are sorted by. The value is the word for it."""

    NEWEST = "newest first"
    NAME = "by name"
    CHUNKS = "most chunks first"
    KIND = "by kind"

    @property
    def next(self) -> "Order":
        """The one after it."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One document: `stored` is what the memory has of it, `item` is it on its way, `job` is what the memory itself
    says of one on its way, or of one that failed.
    """

    source: str
    phase: Phase
    stored: DocumentInfo | None = None
    item: Item | None = None
    job: IngestJob | None = None

    @property
    def name(self) -> str:
        """The last part of a path."""
        return PurePath(self.source).name or self.source

    @property
    def folder(self) -> str:
        """The part before it."""
        return "" if self.name == self.source else self.source[: -len(self.name)].rstrip("/") or "/"

    @property
    def added(self) -> float | None:
        """When it came into the memory, or into its queue, in seconds since 1970."""
        return self.stored.added if self.stored else self.job.added if self.job else None

    @property
    def n_chunks(self) -> int:
        """How many chunks of it the memory has."""
        return self.stored.n_chunks if self.stored else self.item.n_chunks if self.item else 0

    @property
    def is_stored(self) -> bool:
        """Whether it is in the memory."""
        return self.stored is not None

    @property
    def reason(self) -> str:
        """Why it failed."""
        return (self.item.reason if self.item else "") or (self.job.reason or self.job.cause if self.job else "")


@dataclass(frozen=True, slots=True)
class Totals:
    """What a memory holds in all."""

    n_documents: int
    n_chunks: int
    n_characters: int
    n_pages: int
    kinds: Mapping[str, int]

    @classmethod
    def of(cls, documents: Sequence[DocumentInfo]) -> "Totals":
        """Those of documents."""
        kinds: dict[str, int] = {}
        for one in documents:
            kinds[one.media_type] = kinds.get(one.media_type, 0) + 1
        return cls(
            len(documents),
            sum(one.n_chunks for one in documents),
            sum(one.n_characters for one in documents),
            sum(one.n_pages for one in documents),
            dict(sorted(kinds.items(), key=lambda kind: -kind[1])),
        )


_KEYS: Mapping[Order, Callable[[Entry], tuple[object, ...]]] = {
    Order.NEWEST: lambda one: (-(one.added or 0.0), one.source),
    Order.NAME: lambda one: (one.name.casefold(), one.source),
    Order.CHUNKS: lambda one: (-one.n_chunks, one.source),
    Order.KIND: lambda one: (one.stored.media_type if one.stored else "", one.name.casefold()),
}


class Listing:
    """What there is to be seen of a memory. What is on its way, or failed, stands above what is there."""

    def __init__(self) -> None:
        self.documents: Sequence[DocumentInfo] = ()
        self.jobs: Sequence[IngestJob] = ()
        self.order = Order.NEWEST
        self.words = ""
        self.marked: set[str] = set()
        self.entries: Sequence[Entry] = ()
        self.totals = Totals.of(())
        self._sorted: Sequence[Entry] = ()
        self._stored: frozenset[str] = frozenset()
        self._stored_base = self.base = ""

    def take(self, documents: Sequence[DocumentInfo], jobs: Sequence[IngestJob]) -> None:
        """Go by what a memory says now."""
        self.documents, self.jobs = documents, jobs
        self.totals = Totals.of(documents)
        self._stored = frozenset(one.source for one in documents)
        self._stored_base = _common_folder(self._stored)
        self.marked &= {one.source for one in documents} | {one.source for one in jobs}
        self.arrange()

    def arrange(self) -> None:
        """Filter and sort anew."""
        found = [Entry(one.source, Phase.READY, stored=one) for one in self.documents if self._is_found(one)]
        self._sorted = sorted(found, key=_KEYS[self.order])

    def update(self, items: Iterable[Item], leaving: frozenset[str]) -> None:
        """Put together what is shown, with the items of this memory, and what is about to leave it."""
        coming = {one.source: _of_job(one) for one in self.jobs}
        for item in items:
            coming.pop(item.source, None)
            if item.state is not State.DONE or item.source not in self._stored:
                coming[item.source] = _of_item(item)
        self.base = _common_folder([*coming], self._stored_base)
        if not coming and not leaving:
            self.entries = self._sorted
            return
        above = {source: one for source, one in coming.items() if self._matches(source)}
        below = []
        for one in self._sorted:
            other = above.get(one.source)
            if other is not None:
                above[one.source] = Entry(one.source, other.phase, one.stored, other.item, other.job)
            else:
                below.append(Entry(one.source, Phase.LEAVING, one.stored) if one.source in leaving else one)
        self.entries = [*above.values(), *below]

    def folder_of(self, entry: Entry) -> str:
        """The folder of a document, without what the folders of all have in common."""
        if self.base and f"{entry.folder}/".startswith(f"{self.base}/"):
            return entry.folder[len(self.base) + 1 :]
        return entry.folder

    def place_of(self, source: str | None) -> int | None:
        """Where a document stands."""
        return next((place for place, one in enumerate(self.entries) if one.source == source), None)

    def toggle(self, source: str) -> None:
        """Mark a document, or not any more."""
        self.marked ^= {source}

    def _is_found(self, document: DocumentInfo) -> bool:
        return self._matches(f"{document.source} {document.title} {document.media_type}")

    def _matches(self, text: str) -> bool:
        text = text.casefold()
        return all(word in text for word in self.words.casefold().split())


def _of_job(job: IngestJob) -> Entry:
    phases = {"pending": Phase.WAITING, "working": Phase.WORKING, "failed": Phase.FAILED}
    return Entry(job.source, phases[job.state], job=job)


def _of_item(item: Item) -> Entry:
    phases = {
        State.WAITING: Phase.WAITING,
        State.WORKING: Phase.WORKING,
        State.FAILED: Phase.FAILED,
        State.CANCELLED: Phase.CANCELLED,
        State.DONE: Phase.READY,
    }
    return Entry(item.source, phases[item.state], item=item)


def _common_folder(sources: Iterable[str], base: str = "") -> str:
    """The folder that all files are in, and `base` if it is given; empty if that is the root, or nothing is a file."""
    folders = {os.path.dirname(source) for source in sources if os.path.isabs(source)}  # noqa: PTH117, PTH120 - of many
    folders |= {base} if base else set()
    return os.path.commonpath(folders).rstrip("/") if folders else ""
