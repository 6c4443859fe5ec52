"""The process that reads: it is warm, alone, limited, and ended when nobody waits any more."""

import asyncio
import os
import time
from pathlib import Path

import psutil
import pytest

from poly_engine.errors import EngineClosed, InvalidRequest, UnreadableDocument
from poly_engine.extract import Extractor, Limits, extract
from tests.extract.docx_files import docx_of, paragraph
from tests.extract.pdf_files import encrypted, lines, pdf_of, text_pdf

SLOW = pdf_of([b"BT /F1 12 Tf 72 720 Td " + b"(spam) Tj T* " * 20_000 + b" ET"] * 300).write()


async def test_a_document_is_read_from_bytes_and_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("# Notes\n\ntext")

    assert (await extract(path.read_bytes(), name="notes.md")) == (await extract(path))
    assert (await extract(path)).headings[0].title == "Notes"


async def test_one_process_reads_documents_of_all_types() -> None:
    documents = [text_pdf(["pdf"]), docx_of(paragraph("docx")), b"<html><p>html", b"plain"]

    async with Extractor() as extractor:
        texts = [(await extractor.extract(content)).text for content in documents]
        child = _child(extractor)
        assert (await extractor.extract(b"again")).text == "again"
        assert _child(extractor) == child

    assert texts == ["pdf", "docx", "html", "plain"]
    assert not _is_running(child)


async def test_an_error_in_a_document_keeps_the_process() -> None:
    async with Extractor() as extractor:
        with pytest.raises(UnreadableDocument, match=r"^a\.pdf cannot be read: not a PDF"):
            await extractor.extract(b"no", name="a.pdf")
        child = _child(extractor)
        assert (await extractor.extract(b"yes")).text == "yes"
        assert _child(extractor) == child


async def test_a_password_reaches_the_document() -> None:
    assert (await extract(encrypted(text_pdf(["secret"]), "key"), password="key")).text == "secret"


async def test_tasks_that_share_a_process_wait_for_each_other() -> None:
    async with Extractor() as extractor:
        results = await asyncio.gather(*(extractor.extract(b"text %d" % n) for n in range(20)))

    assert [result.text for result in results] == [f"text {n}" for n in range(20)]


async def test_a_text_of_megabytes_comes_through_whole() -> None:
    text = "Grüße, 你好 and 😀. " * 100_000

    assert (await extract(text.encode())).text == text


async def test_of_more_headings_than_there_may_be_the_first_are_kept() -> None:
    extracted = await extract(f"# {'😀' * 200}\n".encode() * 11_000, name="a.md")

    assert len(extracted.headings) == Limits().headings
    assert len(extracted.text) == 203 * 11_000


async def test_closing_in_the_middle_of_documents_is_told_to_who_waits_for_them() -> None:
    async with Extractor() as extractor:
        await extractor.extract(b"warm up")
        child = _child(extractor)
        reading = [asyncio.create_task(extractor.extract(content)) for content in (SLOW, b"next")]
        await asyncio.sleep(0)
        await extractor.close()
        for outcome in await asyncio.gather(*reading, return_exceptions=True):
            assert isinstance(outcome, EngineClosed)
        assert not _is_running(child)
        assert (await extractor.extract(b"later")).text == "later"


async def test_a_document_that_takes_too_long_is_given_up() -> None:
    began = time.monotonic()
    async with Extractor(Limits(wall_s=1)) as extractor:
        await extractor.extract(b"warm up")
        with pytest.raises(UnreadableDocument, match="takes longer than 1 s") as caught:
            await extractor.extract(SLOW)
        assert (await extractor.extract(b"next")).text == "next"

    assert caught.value.cause == "too_slow"
    assert time.monotonic() - began < 8


async def test_a_document_that_computes_too_long_is_given_up() -> None:
    with pytest.raises(UnreadableDocument, match="1 s of computing") as caught:
        await extract(SLOW, limits=Limits(cpu_s=1))

    assert caught.value.cause == "too_slow"


async def test_a_document_that_takes_too_much_memory_is_given_up() -> None:
    with pytest.raises(UnreadableDocument, match="more than 150 MB of memory") as caught:
        await extract(b"x" * (100 << 20), limits=Limits(memory_bytes=150 << 20, text_chars=1 << 30))

    assert caught.value.cause == "too_large"


async def test_a_file_over_its_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(3 << 20)

    with pytest.raises(UnreadableDocument, match=r"big\.txt cannot be read: it has 3 MB, and 2 may be read") as caught:
        await extract(path, limits=Limits(file_bytes=2 << 20))

    assert caught.value.cause == "too_large"


async def test_whoever_stops_waiting_ends_the_process() -> None:
    async with Extractor() as extractor:
        task = asyncio.create_task(extractor.extract(SLOW))
        while not _readers(extractor):  # noqa: ASYNC110 - nothing tells us what another process does
            await asyncio.sleep(0)
        leader, reader = _child(extractor), _readers(extractor)[0]

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert not _is_running(leader)
        while _is_running(reader):  # noqa: ASYNC110 - it was killed with it, but is nobody's child any more
            await asyncio.sleep(0)
        assert (await extractor.extract(b"next")).text == "next"


async def test_what_is_read_when_it_is_closed_ends_with_that() -> None:
    async with Extractor() as extractor:
        reading = [asyncio.create_task(extractor.extract(SLOW)) for _ in range(2)]
        while not _readers(extractor):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        await extractor.close()
        for task in reading:
            with pytest.raises(EngineClosed):
                await task
        assert (await extractor.extract(b"next")).text == "next"


async def test_a_process_that_was_killed_is_an_error_once() -> None:
    async with Extractor() as extractor:
        await extractor.extract(b"warm up")
        os.kill(_child(extractor), 9)
        with pytest.raises(UnreadableDocument) as caught:
            await extractor.extract(b"lost")
        assert (await extractor.extract(b"next")).text == "next"

    assert caught.value.cause == "damaged"


async def test_the_reader_knows_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")

    async with Extractor() as extractor:
        await extractor.extract(b"x")
        assert "OPENAI_API_KEY" not in psutil.Process(_child(extractor)).environ()


@pytest.mark.parametrize("name", ["missing.pdf", ""])
async def test_a_path_that_is_no_file_is_an_invalid_request(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match="no document can be read at"):
        await extract(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"  \n", pdf_of([lines("")]).write()])
async def test_nothing_is_an_error_and_never_an_empty_text(content: bytes) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        await extract(content)

    assert caught.value.cause == "no_text"


def _readers(extractor: Extractor) -> list[int]:
    """The processes that are reading a document."""
    children = psutil.Process(_child(extractor)).children() if extractor._child else []
    return [child.pid for child in children]


def _is_running(process_id: int) -> bool:
    return psutil.pid_exists(process_id) and psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE


def _child(extractor: Extractor) -> int:
    assert extractor._child is not None
    return extractor._child.pid
