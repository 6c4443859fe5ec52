"""How well a memory finds what it should."""

import pytest

from poly_engine.memory.evaluation import Case, Evaluation
from poly_engine.types import Hit


def hit(source: str, text: str = "", first_page: int | None = None, last_page: int | None = None) -> Hit:
    return Hit(text=text, source=source, score=0, place=0, start=0, end=0, first_page=first_page, last_page=last_page)


HITS = [
    hit("/docs/cats.txt", "A cat\nsleeps."),
    hit("/docs/report.pdf", "It was decided.", 3, 4),
]


@pytest.mark.parametrize(
    ("case", "rank"),
    [
        (Case("", source="*.pdf"), 2),
        (Case("", source="/docs/cats.txt"), 1),
        (Case("", source="cats.txt"), None),
        (Case("", contains="a cat sleeps"), 1),
        (Case("", source="*.pdf", contains="cat"), None),
        (Case("", page=4), 2),
        (Case("", page=5), None),
        (Case(""), 1),
    ],
)
def test_the_rank_of_a_case_is_that_of_the_first_hit_that_answers_it(case: Case, rank: int | None) -> None:
    assert case.rank(HITS) == rank


def test_the_figures_are_means_over_all_cases() -> None:
    evaluation = Evaluation((1, 2, 7, None))
    assert [evaluation.recall_at(n) for n in (1, 5, 10)] == [0.25, 0.5, 0.75]
    assert evaluation.mrr == pytest.approx((1 + 1 / 2 + 1 / 7) / 4)
