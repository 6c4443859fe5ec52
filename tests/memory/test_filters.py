"""What of a chunk is embedded."""

import pytest

from poly_engine.config.memories import MemoryConfig
from poly_engine.memory.filters import embedding_text

DEFAULTS = MemoryConfig(embedding_model="embedder")


def _embedded(text: str) -> str:
    return embedding_text(text, "", (), DEFAULTS.pre_filter, DEFAULTS.post_filter)


def test_what_a_pre_filter_matches_becomes_one_space() -> None:
    assert embedding_text("a<br>b<hr>c", "", (), ["<br>", "<hr>"], ()) == "a b c"


def test_two_spaces_become_one_in_a_single_pass() -> None:
    assert embedding_text("a    b", "", (), (), ()) == "a  b"


def test_the_default_filters_drop_leaders_rules_and_tabs() -> None:
    assert _embedded("Contents .......... 7\tor so\n-----\nEnd") == "Contents 7 or so End"


def test_a_line_break_that_is_left_out_still_parts_two_words() -> None:
    assert _embedded("one\ntwo") == "one two"


@pytest.mark.parametrize(("text", "expected"), [("a||b", "a b"), ("||b", "b"), ("a | b", "a  b"), ("a|", "a")])
def test_a_text_of_the_post_filter_is_left_out(text: str, expected: str) -> None:
    assert embedding_text(text, "", (), (), ["|"]) == expected


def test_the_longer_text_is_left_out_before_one_that_it_begins_with() -> None:
    assert embedding_text("x <b>y", "", (), (), ["<", "<b>"]) == "x y"


def test_title_and_headings_stand_on_a_line_before_the_chunk() -> None:
    assert embedding_text("text", "Guide", ("Install", "Linux"), (), ()) == "Guide > Install > Linux\ntext"


def test_a_title_that_is_the_first_heading_is_said_once() -> None:
    assert embedding_text("text", "Guide", ("Guide", "Install"), (), ()) == "Guide > Install\ntext"


def test_a_heading_that_the_chunk_begins_with_is_not_repeated() -> None:
    assert embedding_text("## Install\n\ntext", "Guide", ("Guide", "Install"), (), ()) == "Guide\n## Install\n\ntext"


def test_a_chunk_of_which_nothing_is_left_embeds_as_nothing() -> None:
    assert embedding_text("- - - -", "Guide", (), DEFAULTS.pre_filter, DEFAULTS.post_filter) == ""
