"""The starter model's corpus: the same for the same seed, true to its own rules, and apart from the evaluation."""

import random
import re
from collections.abc import Iterator
from itertools import islice

import pytest

from poly_engine import starter

from .cases import SKILLS, cases
from .corpus import FACTS, HELD_OUT_QUESTIONS, Turn, dialogues
from .entities import Entities, is_held_out
from .facts import expand
from .offtopic import HELD_OUT_KNOWLEDGE, HELD_OUT_WORK, KNOWLEDGE, WORK
from .passages import FORMATS, HELD_OUT_FORMATS, NOT_IN_PASSAGE, PassageWriter
from .questions import is_reserved, normal, wording

N_DIALOGUES = 1500


def turns(seed: int) -> Iterator[Turn]:
    for dialogue in islice(dialogues(seed), N_DIALOGUES):
        yield from dialogue.turns


def test_the_same_seed_gives_the_same_dialogues_and_another_seed_others() -> None:
    first, again, other = (list(islice(dialogues(seed), 50)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_every_skill_occurs_in_training() -> None:
    skills = {turn.skill for turn in turns(5)}
    assert skills == {
        "fact", "courtesy", "passage", "not in passage", "passage read", "knowledge", "work", "nonsense", "repeat",
    }  # fmt: skip


def test_no_held_out_question_occurs_in_training() -> None:
    asked = {normal(turn.user) for turn in turns(6)}
    assert not asked & HELD_OUT_QUESTIONS


def test_no_wording_of_a_fact_is_a_held_out_question_or_both_reserved_and_trained() -> None:
    rng = random.Random(7)
    wordings = {wording(fact, rng) for fact in FACTS for _ in range(50)}
    reserved = {normal(text) for text in wordings if is_reserved(text)}
    trained = {normal(text) for text in wordings if not is_reserved(text)}
    assert reserved
    assert not reserved & trained


def test_every_fact_has_its_own_name_answer_and_held_out_questions() -> None:
    assert len({fact.key for fact in FACTS}) == len(FACTS)
    assert len({fact.answer for fact in FACTS}) == len(FACTS)
    assert all(len(fact.test) >= 3 and fact.dev for fact in FACTS)
    assert all(len(fact.answer) < 300 for fact in FACTS)


def test_no_phrase_holds_an_open_choice() -> None:
    rng = random.Random(8)
    for fact in FACTS:
        for phrase in (*fact.things, *fact.deeds, *fact.questions):
            assert not re.search(r"[()]", expand(phrase, rng)), phrase


def test_templates_and_formats_of_the_evaluation_are_not_trained() -> None:
    assert not set(HELD_OUT_FORMATS) & set(FORMATS)
    assert not {*HELD_OUT_KNOWLEDGE, *HELD_OUT_WORK} & {*KNOWLEDGE, *WORK}
    assert len(KNOWLEDGE) + len(WORK) >= 200


@pytest.mark.parametrize("held_out", [False, True])
def test_names_come_from_one_half_only(held_out: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    entities = Entities(random.Random(9), held_out=held_out)
    assert all(is_held_out(entities.nonce()) == held_out for _ in range(300))


def test_an_answer_is_a_sentence_of_its_passage() -> None:
    writer = PassageWriter(Entities(random.Random(10), held_out=False))
    for _ in range(300):
        passage = writer.write()
        _, answer = writer.ask(passage)
        assert answer in passage.text


def test_a_question_in_vain_is_none_that_the_passage_answers() -> None:
    writer = PassageWriter(Entities(random.Random(11), held_out=False))
    for _ in range(300):
        passage = writer.write()
        answered = {writer.ask(passage)[0] for _ in range(40)}
        assert writer.ask_in_vain(passage) not in answered


def test_evaluation_cases_cover_every_skill_and_stay_out_of_training() -> None:
    evaluated = list(cases(seed=2, n=20))
    assert {case.skill for case in evaluated} == {skill.name for skill in SKILLS}
    trained = {normal(turn.user) for turn in turns(12) if turn.answer != NOT_IN_PASSAGE}
    facts = {normal(case.questions[0].user) for case in evaluated if case.skill in ("facts", "fallback")}
    assert not facts & trained


def test_the_model_is_shipped_and_small() -> None:
    assert starter.path().read_bytes()[:4] == b"GGUF"
    assert starter.path().stat().st_size <= 8_000_000
