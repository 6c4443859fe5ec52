"""Drafts and test prompts on their way to the disk."""

import os
from pathlib import Path

import pytest
import tomli
from hypothesis import given, settings, strategies as st

from poly_engine.config import load
from poly_engine.errors import ConfigError
from poly_tui.screens.tune.desk import Desk
from poly_tui.screens.tune.saved_prompts import PromptsUnreadable, SavedPrompts
from poly_tui.screens.tune.saving import save
from poly_tui.screens.tune.source import ChangedOnDisk, read_source
from tests.tui.tune.steps import CONFIG, write_config

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        ("temperature",): st.floats(0, 100) | st.integers(0, 100),
        ("top_k",): st.integers(0, 2**31 - 1),
        ("top_p",): st.floats(0, 1, exclude_min=True),
        ("description",): TEXT,
        ("system",): TEXT,
        ("stop_sequences",): st.lists(TEXT, min_size=1, max_size=3),
        ("private_tokens",): st.lists(TEXT, min_size=1, max_size=3),
        ("seed",): st.integers(0, 2**32 - 2),
        ("memorization", "memory"): st.just("contracts"),
        ("biaser",): st.sampled_from([{"regex": "a+"}, {"choice": ["yes", "n\no"]}]),
    },
)


def desk_of(path: Path | None) -> Desk:
    return Desk(read_source(path))


def saved(desk: Desk, name: str) -> None:
    draft = desk.draft(name)
    assert desk.source is not None
    desk.was_saved(name, draft.current, save(desk.source, name, draft.saved, draft.current))


@settings(max_examples=30)
@given(CHANGES)
def test_any_draft_that_is_saved_and_loaded_gives_its_settings(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[tuple[str, ...], object]
) -> None:
    desk = desk_of(write_config(tmp_path_factory.mktemp("config")))
    assert desk.source is not None
    before = load(desk.source.path).config
    draft = desk.draft("legal")
    for where, value in changes.items():
        draft.set(where, value)
    saved(desk, "legal")
    after = load(desk.source.path).config
    assert tomli.loads(desk.source.text)["tasks"]["legal"] == draft.current.values
    assert not draft.changes
    assert (
        after.tasks["legal"].model_dump()
        == type(after.tasks["legal"]).model_validate(draft.current.values).model_dump()
    )
    assert after.model_copy(update={"tasks": {}}) == before.model_copy(update={"tasks": {}})
    assert after.tasks["cook"] == before.tasks["cook"]


def test_a_draft_that_could_not_be_loaded_is_never_written(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    desk = desk_of(path)
    assert desk.source is not None
    desk.draft("legal").set(("temperature",), -1.0)
    with pytest.raises(ConfigError, match=r"^temperature: must be at least 0, not -1$"):
        saved(desk, "legal")
    desk.draft("cook").set(("model",), "nobody")
    with pytest.raises(ConfigError, match=r"^model: there is no model of that name"):
        saved(desk, "cook")
    assert path.read_text() == CONFIG
    assert [file.name for file in tmp_path.iterdir()] == ["poly.toml"]


def test_a_file_that_was_changed_meanwhile_is_left_alone_and_can_be_read_again(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    desk = desk_of(path)
    assert desk.source is not None
    desk.draft("legal").set(("temperature",), 0.7)
    others = CONFIG.replace("seed = 7", "seed = 8")
    path.write_text(others)
    with pytest.raises(ChangedOnDisk, match="was changed since it was read"):
        saved(desk, "legal")
    assert path.read_text() == others
    desk.take_source(read_source(path))
    assert desk.draft("legal").value(("seed",)) == 8
    saved(desk, "legal")
    assert path.read_text() == others.replace("temperature = 0.4 ", "temperature = 0.7 ")


def test_a_link_stays_a_link_and_the_mode_of_its_file_stays(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = write_config(tmp_path / "dotfiles")
    target.chmod(0o640)
    path = tmp_path / "linked.toml"
    path.symlink_to(target)
    (tmp_path / "dish.json").write_text('{"type": "string"}')  # relative to the link, not to what it leads to
    target.write_text(CONFIG.replace('model = "tiny"\nbiaser', 'model = "tiny"\n# biaser', 1))
    desk = desk_of(path)
    assert desk.source is not None
    desk.draft("cook").set(("biaser",), {"json_schema_file": "dish.json"})
    saved(desk, "cook")
    assert path.is_symlink()
    assert 'json_schema_file = "dish.json"' in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in (tmp_path / "dotfiles").iterdir()] == ["poly.toml"]


def test_a_byte_order_mark_and_line_ends_of_windows_stay(tmp_path: Path) -> None:
    path = tmp_path / "poly.toml"
    path.write_bytes(b"\xef\xbb\xbf" + CONFIG.replace("\n", "\r\n").encode())
    desk = desk_of(path)
    assert desk.source is not None
    desk.draft("legal").set(("top_k",), 3)
    saved(desk, "legal")
    written = path.read_bytes()
    assert written.startswith(b"\xef\xbb\xbf# What")
    assert written.count(b"\n") == written.count(b"\r\n") == CONFIG.count("\n") + 1


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_config(tmp_path)
    desk = desk_of(path)
    assert desk.source is not None
    desk.draft("legal").set(("top_k",), 3)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ConfigError, match=r"poly\.toml: cannot be written: Permission denied$"):
        saved(desk, "legal")
    assert path.read_text() == CONFIG
    assert [file.name for file in tmp_path.iterdir()] == ["poly.toml"]


def test_the_text_of_a_schema_goes_to_its_own_file(tmp_path: Path) -> None:
    schema = tmp_path / "dish.json"
    schema.write_text('{"type": "string"}\n')
    path = write_config(tmp_path, CONFIG.replace("temperature = 0.4", 'biaser = { json_schema_file = "dish.json" }'))
    before = path.read_text()
    desk = desk_of(path)
    assert desk.source is not None
    draft = desk.draft("legal")
    assert draft.current.schema_text == '{"type": "string"}\n'
    draft.set_biaser({"json_schema_file": "dish.json"}, '{"type": "integer"}\n')
    assert [field.name for field in draft.changes] == ["biaser"]
    assert desk.source.resolved(draft.current)["biaser"] == {"json_schema": {"type": "integer"}}
    saved(desk, "legal")
    assert schema.read_text() == '{"type": "integer"}\n'
    assert path.read_text() == before
    assert not draft.changes


def test_a_schema_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    schema = tmp_path / "dish.json"
    schema.write_text('{"type": "string"}')
    path = write_config(tmp_path, CONFIG.replace("temperature = 0.4", 'biaser = { json_schema_file = "dish.json" }'))
    desk = desk_of(path)
    assert desk.source is not None
    desk.draft("legal").set_biaser({"json_schema_file": "dish.json"}, '{"type": "integer"}')
    schema.write_text('{"type": "boolean"}')
    with pytest.raises(ChangedOnDisk, match=r"dish\.json was changed"):
        saved(desk, "legal")
    assert schema.read_text() == '{"type": "boolean"}'


def test_without_a_file_saving_begins_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    desk = desk_of(None)
    assert desk.source is not None
    assert list(desk.names) == ["starter", "notes"]
    desk.draft("notes").set(("top_k",), 3)
    assert desk.unsaved == "1 change of notes is not saved"
    saved(desk, "notes")
    written = tmp_path / "home" / "poly" / "config.toml"
    assert load(written).config.tasks["notes"].top_k == 3
    assert "# The model that is part of Poly." in written.read_text()
    assert desk.unsaved == ""


def test_a_file_that_came_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    desk = desk_of(None)
    assert desk.source is not None
    desk.draft("notes").set(("top_k",), 3)
    (tmp_path / "poly").mkdir()
    (tmp_path / "poly" / "config.toml").write_text(CONFIG)
    with pytest.raises(ChangedOnDisk, match="is there now"):
        saved(desk, "notes")
    assert (tmp_path / "poly" / "config.toml").read_text() == CONFIG


def test_a_new_task_comes_at_the_end_and_all_else_stays(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    desk = desk_of(path)
    assert desk.source is not None
    assert desk.refusal_of_name("legal")
    assert desk.refusal_of_name("")
    assert desk.refusal_of_name("a\nb")
    copy = desk.copy("legal brief", "legal")
    copy.set(("max_tokens",), 40)
    assert list(desk.names) == ["legal", "cook", "legal brief"]
    saved(desk, "legal brief")
    assert path.read_text().startswith(f'{CONFIG}\n[tasks."legal brief"]\nmodel = "qwen"\n')
    assert list(desk.names) == ["legal", "cook", "legal brief"]
    assert desk.unsaved == ""


def test_a_task_that_is_gone_from_the_file_stays_as_a_draft_if_it_was_changed(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    desk = desk_of(path)
    desk.draft("legal")
    desk.draft("cook").set(("top_k",), 3)
    text = CONFIG.replace("[tasks.cook]", "[tasks.chef]").replace("[tasks.legal]", "[tasks.lawyer]")
    path.write_text(text)
    assert desk.take_source(read_source(path)) == ["legal", "cook"]
    assert list(desk.names) == ["lawyer", "chef", "cook"]
    assert desk.draft("cook").is_new


def test_mistakes_are_told_by_field(tmp_path: Path) -> None:
    source = read_source(write_config(tmp_path))
    desk = Desk(source)
    draft = desk.draft("legal")
    draft.set(("prelude",), "You are a lawyer.")
    draft.set(("samplers",), ["topk:k=20", "nonsense"])
    draft.set(("memorization", "retrieve"), 3)
    draft.set(("biaser",), {"json_schema": {"type": "object", "properties": {"a": {"type": "strin"}}}})
    mistakes = source.mistakes("legal", draft.current)
    assert {".".join(where) for where in mistakes} == {"system", "samplers", "memorization.memory", "biaser"}
    assert "is missing" in mistakes["memorization", "memory"]
    assert "Invalid type: strin" in mistakes["biaser",]


def test_a_schema_gets_a_file_of_its_own_and_none_that_is_there_is_overwritten(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    desk = desk_of(path)
    draft = desk.draft("legal")
    draft.set_biaser({"json_schema_file": "legal.schema.json"}, '{"const": null}')
    (tmp_path / "legal.schema.json").write_text('{"type": "string"}')
    with pytest.raises(ChangedOnDisk, match=r"legal\.schema\.json"):
        saved(desk, "legal")
    (tmp_path / "legal.schema.json").unlink()
    draft.set(("temperature",), -1.0)
    with pytest.raises(ConfigError):
        saved(desk, "legal")
    assert not (tmp_path / "legal.schema.json").exists()
    draft.undo()
    saved(desk, "legal")
    assert (tmp_path / "legal.schema.json").read_text() == '{"const": null}'
    assert 'biaser = { json_schema_file = "legal.schema.json" }\n' in path.read_text()


# Prompts


def test_prompts_are_kept_by_task_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "test_prompts.toml"
    prompts = SavedPrompts(path)
    assert prompts.of("legal") == ()
    assert prompts.add("legal", "When?") == ("When?",)
    assert prompts.add("legal", 'Why\n"so"?') == ("When?", 'Why\n"so"?')
    assert prompts.add("legal", "When?") == ("When?", 'Why\n"so"?')
    prompts.add("a cook's", "Pasta?")
    assert prompts.change("legal", "When?", "Who?") == ("Who?", 'Why\n"so"?')
    assert prompts.remove("legal", 'Why\n"so"?') == ("Who?",)
    assert prompts.insert("legal", 0, "First?") == ("First?", "Who?")
    assert SavedPrompts(path).of("a cook's") == ("Pasta?",)
    assert path.read_text().startswith("# Prompts to try tasks with")


@settings(max_examples=30)
@given(st.lists(TEXT, unique=True, max_size=4))
def test_prompts_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    prompts = SavedPrompts(tmp_path_factory.mktemp("prompts") / "test_prompts.toml")
    for text in texts:
        prompts.add("legal", text)
    assert prompts.of("legal") == tuple(texts)


def test_a_file_of_prompts_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "test_prompts.toml"
    path.write_text("prompts = [[\n")
    with pytest.raises(PromptsUnreadable, match=r"test_prompts\.toml cannot be read"):
        SavedPrompts(path).add("legal", "When?")
    assert path.read_text() == "prompts = [[\n"
