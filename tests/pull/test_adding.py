"""A model is added to a configuration file, in which nothing else changes."""

from pathlib import Path

import pytest

from poly_engine.config import load
from poly_engine.config.adding import add_model, model_block
from poly_engine.errors import ConfigError

BEFORE = """\
# my configuration
bind_address = "127.0.0.1:4000"    # not the usual port

[models.old]
model_path = "old.gguf"

[tasks.old]    # as ever
model = "old"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "poly.toml"
    path.write_text(BEFORE)
    return path


def test_a_model_and_its_task_are_added_at_the_end(file: Path) -> None:
    add_model(file, "new", {"url": "hf:a/b:Q8_0"}, {"temperature": 0.5})

    assert file.read_text() == (
        f'{BEFORE}\n[models.new]\nurl = "hf:a/b:Q8_0"\n\n[tasks.new]\nmodel = "new"\ntemperature = 0.5\n'
    )
    config = load(file).config
    assert config.models["new"].url == "hf:a/b:Q8_0"
    assert config.tasks["new"].model == "new"


def test_a_model_may_come_without_a_task(file: Path) -> None:
    add_model(file, "new", {"url": "hf:a/b:Q8_0"})

    assert set(load(file).config.tasks) == {"old"}


@pytest.mark.parametrize("name", ["qwen2.5-0.5b", "a b", 'say "x"', "日本"])
def test_any_name_is_written_so_that_it_is_read_again(name: str, file: Path) -> None:
    add_model(file, name, {"model_path": 'C:\\dir\\"x".gguf'}, {})

    assert load(file).config.tasks[name].model == name


def test_a_file_that_is_not_there_is_begun_with_what_is_built_in(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.toml"

    add_model(file, "new", {"url": "hf:a/b:Q8_0"}, {})

    assert {"starter", "new"} <= set(load(file).config.tasks)
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_file_keeps_its_mode_and_its_link(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(file)

    add_model(link, "new", {"url": "hf:a/b:Q8_0"})

    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert "new" in load(file).config.models


@pytest.mark.parametrize(
    ("name", "model", "words"),
    [
        ("old", {"url": "hf:a/b"}, "there is a model old already"),
        ("", {"url": "hf:a/b"}, "is no name"),
        ("new", {"url": "ftp://host/x"}, "must be a URL"),
        ("new", {"url": "hf:a"}, "is no model of the hub"),
        ("new", {}, "needs model_path"),
    ],
)
def test_what_cannot_be_added_leaves_the_file_as_it_is(
    name: str, model: dict[str, object], words: str, file: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        add_model(file, name, model, {})

    assert file.read_text() == BEFORE
    assert list(file.parent.iterdir()) == [file]


def test_a_task_of_that_name_is_not_replaced(file: Path) -> None:
    file.write_text(BEFORE + '[tasks.new]\nmodel = "old"\n')

    with pytest.raises(ConfigError, match="there is a task new already"):
        add_model(file, "new", {"url": "hf:a/b"}, {})


def test_a_file_that_nothing_can_be_added_to_is_told_of_with_what_to_add(tmp_path: Path) -> None:
    file = tmp_path / "poly.toml"
    file.write_text('models = { old = { model_path = "old.gguf" } }\n')

    with pytest.raises(ConfigError) as error:
        add_model(file, "new", {"url": "hf:a/b"})

    assert "put this where it fits" in error.value.problems[0]
    assert error.value.problems[1:] == ("[models.new]", 'url = "hf:a/b"')
    assert "new" not in load(file).config.models


def test_a_broken_file_stays_as_it_is(file: Path) -> None:
    file.write_text("models = [")

    with pytest.raises(ConfigError, match="line 1"):
        add_model(file, "new", {"url": "hf:a/b"})

    assert file.read_text() == "models = ["


def test_the_lines_to_add_can_be_shown() -> None:
    assert model_block("m", {"url": "hf:a/b"}) == '[models.m]\nurl = "hf:a/b"\n'
