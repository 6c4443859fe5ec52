"""Chats as trees of turns."""

import pytest

from poly_engine.types import Turn
from poly_tui.chats.tree import LONGEST_TITLE, Chat, ChatTurn, title_of


def test_another_version_of_a_turn_stands_beside_it_and_the_path_is_the_one_that_was_chosen() -> None:
    chat = Chat()
    first = ChatTurn("one", answer="1")
    chat.add(first)
    old = ChatTurn("two", first, answer="2")
    chat.add(old)
    new = ChatTurn("zwei", first, answer="2!")
    chat.add(new)

    assert chat.history == (Turn("one", "1"), Turn("zwei", "2!"))
    assert chat.versions(new) == [old, new]
    assert [turn.prompt for turn in chat.turns()] == ["one", "two", "zwei"]

    chat.tip = old.newest_leaf
    assert [turn.prompt for turn in chat.path] == ["one", "two"]


def test_what_failed_or_has_no_answer_is_not_read_by_a_model() -> None:
    chat = Chat()
    chat.add(ChatTurn("one", None, answer="half", state="failed"))
    chat.add(ChatTurn("two", chat.tip, answer=""))
    chat.add(ChatTurn("three", chat.tip, answer="part", state="stopped"))

    assert chat.history == (Turn("three", "part"),)


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("Hello", "Hello"),
        (" two\n\nlines ", "two lines"),
        ("word " * 30, "word " * 11 + "word…"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_a_title_is_the_first_words_of_a_prompt(prompt: str, title: str) -> None:
    assert title_of(prompt) == title
    assert len(title) <= LONGEST_TITLE
