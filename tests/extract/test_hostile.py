"""Files that were made to harm whoever reads them end in an error that says so, or in a text within the limits; and
cost the parent nothing.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poly_engine.errors import UnreadableDocument
from poly_engine.extract import Extracted, Extractor, Limits
from tests.extract.hostile_docx import hostile_docxs
from tests.extract.hostile_pdf import hostile_pdfs

LIMITS = Limits(
    wall_s=10,
    cpu_s=2,
    memory_bytes=400 << 20,
    unzipped_bytes=20 << 20,
    pages=2000,
    elements=300_000,
    text_chars=500_000,
)
MAX_GROWTH_MB = 20
CAUSES = {
    "page named a million times": "too_large",
    "form that draws itself": "too_large",
    "pages that share a text without end": "too_slow",
    "noise behind a beginning": "damaged",
    "encrypted with a key nobody has": "encrypted",
    "bomb of blanks": "too_large",
    "million of paragraphs": "too_large",
    "million of empty elements": "too_large",
    "billion of laughs": "damaged",
    "file of the machine as an entity": "damaged",
    "elements in elements": "too_large",
    "size that says too little": "damaged",
    "sum that is wrong": "damaged",
    "names that lead out of the folder": "fine",
}
"""Of some, the cause or the text that is expected; whether others can be read depends on the libraries."""


@pytest.mark.parametrize("make", [hostile_pdfs, hostile_docxs])
async def test_hostile_files_end_within_the_limits(make: Callable[[], Iterator[tuple[str, bytes]]]) -> None:
    async with Extractor(LIMITS) as extractor:
        for name, content in make():
            began, before = time.monotonic(), _restart_peak_mb()
            text = await _text_or_cause(extractor, content)

            assert text == CAUSES.get(name, text), name
            assert len(text) <= LIMITS.text_chars, name
            assert time.monotonic() - began < LIMITS.wall_s + 1, name
            assert _peak_mb() - before <= MAX_GROWTH_MB, name


def test_nothing_was_unpacked_to_a_disk() -> None:
    assert not Path("/tmp/escaped").exists()


async def _text_or_cause(extractor: Extractor, content: bytes) -> str:
    try:
        extracted = await extractor.extract(content)
    except UnreadableDocument as error:
        return error.cause
    assert _is_sound(extracted)
    return extracted.text


def _is_sound(extracted: Extracted) -> bool:
    text = extracted.text
    starts = extracted.page_starts
    return bool(text.strip()) and not set("\0\r") & set(text) and bool(text.encode()) and sorted(starts) == list(starts)


def _restart_peak_mb() -> float:
    """Have the system forget the peak of our memory, where it can, and return what is used now."""
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")
    return _peak_mb()


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("the peak of a process's memory is only known on Linux")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
