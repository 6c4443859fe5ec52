"""The fields of a task, and how drafts of them are kept."""

import pytest
from hypothesis import given, strategies as st

from poly_engine.config import Biaser, Memorization, TaskConfig
from poly_engine.config.section import second_names
from poly_engine.overrides import Overrides
from poly_tui.screens.tune.draft import Draft, Version, effective_default
from poly_tui.screens.tune.editing import parse_number, step
from poly_tui.screens.tune.fields import BIASER, OVERRIDABLE, Field, Kind, fields, scale_of

SAVED = Version({"model": "m", "temperature": 0.4, "memorization": {"memory": "laws", "retrieve": 3}})


def field(name: str) -> Field:
    return next(each for each in fields() if each.name == name)


def test_there_is_a_field_for_every_key_of_a_task() -> None:
    flat = set(TaskConfig.model_fields) - {"memorization"}
    assert {each.name for each in fields()} == flat | {f"memorization.{key}" for key in Memorization.model_fields}
    assert not second_names(TaskConfig)
    assert not second_names(Memorization)
    assert not second_names(Biaser)


def test_what_a_turn_can_override_are_fields() -> None:
    names = {each.name for each in fields()}
    assert names >= OVERRIDABLE
    assert set(Overrides.__dataclass_fields__) >= OVERRIDABLE


def test_limits_and_words_come_from_the_schema() -> None:
    top_p = field("top_p")
    assert (top_p.kind, top_p.limits, top_p.default) == (Kind.NUMBER, "more than 0 to 1", 0.95)
    assert "most likely" in top_p.about
    assert field("seed").limits == "0 to 4 294 967 294"
    assert field("memorization.store_prompts").kind is Kind.SWITCH
    assert field("model").is_required


def test_a_slider_lies_within_the_limits() -> None:
    for each in fields():
        scale = scale_of(each)
        if scale is not None:
            assert each.low is not None
            assert each.high is not None
            assert each.low <= scale.low < scale.high <= each.high


def test_a_draft_knows_what_is_changed_and_takes_it_back() -> None:
    draft = Draft("legal", SAVED)
    draft.set(("temperature",), 0.7)
    draft.unset(("memorization", "retrieve"))
    assert [each.name for each in draft.changes] == ["temperature", "memorization.retrieve"]
    assert draft.undo()
    assert [each.name for each in draft.changes] == ["temperature"]
    assert draft.undo()
    assert not draft.undo()
    assert draft.current == SAVED


def test_a_table_goes_with_its_last_value() -> None:
    draft = Draft("legal", SAVED)
    draft.unset(("memorization", "retrieve"))
    draft.unset(("memorization", "memory"))
    assert "memorization" not in draft.current.values


def test_what_is_set_to_what_it_is_changes_nothing_and_needs_no_undo() -> None:
    draft = Draft("legal", SAVED)
    draft.set(("temperature",), 0.4)
    assert not draft.changes
    assert not draft.can_undo


def test_the_order_of_properties_is_a_change() -> None:
    draft = Draft("legal", Version({"model": "m", "biaser": {"json_schema": {"properties": {"a": {}, "b": {}}}}}))
    draft.set_biaser({"json_schema": {"properties": {"b": {}, "a": {}}}})
    assert draft.is_changed(BIASER)


def test_a_field_goes_back_to_what_is_saved() -> None:
    draft = Draft("legal", SAVED)
    draft.set(("temperature",), 0.7)
    draft.set(("top_k",), 3)
    draft.reset(("temperature",))
    draft.reset(("top_k",))
    assert draft.current.values == SAVED.values


def test_a_file_that_was_changed_keeps_what_was_changed_in_the_draft() -> None:
    draft = Draft("legal", SAVED)
    draft.set(("temperature",), 0.7)
    draft.unset(("memorization", "retrieve"))
    draft.take_saved(Version({"model": "other", "temperature": 0.5, "memorization": {"memory": "laws", "retrieve": 4}}))
    assert draft.current.values == {"model": "other", "temperature": 0.7, "memorization": {"memory": "laws"}}
    assert [each.name for each in draft.changes] == ["temperature", "memorization.retrieve"]


def test_what_was_saved_can_be_taken_back() -> None:
    draft = Draft("legal", SAVED)
    draft.set(("temperature",), 0.7)
    draft.mark_saved(draft.current)
    assert not draft.changes
    assert draft.undo()
    assert draft.value(("temperature",)) == 0.4
    assert [each.name for each in draft.changes] == ["temperature"]


def test_a_copy_is_all_change_and_leaves_the_original_alone() -> None:
    original = Draft("legal", SAVED)
    copy = Draft.copied("legal 2", original)
    copy.set(("temperature",), 0.9)
    assert copy.is_new
    assert copy.base == "legal"
    assert "model" in [each.name for each in copy.changes]
    assert original.current == SAVED


def test_a_step_goes_by_the_scale_and_stops_at_the_limits() -> None:
    draft = Draft("legal", Version({"model": "m"}))
    step(draft, field("temperature"), 1, is_big=False)
    assert draft.value(("temperature",)) == 0.85
    step(draft, field("temperature"), -100, is_big=True)
    assert draft.value(("temperature",)) == 0
    step(draft, field("top_p"), -100, is_big=True)
    assert draft.value(("top_p",)) == 0.01
    step(draft, field("max_tokens"), 1, is_big=True)
    assert draft.value(("max_tokens",)) == 17


@given(st.sampled_from([each for each in fields() if each.kind.is_number]), st.integers(-500, 500), st.booleans())
def test_a_step_never_leaves_what_the_configuration_takes(
    each: Field,
    n_steps: int,
    is_big: bool,  # noqa: FBT001 - as hypothesis passes it
) -> None:
    draft = Draft("legal", Version({"model": "m", "memorization": {"memory": "laws"}}))
    step(draft, each, n_steps, is_big=is_big)
    TaskConfig.model_validate(draft.current.values)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("temperature", "warm", "must be a number, not warm"),
        ("temperature", "nan", "must be a number, not nan"),
        ("temperature", "101", "must be 0 to 100, not 101"),
        ("top_p", "0", "must be more than 0 to 1, not 0"),
        ("top_k", "1.5", "must be a whole number, not 1.5"),
    ],
)
def test_a_number_that_cannot_be_is_refused_in_words(name: str, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$"):
        parse_number(field(name), text)


def test_numbers_are_read_as_people_write_them() -> None:
    assert parse_number(field("temperature"), "0,5") == 0.5
    assert repr(parse_number(field("temperature"), "0")) == "0"


def test_the_repeat_penalty_is_another_one_beside_a_biaser() -> None:
    penalty = field("repeat_penalty")
    assert effective_default(penalty, {"model": "m"}) == 1.3
    assert effective_default(penalty, {"model": "m", "biaser": {"regex": "a"}}) == 1.0
