"""Breaking lines into rows."""

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from poly_tui.transcript.clean import clean, drawable
from poly_tui.transcript.wrap import row_starts

LINES = st.text(st.sampled_from("ab  .-漢か🎉\u0301\u3099\u200bé❤") | st.characters(), max_size=60).map(
    lambda text: drawable(clean(text)).replace("\n", " ")
)
WIDTHS = st.integers(min_value=2, max_value=20)


def rows(line: str, width: int) -> list[str]:
    starts = row_starts(line, width)
    return [line[start:end] for start, end in zip(starts, [*starts[1:], len(line)], strict=True)]


@pytest.mark.parametrize(
    ("line", "wrapped"),
    [
        ("", [""]),
        ("one two three", ["one two ", "three"]),
        ("one two  three", ["one two  ", "three"]),
        ("abcdefghijk", ["abcdefgh", "ijk"]),
        ("ab abcdefghij", ["ab ", "abcdefgh", "ij"]),
        ("  abcdefghijk", ["  abcdef", "ghijk"]),
        ("漢字漢字漢字", ["漢字漢字", "漢字"]),
        ("abc 漢字漢字", ["abc 漢字", "漢字"]),
        ("cafe\u0301 cafe\u0301", ["cafe\u0301 ", "cafe\u0301"]),
        ("🎉🎉🎉🎉🎉", ["🎉🎉🎉🎉", "🎉"]),
    ],
)
def test_a_line_breaks_between_words_and_wide_characters_at_width_8(line: str, wrapped: list[str]) -> None:
    assert rows(line, 8) == wrapped


@given(LINES, WIDTHS)
def test_no_row_is_wider_than_it_may_be_but_for_spaces_at_its_end(line: str, width: int) -> None:
    assert all(cell_len(row.rstrip(" ")) <= width for row in rows(line, width))


@given(LINES, WIDTHS)
def test_the_rows_are_the_line(line: str, width: int) -> None:
    assert "".join(rows(line, width)) == line
    assert not line or all(rows(line, width))


@given(LINES, LINES, WIDTHS)
def test_more_text_changes_no_row_but_the_last(line: str, more: str, width: int) -> None:
    before = row_starts(line, width)
    assert row_starts(line + more, width)[: len(before)] == before


@given(LINES, WIDTHS)
def test_wrapping_from_the_beginning_of_a_row_on_gives_the_same_rows(line: str, width: int) -> None:
    starts = row_starts(line, width)
    for index, start in enumerate(starts):
        assert [start + offset for offset in row_starts(line[start:], width)] == starts[index:]
