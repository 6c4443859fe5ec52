"""HTML: blocks, lists, tables and headings come out; scripts and hidden text do not."""

import pytest

from poly_engine.errors import UnreadableDocument
from poly_engine.extract import Extracted, Heading, Limits
from poly_engine.extract.reading import read


def read_html(source: str | bytes) -> Extracted:
    content = source.encode() if isinstance(source, str) else source
    return read(content, "a.html", None, None, Limits())


def test_blocks_are_apart_and_blanks_are_collapsed() -> None:
    source = "<div>one\n  <b>bold</b></div>loose<p>two<br>lines</p>"

    assert read_html(source).text == "one bold\n\nloose\n\ntwo\nlines"


def test_items_of_a_list_are_lines() -> None:
    assert read_html("<ul><li>a<li>b<ul><li>c</ul></ul><p>after</p>").text == "a\nb\nc\n\nafter"


def test_a_table_is_rows_of_cells() -> None:
    source = "<p>x</p><table><tr><th>A<th>B</tr><tr><td><p>1</p><p>2</p><td>3</table>y"

    assert read_html(source).text == "x\n\nA\tB\n1 2\t3\n\ny"


def test_a_table_that_lays_out_the_page_is_read_block_by_block() -> None:
    source = "<table><tr><td><h2>Head</h2><p>text</p><td><table><tr><td>a<td>b</table></table>"

    extracted = read_html(source)

    assert extracted.text == "Head\n\ntext\n\na\tb"
    assert extracted.headings == (Heading(0, 2, "Head"),)


def test_what_no_reader_sees_is_left_out() -> None:
    source = (
        "<head><title>T</title><style>s</style></head><body><script>s</script><noscript>n</noscript><template>t</template>"
        "<p hidden>h</p><p style='display: none'>d</p><!-- c -->seen</body>"
    )

    extracted = read_html(source)

    assert extracted.text == "seen"
    assert extracted.title == "T"


def test_preformatted_text_is_kept() -> None:
    assert read_html("<p>a</p><pre>  x\n\ty  z\n</pre>").text == "a\n\n  x\n\ty  z"


def test_headings_are_found_with_their_levels() -> None:
    extracted = read_html("<h1>The <i>first</i></h1><p>x</p><h3>Third</h3>")

    assert [(heading.level, heading.title) for heading in extracted.headings] == [(1, "The first"), (3, "Third")]
    assert extracted.text[extracted.headings[1].start :] == "Third"
    assert extracted.title == "The first"


@pytest.mark.parametrize(
    "source",
    [
        "<meta charset='windows-1251'><p>Привет</p>".encode("cp1251"),
        "<meta http-equiv=Content-Type content='text/html; charset=koi8-r'><p>Привет</p>".encode("koi8-r"),
        "<?xml version='1.0' encoding='cp1251'?><html><p>Привет</p></html>".encode("cp1251"),
        "<p>Привет</p>".encode("utf-16"),
        "<meta charset='no-such'><p>Привет</p>".encode(),
    ],
)
def test_the_encoding_is_what_the_document_says(source: bytes) -> None:
    assert read_html(source).text == "Привет"


def test_deep_nesting_loses_nothing() -> None:
    assert read_html("<div>" * 1500 + "deep").text == "deep"


def test_nesting_without_end_is_too_large() -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_html("<div>" * 100_000 + "deep")

    assert caught.value.cause == "too_large"


@pytest.mark.parametrize("source", ["<script>only</script>", "<!-- only -->", "<html></html>"])
def test_a_page_without_text_is_an_error(source: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_html(source)

    assert caught.value.cause == "no_text"
