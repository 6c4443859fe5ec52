"""Answers as markdown: how each construct looks, and that it does not matter in which tokens a text came."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st
from rich.style import Style
from textual.strip import Strip

from poly_tui.transcript.document import Document
from poly_tui.transcript.ink import Ink
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.markdown_rows import MarkdownRows
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import INDENT

INKS = {ink: Style(color=f"color({number + 16})") for number, ink in enumerate(Ink)}
LOOK = Look(Style(), Style(dim=True), Style(italic=True), INKS)

BEGINNINGS = [
    "",
    "  ",
    "    ",
    "- ",
    "  - ",
    "   - ",
    "1. ",
    "10) ",
    "> ",
    "> - ",
    "- > ",
    "- - ",
    "# ",
    "### ",
    "\t",
    "-\t",
]
ENDS = ["\n", "\n", "\n", "\n\n", "\n\n\n", "  \n", ""]
MIDDLES = [
    *("word", "a longer run of words", "**bold** and *it*", "`code`", "**open", "[1]", "[2, 3] x", "[a](http://x.y)"),
    *("```python", "```", "~~~", "def f(x):", '    """doc', 'string"""', "/* c", "*/", "x = 'y'  # z", "{'a': 1}"),
    *("| a | b |", "|---|--:|", "| 1 | 漢字 |", "| x", "---", "===", "***", "&#27;[1m", "<b>", "漢字かな", "e\u0301🎉"),
    *("[x]: http://y", "longlonglonglonglonglonglonglonglonglonglong", "\x1b[0m", "* * *", "+", "2.", "\\", "a  \nb"),
]
LINES = st.tuples(st.sampled_from(BEGINNINGS), st.sampled_from(MIDDLES), st.sampled_from(ENDS)).map("".join)
TEXTS = st.lists(LINES, max_size=14).map("".join)
CUTS = st.lists(st.integers(min_value=0, max_value=300), max_size=30)
WIDTHS = st.integers(min_value=INDENT + 2, max_value=60)
LIMITS = st.sampled_from([8, 30, 1500])


def rows_of(text: str, width: int = 60, max_open: int = 1500) -> MarkdownRows:
    return streamed([text], width, max_open)


def streamed(tokens: Iterable[str], width: int = 60, max_open: int = 1500) -> MarkdownRows:
    rows = MarkdownRows(Document(max_open), Kind.ANSWER, LOOK, width)
    for token in tokens:
        rows.append(Passage(token))
    return rows


def split_at(text: str, cuts: Iterable[int]) -> list[str]:
    offsets = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    return [text[start:end] for start, end in pairwise(offsets)]


def strips(rows: MarkdownRows) -> list[Strip]:
    return [row.strip() for row in rows.rows]


def shown(text: str, width: int = 60) -> list[str]:
    return [row.text for row in rows_of(text, width).rows]


def runs(text: str) -> list[tuple[str, Style]]:
    """The stretches of the rows, but for their margins."""
    return [(seg.text, seg.style or Style()) for strip in strips(rows_of(text)) for seg in list(strip)[1:]]


def ink_of(text: str, part: str) -> Ink:
    style = next(style for run, style in runs(text) if part in run)
    return next(ink for ink in Ink if INKS[ink].color == style.color)


@given(TEXTS, CUTS, WIDTHS, LIMITS)
def test_any_split_into_tokens_ends_in_the_same_strips_as_one_pass(
    text: str, cuts: list[int], width: int, max_open: int
) -> None:
    tokens = split_at(text, cuts)
    assert strips(streamed(tokens, width, max_open)) == strips(rows_of(text, width, max_open))


@given(TEXTS, LIMITS)
def test_single_characters_end_in_the_same_strips_as_one_pass(text: str, max_open: int) -> None:
    assert strips(streamed(text, 40, max_open)) == strips(rows_of(text, 40, max_open))


@given(TEXTS, CUTS, WIDTHS, WIDTHS, LIMITS)
def test_laying_out_anew_gives_the_same_strips_as_that_width_from_the_start(
    text: str, cuts: list[int], width: int, before: int, max_open: int
) -> None:
    document = Document(max_open)
    rows = MarkdownRows(document, Kind.ANSWER, LOOK, before)
    for token in split_at(text, cuts):
        rows.append(Passage(token))
    assert strips(MarkdownRows(document, Kind.ANSWER, LOOK, width)) == strips(rows_of(text, width, max_open))


@given(TEXTS, CUTS, WIDTHS, LIMITS)
def test_appending_changes_no_row_above_the_one_that_it_names(
    text: str, cuts: list[int], width: int, max_open: int
) -> None:
    rows = streamed([], width, max_open)
    for token in split_at(text, cuts):
        before = strips(rows)
        first_changed = rows.append(Passage(token))
        assert strips(rows)[:first_changed] == before[:first_changed]


@given(TEXTS, WIDTHS, LIMITS)
def test_no_row_is_wider_than_there_is_room_and_none_holds_a_control_code(text: str, width: int, max_open: int) -> None:
    for strip in strips(rows_of(text.replace("\x1b", "␛"), width, max_open)):
        assert len(strip.text.rstrip()) == 0 or strip.crop(0, width).text.rstrip() == strip.text.rstrip()
        assert all(character.isprintable() for character in strip.text)


SHAPES: dict[str, Callable[[int], str]] = {
    "paragraph": lambda n: f"some **words** number {n} ",
    "lines of a paragraph": lambda n: f"line {n}\n",
    "fence": lambda n: f"    call({n}, 'text')\n" if n else "```python\n",
    "fence without line ends": lambda n: f"data {n}, " if n else "```json\n",
    "fence in a list": lambda n: f"  call({n}, 'text')\n" if n else "- ```python\n",
    "fence of an unknown language": lambda n: f"call {n}\n" if n else "~~~x-unknown\n",
    "list": lambda n: f"{n + 1}. item {n}\n",
    "nested list": lambda n: f"  - item {n}\n" if n else "- top\n",
    "loose list": lambda n: f"- item {n}\n\n",
    "quote": lambda n: f"> line {n}\n>\n",
    "table": lambda n: f"| {n} | text |\n" if n else "| a | b |\n|---|---|\n",
    "indented code": lambda n: f"    line {n}\n",
    "paragraphs": lambda n: f"paragraph {n}\n\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_open_end_does_not_grow_with_the_text(shape: str) -> None:
    document = Document()
    longest = 0
    for n in range(2000):
        document.feed(SHAPES[shape](n))
        longest = max(longest, len("\n".join([*document._lines, document._line])))
    assert longest < 4000


def test_rows_of_a_table_are_laid_out_again_only_when_it_doubles() -> None:
    rows = streamed(["| a | b |\n|---|---|\n"])
    changed = [rows.append(Passage(f"| {n} | {'x' * min(n, 40)} |\n")) for n in range(1, 130)]
    assert [n for n, row in enumerate(changed[10:], 11) if row < 5] == [17, 33, 65, 129]


def test_headings_stand_out_and_have_no_signs() -> None:
    assert shown("# One\n## Two\ntext") == ["One", "", "Two", "text"]
    assert ink_of("## Two", "Two") is Ink.HEADING
    assert next(style for text, style in runs("# One") if text == "One").underline


def test_emphasis_becomes_a_style() -> None:
    styles = dict(runs("**bold** *it* ~~no~~ ***both***"))
    assert styles["bold"].bold
    assert styles["it"].italic
    assert styles["no"].strike
    assert styles["both"].bold
    assert styles["both"].italic


def test_inline_code_and_links_have_inks_of_their_own() -> None:
    assert ink_of("a `b c` d", "b c") is Ink.CODE
    assert ink_of("a [name](https://x.y/z) d", "name") is Ink.LINK
    assert next(style for text, style in runs("[name](https://x.y/z)") if text == "name").link == "https://x.y/z"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"])
def test_only_addresses_of_the_web_and_mail_can_be_opened(address: str) -> None:
    assert all(style.link is None for _, style in runs(f"[name]({address})"))


def test_citations_carry_their_numbers() -> None:
    cited = {
        text: style.meta["citation"]
        for text, style in runs("so [1], and [2, 13] but `[3]`")
        if "citation" in style.meta
    }
    assert cited == {"[1]": 1, "[2": 2, ", 13]": 13}


def test_lists_are_indented_and_wrapped_behind_their_markers() -> None:
    text = "1. one two three four\n2. five\n   - six\n   - seven\n\n10. ten"
    assert shown(text, INDENT + 14) == [
        "1. one two ",
        "   three four",
        "2. five",
        "   • six",
        "   • seven",
        "",
        "10. ten",
    ]


def test_a_quote_begins_every_row_with_its_sign() -> None:
    assert shown("> one two three four\n> - five", INDENT + 12) == ["> one two ", "> three four", "> • five"]


def test_a_table_has_columns_and_no_lines() -> None:
    text = "| name | n |\n|:--|--:|\n| a | 1 |\n| long name | 12 |\n"
    assert shown(text) == ["name        n", "a           1", "long name  12"]


def test_cells_are_wrapped_where_a_table_is_too_wide() -> None:
    text = "| a | b |\n|---|---|\n| x | one two three four five |\n"
    assert shown(text, INDENT + 16) == ["a  b            ", "x  one two three", "   four five"]


def test_a_table_with_more_columns_than_there_is_room_for_becomes_a_list() -> None:
    text = "| a | b | c |\n|---|---|---|\n| one two | three four | five six |\n"
    assert shown(text, INDENT + 14) == ["• a: one two", "  b: three ", "  four", "  c: five six"]


def test_code_is_coloured_and_keeps_its_spaces() -> None:
    text = "```python\ndef f(x):\n    return 'a'  # why\n```"
    assert shown(text) == ["def f(x):", "    return 'a'  # why"]
    assert ink_of(text, "def") is Ink.KEYWORD
    assert ink_of(text, "'a'") is Ink.STRING
    assert ink_of(text, "# why") is Ink.COMMENT


LANGUAGES = {
    "python": 'class A:\n    """Doc.\n\n    More.\n    """\n\n    def f(self):\n        return f"{self!r}" + \'x\'\n',
    "c": "/* a comment\n   that goes on */\nint main(void) { return 'a'; }\n",
    "javascript": "const x = `a\n${b} c`; // why\nfunction f() { return /re/g }\n",
    "html": "<!-- a\n b -->\n<p class='x'>y <br>\n</p>\n",
    "bash": "for f in *.txt; do\n  echo \"$f\" | sed 's/a/b/'\ndone\n",
    "json": '{"a": [1, 2.5, true, null],\n "b": "c"}\n',
    "yaml": "a:\n  - b: 1\n  - c: |\n      text\n",
    "toml": '[a]\nb = "c"\n',
    "sql": "SELECT a, 'b' FROM t -- why\nWHERE c > 1;\n",
    "rust": 'fn main() { let x: &str = r#"a"#; /* b\n c */ }\n',
    "diff": "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n",
    "ruby": "x = <<~E\n  a\nE\nputs :y\n",
    "php": "<?php\nfunction f($x) { return 'a'; }\n",
    "console": "$ ls -l\ntotal 0\n",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_code_that_is_coloured_line_by_line_looks_as_if_it_were_one_piece(language: str) -> None:
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

    from poly_tui.transcript.code import _lines

    code = LANGUAGES[language] * 8
    tokens = [(kind, text) for _, kind, text in get_lexer_by_name(language).get_tokens_unprocessed(code)]
    whole = list(_lines(tokens))[:-1]
    rows = streamed(f"```{language}\n{code}```", 200)
    inked = [row.inked for row in rows.rows]  # type: ignore[attr-defined]
    differing = [
        n for n, (one, other) in enumerate(zip(inked, whole, strict=True)) if list(one.runs()) != list(other.runs())
    ]
    assert not differing


def test_html_is_text() -> None:
    assert shown("<script>alert(1)</script> <b>x</b>") == ["<script>alert(1)</script> <b>x</b>"]


def test_an_entity_cannot_smuggle_a_control_code_in() -> None:
    assert shown("a &#27;[31m b &#x9b; c &#x202e; d") == ["a \ufffd[31m b \ufffd c \ufffd d"]


def test_lines_of_a_paragraph_stay_lines() -> None:
    assert shown("roses are red\nviolets are blue") == ["roses are red", "violets are blue"]
