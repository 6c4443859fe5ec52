"""Texts in parts come back as they were."""

from __future__ import annotations

from hypothesis import given, strategies as st

from poly_engine.memory.file.texts import joined, rest

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple), max_size=6)


@given(st.text(max_size=30), SPANS)
def test_a_text_is_its_chunks_and_its_rest_however_they_lie(text: str, spans: list[tuple[int, int]]) -> None:
    spans = [(start, min(end, len(text))) for start, end in spans if start <= len(text)]
    chunks = [(start, text[start:end]) for start, end in spans]
    assert joined(rest(text, spans), chunks) == text


def test_what_is_in_a_chunk_is_not_in_the_rest() -> None:
    assert rest("one, two, three", [(0, 3), (5, 8), (7, 9)]) == ", " + " three"
