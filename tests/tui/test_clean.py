"""Untrusted text."""

import unicodedata

from hypothesis import given, strategies as st

from poly_tui.transcript.clean import clean, drawable


def test_an_escape_sequence_is_shown_not_obeyed() -> None:
    assert clean("a\x1b[31mb\x9b2J\x07\x7f") == "a␛[31mb\ufffd2J␇␡"


def test_newlines_and_tabs_stay_and_carriage_returns_go() -> None:
    assert clean("a\r\nb\tc") == "a\nb\tc"
    assert drawable("b\tc") == "b    c"


def test_bidi_overrides_and_half_surrogates_are_replaced() -> None:
    assert clean("user\u202egnp.exe \ud83d \u2066x\u2069") == "user\ufffdgnp.exe \ufffd \ufffdx\ufffd"


def test_line_and_paragraph_separators_are_newlines() -> None:
    assert clean("a\u2028b\u2029c") == "a\nb\nc"


def test_joined_emoji_are_drawn_side_by_side() -> None:
    assert drawable("👩\u200d👧 ⚠\ufe0f") == "👩👧 ⚠"


@given(st.text())
def test_nothing_a_terminal_obeys_is_left(text: str) -> None:
    categories = {unicodedata.category(character) for character in clean(text) if character not in "\n\t"}
    assert not categories & {"Cc", "Cs", "Zl", "Zp"}
    clean(text).encode()


@given(st.lists(st.text()))
def test_it_does_not_matter_where_a_text_is_cut(parts: list[str]) -> None:
    whole = clean("".join(parts))
    assert "".join(map(clean, parts)) == whole
    assert "".join(map(drawable, parts)) == drawable("".join(parts))
