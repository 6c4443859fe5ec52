"""Tokens in rows, and what is told of one of them."""

from math import log

from hypothesis import given, strategies as st
from rich.cells import cell_len

from poly_engine.types import Alternative, Logprobs, Token
from poly_tui.inspector.token_page import describe_token
from poly_tui.inspector.token_rows import Likelihood, TokenCell, TokenRows, likelihood, probability, rank
from tests.tui.inspector.steps import told


def texts(rows: TokenRows) -> list[str]:
    return ["".join(rows.cells[n].text + rows.cells[n].mark for n in rows.row(y)) for y in range(len(rows))]


def test_tokens_are_wrapped_between_them_and_after_a_newline() -> None:
    rows = TokenRows(12)
    rows.extend([Token(text, 1) for text in ("One", " two", " three", ".\n", "Four")])
    assert texts(rows) == ["One│ two│", " three│.⏎│", "Four│"]


def test_the_mark_behind_a_token_says_how_likely_it_was() -> None:
    cells = [
        TokenCell.of(token)
        for token in (
            told("a", log(0.99)),
            told("b", log(0.5)),
            told("c", log(0.02)),
            told("d", None, is_forced=True),
            Token("e", 1),
        )
    ]
    assert [cell.mark for cell in cells] == ["▁", "▅", "█", "=", "│"]
    assert [cell.likelihood for cell in cells] == [
        Likelihood.LIKELY,
        Likelihood.FAIR,
        Likelihood.UNLIKELY,
        Likelihood.FORCED,
        Likelihood.UNKNOWN,
    ]


def test_a_token_that_holds_back_bytes_is_spelled_by_them_if_they_are_known() -> None:
    assert TokenCell.of(Token("", 1)).text == "·"
    assert TokenCell.of(Token("", 1, logprobs=Logprobs((0xE6, 0xBC), -0.5))).text == "\ufffd"


def test_nothing_that_a_token_spells_reaches_the_terminal_as_a_command() -> None:
    assert TokenCell.of(Token("\x1b[2J\r\u202e", 1)).text == "␛[2J\ufffd"


def test_rank_and_probability_are_those_among_the_alternatives() -> None:
    others = (Alternative(7, "x", (120,), log(0.6)), Alternative(1, "y", (121,), log(0.3)))
    token = Token("y", 1, logprobs=Logprobs((121,), log(0.3), others))
    assert (rank(token), round(probability(token) or 0, 3), likelihood(token)) == (2, 0.3, Likelihood.FAIR)
    rows = [row.plain.rstrip() for row in describe_token(token, 11)]
    assert rows[:2] == ['#12 "y"  id 1', "p 0.300  rank 2"]
    assert rows[2] == '  "x"            0.600 ████▊'
    assert rows[3].startswith('▸ "y"')


def test_a_token_below_the_alternatives_says_so_and_a_forced_one_that_it_had_to_be() -> None:
    others = (Alternative(7, "x", (120,), log(0.9)),)
    below = [row.plain for row in describe_token(Token("y", 1, logprobs=Logprobs((121,), log(0.01), others)), 0)]
    assert "rank below 1" in below[1]
    forced = [row.plain for row in describe_token(Token("{", 1, is_forced=True), 0)]
    assert forced[1] == "forced: the schema left no other"


@given(st.lists(st.text(max_size=12), max_size=40), st.integers(4, 30), st.integers(0, 40))
def test_appending_gives_the_same_rows_as_laying_out_at_once_and_none_is_too_wide(
    pieces: list[str], width: int, cut: int
) -> None:
    tokens = [Token(piece, 1) for piece in pieces]
    at_once, bit_by_bit = TokenRows(width), TokenRows(width)
    at_once.extend(tokens)
    bit_by_bit.extend(tokens[:cut])
    bit_by_bit.extend(tokens[cut:])
    assert texts(at_once) == texts(bit_by_bit)
    assert [n for y in range(len(at_once)) for n in at_once.row(y)] == list(range(len(tokens)))
    assert all(cell_len(text) <= width for text in texts(at_once))
    assert all(number in at_once.row(at_once.row_of(number)) for number in range(len(tokens)))
