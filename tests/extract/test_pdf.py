"""PDF: text, pages, outline, passwords, and what is said where there is no text."""

import pypdfium2 as pdfium  # type: ignore[import-untyped]  # it carries no types
import pytest

from poly_engine.errors import UnreadableDocument
from poly_engine.extract import Extracted, Heading, Limits
from poly_engine.extract.garbage import garbage_share
from poly_engine.extract.reading import read
from tests.extract.pdf_files import codes, composite_font, encrypted, lines, pdf_of, text_pdf, with_outline


def read_pdf(content: bytes, password: str | None = None, limits: Limits | None = None) -> Extracted:
    return read(content, "a.pdf", None, password, limits or Limits())


def test_pages_are_an_empty_line_apart_and_found_by_their_offsets() -> None:
    extracted = read_pdf(text_pdf(["One"], [], ["Three", "lines"]))

    assert extracted.text == "One\n\nThree\nlines"
    assert extracted.page_starts == (0, 3, 5)


def test_lines_that_are_further_apart_are_paragraphs() -> None:
    pages = text_pdf(["The first", "paragraph has", "three lines.", "", "The second", "has two."])

    assert read_pdf(pages).text == "The first\nparagraph has\nthree lines.\n\nThe second\nhas two."


def test_words_that_were_cut_at_the_end_of_a_line_are_whole() -> None:
    assert (
        read_pdf(text_pdf(["An exam-", "ple with a post-", "Soviet word"])).text == "An example with a post-Soviet word"
    )


def test_characters_beyond_latin_come_out_by_the_map_of_their_font() -> None:
    file = pdf_of([codes(1, 2, 3)])
    file.objects[3] = composite_font(file, {1: "漢", 2: "😀", 3: "ffi"})

    assert read_pdf(file.write()).text == "漢😀ffi"


def test_headings_come_from_the_outline_and_lie_where_their_titles_are() -> None:
    pages = text_pdf(["Preface", "Chapter  One", "text"], ["more", "Chapter Two"])
    content = with_outline(pages, [("chapter one", 1, 1), ("Not there", 2, 2), ("Chapter Two", 1, 2)], "The Book")

    extracted = read_pdf(content)

    assert extracted.title == "The Book"
    assert [(heading.level, heading.title) for heading in extracted.headings] == [
        (1, "chapter one"),
        (2, "Not there"),
        (1, "Chapter Two"),
    ]
    assert extracted.headings[0].start == extracted.text.index("Chapter  One" if "  " in extracted.text else "Chapter")
    assert extracted.headings[1] == Heading(extracted.page_starts[1], 2, "Not there")
    assert extracted.text[extracted.headings[2].start :] == "Chapter Two"


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_an_encrypted_file_opens_with_its_password_only(algorithm: str) -> None:
    content = encrypted(text_pdf(["secret"]), "key", algorithm)

    assert read_pdf(content, "key").text == "secret"
    for password in (None, "wrong"):
        with pytest.raises(UnreadableDocument, match="encrypted") as caught:
            read_pdf(content, password)
        assert caught.value.cause == "encrypted"


def test_one_that_only_its_owner_may_change_is_read() -> None:
    assert read_pdf(encrypted(text_pdf(["open"]), "")).text == "open"


def test_a_document_of_pictures_says_on_which_pages_there_is_no_text() -> None:
    with pytest.raises(UnreadableDocument, match=r"no text layer on pages 1-12: run a recognition") as caught:
        read_pdf(pdf_of([b"0 0 100 100 re f"] * 12).write())

    assert caught.value.cause == "no_text"


def test_a_font_that_does_not_say_what_its_characters_mean_is_no_text() -> None:
    file = pdf_of([codes(1, 4, 5, 6)])
    file.objects[3] = composite_font(file, None)

    with pytest.raises(UnreadableDocument, match="do not say what their characters mean") as caught:
        read_pdf(file.write())

    assert caught.value.cause == "no_text"


def test_a_page_that_cannot_be_read_does_not_spoil_the_others() -> None:
    file = pdf_of([codes(1, 4, 5, 6), lines("fine")])
    file.objects[3] = composite_font(file, None)
    helvetica = file.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    page = max(number for number, body in file.objects.items() if b"/Type /Page " in body)
    file.objects[page] = file.objects[page].replace(b"3 0 R", b"%d 0 R" % helvetica)

    extracted = read_pdf(file.write())

    assert extracted.text == "fine"
    assert extracted.page_starts == (0, 0)


def test_a_file_without_a_table_of_its_objects_is_still_read() -> None:
    whole = text_pdf(["still here"])

    assert read_pdf(whole[: whole.index(b"xref")]).text == "still here"


def test_one_with_too_many_pages_is_too_large() -> None:
    with pytest.raises(UnreadableDocument, match="it has 5 pages, and 4 may be read") as caught:
        read_pdf(text_pdf(*[["x"]] * 5), limits=Limits(pages=4))

    assert caught.value.cause == "too_large"


def test_one_with_too_much_text_is_too_large() -> None:
    with pytest.raises(UnreadableDocument, match="more than 10 characters") as caught:
        read_pdf(text_pdf(["twelve chars"]), limits=Limits(text_chars=10))

    assert caught.value.cause == "too_large"


def test_one_without_pages_is_damaged() -> None:
    with pytest.raises(UnreadableDocument, match="no page can be found in it") as caught:
        read_pdf(b"%PDF-1.7\nnothing here")

    assert caught.value.cause == "damaged"


def test_what_pdfium_cannot_open_is_read_by_pypdf() -> None:
    lost = text_pdf(["found", "again"]).replace(b"1 0 obj", b"1 7 obj").replace(b"/Root 1 0 R", b"/Root 9 0 R")

    with pytest.raises(pdfium.PdfiumError):
        pdfium.PdfDocument(lost)
    assert read_pdf(lost).text.split() == ["found", "again"]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("plain text, 漢字 and 😀", 0.0),
        ("hy\ufffephen\x02ated\r\n", 0.0),
        ("\x01\x02\x03\x04ab", 3 / 5),
        ("\ue000\uf8ff", 1.0),
        ("/g18/g152", 1.0),
        ("/gamma rays", 0.0),
        (" \n", 0.0),
    ],
)
def test_garbage_is_told_from_text(text: str, share: float) -> None:
    assert garbage_share(text) == pytest.approx(share)
