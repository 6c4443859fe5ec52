"""`python -m tests.bench.extraction [FILE…]`: what it costs to get the text out of documents, those that are made here
and those that are named, in milliseconds a page, with a process that is warm and with one for each document.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from poly_engine.errors import UnreadableDocument
from poly_engine.extract import Extracted, Extractor, extract
from tests.extract.docx_files import docx_of, paragraph
from tests.extract.pdf_files import text_pdf

ROUNDS = 5
WORDS = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "seven",
    "wizards",
    "mix",
    "jugs",
)


def main() -> None:
    documents = {**_made(), **{Path(name).name: Path(name) for name in sys.argv[1:]}}
    asyncio.run(_print_table(documents))


def _made() -> dict[str, bytes | Path]:
    return {
        "1 page.pdf": text_pdf(*_pages(1)),
        "20 pages.pdf": text_pdf(*_pages(20)),
        "500 pages.pdf": text_pdf(*_pages(500)),
        "5,000 paragraphs.docx": docx_of("".join(paragraph(_line()) for _ in range(5000))),
        "5,000 paragraphs.html": "".join(f"<p>{_line()}</p>" for _ in range(5000)).encode(),
        "1 MB.txt": "\n".join(_line() for _ in range(13_000)).encode(),
    }


def _pages(n_pages: int) -> list[list[str]]:
    return [[_line() for _ in range(45)] for _ in range(n_pages)]


def _line() -> str:
    return " ".join(random.choices(WORDS, k=15))


async def _print_table(documents: dict[str, bytes | Path]) -> None:
    print(f"{'':32} {'pages':>6} {'chars':>10} {'warm ms':>9} {'ms/page':>8} {'alone ms':>9}")
    async with Extractor() as extractor:
        for name, document in documents.items():
            try:
                extracted = await extractor.extract(document)
            except UnreadableDocument as error:
                print(f"{name[:32]:32} {error.cause}: {error.reason}")
                continue
            warm = await _milliseconds(extractor.extract, document)
            alone = await _milliseconds(extract, document)
            n_pages = len(extracted.page_starts)
            per_page = f"{warm / n_pages:8.2f}" if n_pages else f"{'':8}"
            print(f"{name[:32]:32} {n_pages:6} {len(extracted.text):10} {warm:9.1f} {per_page} {alone:9.1f}")


async def _milliseconds(read: Callable[[bytes | Path], Awaitable[Extracted]], document: bytes | Path) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await read(document)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
