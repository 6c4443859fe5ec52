"""The questions that the quality of recall is measured with can be answered from the documentation that is here."""

from __future__ import annotations

from tests.bench.retrieval_corpus import documents
from tests.bench.retrieval_questions import misplaced, questions


def test_each_answer_stands_once_and_in_the_document_that_is_named() -> None:
    assert list(misplaced(questions(), documents())) == []


def test_no_question_is_asked_twice_and_most_are_in_the_words_of_the_asker() -> None:
    asked = questions()
    assert len({one.text for one in asked}) == len(asked) >= 120
    assert sum(one.in_own_words for one in asked) >= len(asked) / 2
