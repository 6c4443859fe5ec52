"""What reading one document may cost."""

from dataclasses import dataclass

from poly_engine.errors import UnreadableDocument


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one document may cost before it is refused as too large or too slow.

    `memory_bytes` is the address space of the process that reads, of which libraries take about 80 MB. Systems that
    do not limit address space (macOS) are left with the other limits. Of headings, the first `headings` are kept.
    """

    wall_s: float = 30
    cpu_s: int = 25
    memory_bytes: int = 1 << 30
    file_bytes: int = 200 << 20
    unzipped_bytes: int = 200 << 20
    pages: int = 20_000
    elements: int = 3_000_000
    text_chars: int = 10_000_000
    headings: int = 10_000


def too_long(limits: Limits) -> UnreadableDocument:
    """The error for a document with more text than it may have."""
    reason = f"it has more than {limits.text_chars} characters of text: split it, or raise the limit"
    return UnreadableDocument("too_large", reason)


def too_many_pages(n_pages: int, limits: Limits) -> UnreadableDocument:
    """The error for a document with more pages than it may have."""
    return UnreadableDocument("too_large", f"it has {n_pages} pages, and {limits.pages} may be read: split it")


def out_of_memory(limits: Limits) -> UnreadableDocument:
    """The error for a document that takes more memory than it may."""
    most = limits.memory_bytes >> 20
    return UnreadableDocument("too_large", f"reading it takes more than {most} MB of memory: split it")


def out_of_time(limits: Limits) -> UnreadableDocument:
    """The error for a document that takes more time than it may."""
    reason = f"reading it takes longer than {limits.wall_s:g} s, or {limits.cpu_s} s of computing: split it"
    return UnreadableDocument("too_slow", reason)
