"""Which configuration file is used, and what is read from it."""

import os
from pathlib import Path

import pytest

from poly_engine.config import Config, find, load
from poly_engine.errors import ConfigError


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_the_search_goes_from_the_flag_to_the_environment_to_the_folder_to_the_user(tmp_path: Path) -> None:
    flag, named = write(tmp_path / "flag.toml"), write(tmp_path / "named.toml")
    local, user = write(tmp_path / "here" / "poly.toml"), write(tmp_path / "xdg" / "poly" / "config.toml")
    env = {"POLY_CONFIG": str(named), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}

    assert find(flag, env, local.parent) == flag
    assert find(None, env, local.parent) == named
    env.pop("POLY_CONFIG")
    assert find(None, env, local.parent) == local
    local.unlink()
    assert find(None, env, local.parent) == user
    user.unlink()
    assert find(None, env, local.parent) is None


@pytest.mark.parametrize("xdg", [None, "", "not/absolute"])
def test_the_file_of_the_user_lies_in_dot_config_unless_xdg_says_otherwise(tmp_path: Path, xdg: str | None) -> None:
    user = write(tmp_path / ".config" / "poly" / "config.toml")
    env = {"HOME": str(tmp_path), **({} if xdg is None else {"XDG_CONFIG_HOME": xdg})}
    assert find(None, env, tmp_path) == user


def test_relative_names_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    file = write(tmp_path / "a.toml")
    assert find(Path("a.toml"), {}, tmp_path) == file
    assert find(None, {"POLY_CONFIG": "a.toml"}, tmp_path) == file


def test_a_file_that_is_named_and_missing_is_an_error_that_says_who_named_it(tmp_path: Path) -> None:
    write(tmp_path / "poly.toml")
    with pytest.raises(ConfigError, match=r"x\.toml: there is no such file, and --config names it"):
        find(Path("x.toml"), {}, tmp_path)
    with pytest.raises(ConfigError, match=r"x\.toml: there is no such file, and POLY_CONFIG names it"):
        find(None, {"POLY_CONFIG": "x.toml"}, tmp_path)


def test_a_home_folder_may_be_meant_by_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.toml")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find(Path("~/a.toml"), {}, Path("/")) == file
    with pytest.raises(ConfigError, match="there is no such file"):
        find(Path("~nobody-of-that-name/a.toml"), {}, Path("/"))


def test_without_a_file_the_starter_model_answers_the_starter_task() -> None:
    loaded = load(None)
    task = loaded.config.tasks["starter"]
    model = loaded.config.models[task.model].file
    assert (loaded.path, loaded.notes) == (None, ())
    assert (task.repeat_penalty, task.max_tokens) == (1.0, 256)
    assert model is not None
    assert model.is_file()


def test_an_empty_file_is_a_configuration_without_anything(tmp_path: Path) -> None:
    file = write(tmp_path / "poly.toml")
    loaded = load(file)
    assert loaded.path == file
    assert loaded.config == Config()


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "poly.toml"
    file.write_bytes(b"\xef\xbb\xbfpublic = true\r\n")
    assert load(file).config.public


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"public = \n", "line 1, column 10: "),
        (b"[tasks.a]\nmodel = 'x", "line 2, column "),
        (b"public = true\npublic = false\n", "line 2, column "),
        (b"x = '\xe9'", "is not UTF-8 text, as TOML must be (byte 6)"),
        (b"max_concurrent = " + b"9" * 5000, "holds a number of thousands of digits"),
        (b"x = " + b"[" * 5000, "holds a number of thousands of digits, or tables nested"),
    ],
)
def test_a_file_that_is_not_toml_is_one_problem_that_says_where(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "poly.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load(file)
    (problem,) = error.value.problems
    assert problem.startswith(f"{file}: {words}")


def test_a_folder_or_a_missing_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "poly.toml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_one_may_not_read_cannot_be_read(tmp_path: Path) -> None:
    file = write(tmp_path / "poly.toml")
    file.chmod(0)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        load(file)
