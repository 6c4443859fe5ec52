"""Plain text in any encoding, and Markdown with its headings."""

import codecs

import pytest

from poly_engine.errors import UnreadableDocument
from poly_engine.extract import Extracted, Limits
from poly_engine.extract.reading import read


def read_text(content: bytes, name: str = "a.txt", limits: Limits | None = None) -> Extracted:
    return read(content, name, None, None, limits or Limits())


def headings_of(source: str) -> list[tuple[int, str]]:
    extracted = read_text(source.encode(), "a.md")
    assert extracted.text == source
    return [(heading.level, heading.title) for heading in extracted.headings]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", b""),
        ("utf-32-be", b""),
    ],
)
def test_every_form_of_unicode_is_read(encoding: str, mark: bytes) -> None:
    text = "Grüße, 你好 and 😀.\nA second line.\n"

    assert read_text(mark + text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Café crème à la carte, naïve façade"),
        ("cp1252", "Die Prüfung der Größe ist möglich, aber schwierig für uns. Straße und Übermut."),
        ("cp1251", "Привет, как дела? Это небольшой текст на русском языке."),
        ("shift_jis", "これは日本語のテキストです。漢字とかなが混ざっています。"),
        ("gb18030", "这是一个中文文本文件。它用来测试编码检测。"),
        ("big5", "這是一個中文文本文件。它用來測試編碼檢測。"),
        ("euc_kr", "이것은 한국어 텍스트 파일입니다. 인코딩 감지를 테스트합니다."),
    ],
)
def test_older_encodings_are_recognised(encoding: str, text: str) -> None:
    assert read_text(text.encode(encoding)).text == text


def test_chinese_as_utf_16_without_a_mark_is_read() -> None:
    text = "这是一个中文文本文件。它用来测试编码检测。\n第二行。\n" * 3

    assert read_text(text.encode("utf-16-le")).text == text


def test_line_ends_are_made_alike_and_zeros_go() -> None:
    assert read_text(b"\xef\xbb\xbfa\r\nb\rc\0d").text == "a\nb\ncd"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"text\0\1\2more", "not text: byte 4 is zero"),
        (bytes(range(1, 32)) * 20, "not text: it has"),
        (bytes(range(128, 256)) * 20, "not text"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(UnreadableDocument, match=complaint) as caught:
        read_text(content)

    assert caught.value.cause == "unsupported_type"


@pytest.mark.parametrize("content", [b" \n\t\n", "\ufeff \n".encode(), "  ".encode("utf-16")])
def test_blank_text_is_an_error(content: bytes) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_text(content)

    assert caught.value.cause == "no_text"


def test_text_over_its_limit_is_too_large() -> None:
    with pytest.raises(UnreadableDocument, match="more than 5 characters") as caught:
        read_text(b"123456", limits=Limits(text_chars=5))

    assert caught.value.cause == "too_large"


def test_headings_of_markdown_are_found_in_both_forms() -> None:
    source = "# One #\ntext\n\nTwo\n===\n\nThree\nlines\n---\n\n###### Six\n#not one\n"

    assert headings_of(source) == [(1, "One"), (1, "Two"), (2, "Three lines"), (6, "Six")]


def test_headings_begin_where_they_stand() -> None:
    extracted = read_text("é\n\n## Zwei\n\nDrei\n---\n".encode(), "a.md")

    assert [extracted.text[heading.start :][:4] for heading in extracted.headings] == ["## Z", "Drei"]


def test_what_is_in_fences_or_indented_is_no_heading() -> None:
    source = "```sh\n# no\n~~~\n# no\n```\n\n    # no\n\n~~~~\n# no\n~~~\n# no\n~~~~~\n# yes\n"

    assert headings_of(source) == [(1, "yes")]


def test_rules_lists_and_tables_are_no_headings() -> None:
    assert headings_of("- item\n---\n\ntext\n\n---\n\n> quote\n---\n\n* * *\n") == []


def test_the_title_of_front_matter_is_the_title() -> None:
    extracted = read_text(b"---\ntitle: 'Mine: a title'\nx: y\n---\n# Other\n", "a.md")

    assert extracted.title == "Mine: a title"
    assert [heading.title for heading in extracted.headings] == ["Other"]


def test_plain_text_has_no_headings() -> None:
    extracted = read_text(b"# not a heading\n")

    assert extracted.headings == ()
    assert extracted.title == ""
