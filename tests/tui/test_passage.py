"""Text of which some was forced."""

from hypothesis import given, strategies as st

from poly_tui.transcript.passage import Passage

Cells = list[tuple[str, bool]]

CELLS = st.lists(st.tuples(st.sampled_from("ab \n漢"), st.booleans()), max_size=20)
OFFSETS = st.integers(min_value=0, max_value=20)


def passage(cells: Cells) -> Passage:
    """One run for every character."""
    return Passage.join(Passage.of(character, is_forced=is_forced) for character, is_forced in cells)


def cells(passage: Passage) -> Cells:
    """The characters, and whether each was forced."""
    return [(character, is_forced) for text, is_forced in passage.runs() for character in text]


@given(CELLS)
def test_every_character_keeps_whether_it_was_forced(written: Cells) -> None:
    assert cells(passage(written)) == written
    assert passage(written).text == "".join(character for character, _ in written)


@given(CELLS, CELLS)
def test_it_does_not_matter_of_which_parts_a_passage_was_made(one: Cells, other: Cells) -> None:
    assert passage(one) + passage(other) == passage(one + other)


@given(CELLS, OFFSETS, OFFSETS)
def test_a_slice_is_that_of_the_characters(written: Cells, start: int, end: int) -> None:
    assert passage(written)[start:end] == passage(written[start:end])


@given(CELLS)
def test_lines_and_their_newlines_are_the_passage(written: Cells) -> None:
    lines = list(passage(written).lines())
    assert [line.text for line in lines] == passage(written).text.split("\n")
    assert [cell for line in lines for cell in cells(line)] == [cell for cell in written if cell[0] != "\n"]


@given(CELLS)
def test_stripping_is_that_of_the_text(written: Cells) -> None:
    assert passage(written).rstrip().text == passage(written).text.rstrip()
    assert passage(written).lstrip("\n").text == passage(written).text.lstrip("\n")


@given(CELLS)
def test_changed_text_is_forced_where_the_text_was(written: Cells) -> None:
    changed = passage(written).map(lambda text: text.replace("a", "").replace("b", "漢漢"))
    new = {"a": "", "b": "漢漢"}
    assert changed == passage([(character, is_forced) for old, is_forced in written for character in new.get(old, old)])
