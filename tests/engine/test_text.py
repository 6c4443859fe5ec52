"""Text that may be shown: whole characters, no part of a stop sequence, nothing private."""

from hypothesis import given, strategies as st

from poly_engine.text.private import Redactor
from poly_engine.text.stops import StopMatcher
from poly_engine.text.stream import TextStream

LETTERS = st.text("abc", max_size=30)
STOPS = st.lists(st.text("abc", min_size=1, max_size=4), max_size=3)


def split(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts})
    return [text[i:j] for i, j in zip([0, *places], [*places, len(text)], strict=True)]


def first_to_complete(text: str, stops: list[str]) -> int | None:
    """Where the stop sequence begins that is complete first when `text` is read a character at a time."""
    for end in range(len(text) + 1):
        begins = [end - len(stop) for stop in stops if text[:end].endswith(stop)]
        if begins:
            return min(begins)
    return None


@given(LETTERS, STOPS, st.lists(st.integers(0, 30), max_size=8))
def test_what_passes_is_all_text_before_the_first_stop_however_it_is_cut(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    matcher = StopMatcher(stops)
    shown = "".join(matcher.feed(piece) for piece in split(text, cuts)) + matcher.flush()
    expected = first_to_complete(text, stops)
    assert matcher.stopped_at == expected
    assert shown == (text if expected is None else text[:expected])


@given(LETTERS, STOPS, st.lists(st.integers(0, 30), max_size=8))
def test_no_part_of_a_stop_sequence_is_shown_before_it_is_complete(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    matcher = StopMatcher(stops)
    shown = ""
    for piece in split(text, cuts):
        shown += matcher.feed(piece)
        stop = first_to_complete(text, stops)
        assert stop is None or len(shown) <= stop


def test_text_held_back_comes_out_when_it_turns_out_not_to_be_a_stop() -> None:
    matcher = StopMatcher(["\nUser:"])
    assert [matcher.feed(piece) for piece in ("one\n", "Us", "ually")] == ["one", "", "\nUsually"]


@given(LETTERS, STOPS, st.lists(st.integers(0, 30), max_size=8))
def test_no_private_text_is_ever_shown(text: str, private: list[str], cuts: list[int]) -> None:
    redactor = Redactor(private)
    shown = "".join(redactor.feed(piece) for piece in split(text, cuts)) + redactor.flush()
    assert not any(secret in shown for secret in private)


def test_text_around_a_private_text_is_kept() -> None:
    redactor = Redactor(["<secret>"])
    assert redactor.feed("a <sec") + redactor.feed("ret> b <se") + redactor.flush() == "a  b <se"


def test_a_character_is_shown_when_its_last_byte_has_come() -> None:
    stream = TextStream()
    assert [stream.push(bytes([byte])) for byte in "é€".encode()] == ["", "é", "", "", "€"]


def test_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    stream = TextStream()
    assert stream.push(b"a\xff") + stream.push(b"\xe2\x82") + stream.finish() == "a\ufffd\ufffd"


def test_the_tokens_before_a_stop_are_kept_and_the_part_of_the_one_that_straddles_it() -> None:
    stream = TextStream(stops=["STOP"])
    shown = "".join(stream.push(piece) for piece in (b"one", b" two S", b"TOP three"))
    assert shown + stream.finish() == "one two "
    assert stream.kept() == (1, " two ")


def test_a_token_that_ends_within_a_character_of_the_stop_is_not_kept() -> None:
    stream = TextStream(stops=["é"])
    for piece in (b"a", b"b\xc3", b"\xa9"):
        stream.push(piece)
    assert stream.kept() == (1, "b")


@given(st.text(max_size=40), st.lists(st.integers(0, 120), max_size=10))
def test_any_cut_of_the_bytes_gives_the_same_text(text: str, cuts: list[int]) -> None:
    raw = text.encode("utf-8", "replace")
    places = sorted({min(cut, len(raw)) for cut in cuts})
    stream = TextStream()
    pieces = [raw[i:j] for i, j in zip([0, *places], [*places, len(raw)], strict=True)]
    assert "".join(map(stream.push, pieces)) + stream.finish() == raw.decode()
    assert stream.kept() == (len(pieces), "")


@given(LETTERS, st.text("abc ", min_size=1, max_size=4), STOPS, st.lists(st.integers(0, 30), max_size=8))
def test_an_opening_counts_only_at_the_beginning(text: str, spaced: str, stops: list[str], cuts: list[int]) -> None:
    opening = spaced.strip() or "a"
    for whole in (text, f"  {text}"):
        matcher = StopMatcher(stops, [opening, "never this"])
        shown = "".join(matcher.feed(piece) for piece in split(whole, cuts)) + matcher.flush()
        opens = whole.lstrip().startswith(opening)
        ends = len(whole) - len(whole.lstrip()) + len(opening)
        first = first_to_complete(whole[: ends - 1] if opens else whole, stops)
        if opens and first is None:
            assert matcher.found in (opening, *stops)
            assert shown.strip() == ""
        else:
            assert matcher.found in ((None,) if first is None else stops)
            assert shown == (whole if first is None else whole[:first])


def test_the_stop_sequence_that_was_found_is_told() -> None:
    stream = TextStream(["one", "two"], (), ["{"])
    stream.push(b"and two")
    assert stream.stop == "two"
    assert TextStream(["one"]).stop is None
