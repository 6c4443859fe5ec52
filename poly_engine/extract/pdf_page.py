"""The text of one page, as PDFium finds it, with its hyphens mended and its paragraphs apart."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from statistics import median_low
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]  # it carries no types
from pypdfium2 import raw

_BREAK = re.compile(r"\r\n")
_HYPHEN = re.compile(r"[\ufffe\x02](?:\r?\n)?")
_HYPHEN_TO_KEEP = re.compile(r"[\ufffe\x02](?:\r?\n)?(?=[A-Z0-9])")
_WIDE = 1.4
"""Lines this many times further apart than most on the page are paragraphs."""


def page_text(document: Any, index: int) -> str | None:  # Any: pypdfium2 carries no types
    """The text of a page with its paragraphs an empty line apart, None if it cannot be loaded."""
    try:
        with closing(document[index]) as page, closing(page.get_textpage()) as textpage:
            return _with_paragraphs(textpage, textpage.get_text_range())
    except pdfium.PdfiumError:
        return None


def without_hyphens(text: str) -> str:
    """Text with the words whole that were cut at the end of a line, where PDFium leaves a mark of its own."""
    return _HYPHEN.sub("", _HYPHEN_TO_KEEP.sub("-", text))


def _with_paragraphs(textpage: Any, text: str) -> str:
    breaks = [match.start() for match in _BREAK.finditer(text)]
    gaps = [_gap(textpage, place) for place in breaks]
    downwards = [gap for gap in gaps if gap > 0]
    usual = median_low(downwards) if downwards else 0.0
    edges = [-2, *breaks, len(text)]
    lines = [text[before + 2 : after] for before, after in pairwise(edges)]
    return "".join(_joined(lines, gaps, usual))


def _joined(lines: list[str], gaps: list[float], usual: float) -> Iterator[str]:
    yield lines[0]
    for gap, line in zip(gaps, lines[1:], strict=True):
        is_apart = gap > usual * _WIDE or gap < -usual * _WIDE  # upwards: the next column
        yield "\n\n" if is_apart else "\n"
        yield line


def _gap(textpage: Any, place: int) -> float:
    """How far below the line before it the line after a break is, from baseline to baseline."""
    above, below = _height(textpage, place - 1), _height(textpage, place + 2)
    return 0.0 if above is None or below is None else above - below


def _height(textpage: Any, place: int) -> float | None:
    index = raw.FPDFText_GetCharIndexFromTextIndex(textpage, place)
    x, y = ctypes.c_double(), ctypes.c_double()
    if index < 0 or not raw.FPDFText_GetCharOrigin(textpage, index, x, y):
        return None
    return y.value
