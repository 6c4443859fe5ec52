"""Blocks, and the stack of them."""

from collections.abc import Iterable

from hypothesis import given, strategies as st
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from poly_tui.transcript.block import Block
from poly_tui.transcript.look import Kind
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import INDENT
from poly_tui.transcript.stack import Place, Stack
from tests.tui.steps import LOOKS

TEXTS = st.text(st.sampled_from("ab  \n\t漢か🎉👩\u200d\ufe0f\u0301\u3099❤\x1b[1m\r") | st.characters(), max_size=12)
TOKENS = st.lists(
    st.tuples(TEXTS, st.booleans()).map(lambda token: Passage.of(token[0], is_forced=token[1])), max_size=20
)
WIDTHS = st.integers(min_value=8, max_value=40)


def strips(block: Block) -> list[Strip]:
    return [row.strip() for row in block.rows]


def answer(text: str = "", width: int = 20) -> Block:
    return Block(Kind.ANSWER, LOOKS[Kind.ANSWER], width, Passage(text))


def streamed(tokens: Iterable[Passage], width: int = 20) -> Block:
    block = answer(width=width)
    for token in tokens:
        block.append(token)
    return block


def forced_text(block: Block) -> list[str]:
    """What looks forced in each row."""
    forced = LOOKS[Kind.ANSWER].forced
    return ["".join(segment.text for segment in strip if segment.style == forced) for strip in strips(block)]


@given(TOKENS, WIDTHS)
def test_any_split_into_tokens_ends_in_the_same_strips_as_one_pass(tokens: list[Passage], width: int) -> None:
    assert strips(streamed(tokens, width)) == strips(streamed([Passage.join(tokens)], width))


@given(TOKENS, WIDTHS, WIDTHS)
def test_another_width_gives_the_same_strips_as_that_width_from_the_start(
    tokens: list[Passage], width: int, before: int
) -> None:
    block = streamed(tokens, before)
    block.lay_out(LOOKS[Kind.ANSWER], width)
    assert strips(block) == strips(streamed(tokens, width))


@given(TOKENS, WIDTHS)
def test_appending_changes_no_row_above_the_one_that_it_names(tokens: list[Passage], width: int) -> None:
    block = answer(width=width)
    for token in tokens:
        before = strips(block)
        first_changed = block.append(token)
        assert strips(block)[:first_changed] == before[:first_changed]


def test_appending_to_a_long_plain_text_wraps_only_its_last_row() -> None:
    block = Block(Kind.THINKING, LOOKS[Kind.THINKING], 20, Passage("word " * 10_000))
    before = block.rows[:-1]
    block.append(Passage("more"))
    assert list(block.rows[: len(before)]) == list(before)  # the very same rows: they compare by identity


@given(TOKENS, WIDTHS)
def test_what_was_forced_changes_the_look_of_the_rows_but_not_their_text(tokens: list[Passage], width: int) -> None:
    plain = Block(Kind.NOTICE, LOOKS[Kind.NOTICE], width, Passage("".join(token.text for token in tokens)))
    tokens = [*tokens, Passage.of("\x00", is_forced=True)]
    plain.append(Passage("\x00"))
    assert [row.text for row in streamed(tokens, width).rows] == [row.text for row in plain.rows]
    assert streamed(tokens, width).text == plain.text


def test_forced_text_is_marked_whatever_becomes_of_it_and_wherever_it_is_wrapped() -> None:
    forced = Passage.of('\t\x1b{"name\u200d": ', is_forced=True)
    block = streamed([Passage("\n ok "), forced, Passage('"Ann"'), Passage.of("}\n", is_forced=True)], 60)
    assert (block.rows[0].text, forced_text(block)) == (' ok     ␛{"name": "Ann"}', ['    ␛{"name": }'])
    block.lay_out(LOOKS[Kind.ANSWER], INDENT + 12)
    assert [row.text for row in block.rows] == [" ok     ", '␛{"name": ', '"Ann"}']
    assert forced_text(block) == ["    ", '␛{"name": ', "}"]


def test_white_space_around_an_answer_takes_no_rows() -> None:
    block = answer("\n\nhello\n\n")
    assert [row.text for row in block.rows] == ["hello"]
    block.append(Passage("you"))
    assert [row.text for row in block.rows] == ["hello", "", "you"]


def test_what_looks_like_markup_stays_as_it_is() -> None:
    assert [row.text for row in answer("[red]x[/red] [b", 40).rows] == ["[red]x[/red] [b"]


def stack_of(*texts: str, width: int = 20) -> Stack:
    stack = Stack(LOOKS, width)
    for text in texts:
        stack.add(Kind.ANSWER, Passage(text))
    stack.settle(0, stack.n_rows)
    return stack


def test_a_gap_stands_between_blocks_but_not_before_a_mark() -> None:
    stack = stack_of("one", "two")
    stack.add(Kind.MARK, Passage("stopped"))
    stack.settle(0, stack.n_rows)
    assert [stack.row(y).text for y in range(stack.n_rows)] == ["one", "", "two", "stopped"]


def test_a_selection_is_copied_without_margins_and_soft_breaks() -> None:
    stack = stack_of("one two three four five six seven\nnew line", "end")
    everything = Selection(None, None)
    assert stack.text(everything) == "one two three four five six seven\nnew line\n\nend"
    some = Selection(Offset(INDENT + 4, 0), Offset(INDENT + 4, 1))
    assert stack.text(some) == "two three four"


def test_a_place_in_the_text_is_found_again_at_another_width() -> None:
    stack = stack_of("a" * 50, "b" * 50, width=INDENT + 10)
    place = stack.place(8)
    assert place == Place(1, 20)
    stack.lay_out(LOOKS, INDENT + 25)
    assert stack.row_of(place) == 3


def test_a_divider_fills_its_row() -> None:
    block = Block(Kind.DIVIDER, LOOKS[Kind.DIVIDER], 20, Passage("legal\nmodel"))
    assert [strip.text for strip in strips(block)] == [" ─ legal model ─────"]
