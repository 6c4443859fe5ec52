"""`poly config` and `poly doctor`."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Configure = Callable[..., Path]


def test_check_counts_what_there_is_and_prints_notes(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", more='[models.old]\nmodel_path = "x.gguf"\narchitecture = "llama"')

    result = run("config", "check")

    assert (result.exit_code, result.stderr) == (0, "")
    note, verdict = result.stdout.splitlines()
    assert note.startswith("note: models.old.architecture: ")
    assert verdict == "ok: 2 models, 1 task"


def test_check_names_all_mistakes(run: Run) -> None:
    Path("poly.toml").write_text("publik = true\n[models.a]\n[tasks.b]\n")

    result = run("config", "check")

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 3


def test_path_is_that_of_the_file_in_use(run: Run, configure: Configure, models: Path) -> None:
    without = run("config", "path")
    configure(models / "greeter.gguf")

    assert (without.exit_code, without.stdout) == (1, "")
    assert "poly config init" in without.stderr
    assert run("config", "path").stdout == f"{Path('poly.toml').absolute()}\n"


def test_what_is_shown_is_a_configuration_with_the_same_meaning(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")
    shown = run("config", "show").stdout
    Path("again.toml").write_text(shown)

    again = run("--config", "again.toml", "config", "show").stdout

    assert again.splitlines()[1:] == shown.splitlines()[1:]
    assert 'model = "tiny"' in shown


def test_the_schema_is_json(run: Run) -> None:
    assert "tasks" in json.loads(run("config", "schema").stdout)["properties"]


def test_init_writes_a_file_that_is_found_and_works(run: Run, home: Path) -> None:
    result = run("config", "init")

    assert (result.exit_code, result.stdout) == (0, f"{home / 'config/poly/config.toml'}\n")
    assert run("config", "check").stdout.startswith("ok: ")
    assert run("config", "path").stdout == result.stdout


def test_init_overwrites_nothing_unless_forced(run: Run) -> None:
    Path("mine.toml").write_text("public = true\n")

    refused = run("config", "init", "mine.toml")

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--force" in refused.stderr
    assert Path("mine.toml").read_text() == "public = true\n"
    assert run("config", "init", "mine.toml", "--force").exit_code == 0
    assert Path("mine.toml").read_text() != "public = true\n"


def test_doctor_finds_nothing_wrong_with_the_built_in_configuration(run: Run) -> None:
    result = run("doctor")

    assert (result.exit_code, result.stderr) == (0, "")
    for word in ("llama-cpp-python", "cores", "memory", "gpu", "config", "model starter", "data"):
        assert word in result.stdout


def test_doctor_says_what_is_broken(run: Run, configure: Configure) -> None:
    configure(Path("/nowhere.gguf"))

    result = run("doctor", "--json")

    found = json.loads(result.stdout)
    (broken,) = [finding for finding in found["findings"] if finding["state"] == "broken"]
    assert (result.exit_code, found["ok"]) == (1, False)
    assert (broken["subject"], broken["text"]) == ("model tiny", "/nowhere.gguf does not exist")
    assert broken["hint"]


def test_doctor_examines_on_when_the_configuration_is_wrong(run: Run) -> None:
    Path("poly.toml").write_text("publik = true\n")

    result = run("doctor")

    assert result.exit_code == 1
    assert "publik" in result.stdout
    assert "data" in result.stdout


@pytest.mark.parametrize(
    ("setting", "words"), [("use_gpu = true", "in vain"), ("cache_size = 2147483647", "not available")]
)
def test_doctor_warns_of_what_this_machine_does_not_have(
    setting: str, words: str, run: Run, configure: Configure, models: Path
) -> None:
    path = configure(models / "greeter.gguf")
    path.write_text(path.read_text().replace("threads = 1", setting))

    result = run("doctor")

    assert result.exit_code == 0
    assert words in result.stdout


def test_doctor_says_that_a_model_cannot_be_loaded_that_requires_a_gpu(
    run: Run, configure: Configure, models: Path
) -> None:
    path = configure(models / "greeter.gguf")
    path.write_text(path.read_text().replace("threads = 1", "require_gpu = true"))

    result = run("doctor")

    assert result.exit_code == 1
    assert "require_gpu is set, and this build of llama.cpp has no GPU support" in result.stdout
    assert "-DGGML_CUDA=on" in result.stdout


def test_doctor_says_that_a_model_is_too_large_for_the_memory_that_models_may_take(
    run: Run, configure: Configure, models: Path
) -> None:
    path = configure(models / "greeter.gguf")
    path.write_text(f"max_memory = 1000\n{path.read_text()}")

    result = run("doctor")

    assert result.exit_code == 1
    assert "max_memory allows 1 kB for all models together" in result.stdout


def test_doctor_does_not_mind_a_model_that_is_fetched_later(run: Run) -> None:
    Path("poly.toml").write_text('[models.far]\nurl = "https://example.com/far.gguf"\nmodel_path = "/nowhere.gguf"\n')

    result = run("doctor")

    assert result.exit_code == 0
    assert "when it is first used" in result.stdout


@pytest.mark.parametrize(("verb", "n_lines"), [("doctor", 0), ("run starter hello", 1)])
def test_an_installation_without_llama_cpp_is_told_so(verb: str, n_lines: int) -> None:
    script = f"""
import sys
sys.modules["llama_cpp"] = None  # Python's way to say that there is none
sys.argv = ["poly", *"{verb}".split()]
from poly_tui.cli import main
main()
"""
    result = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, check=False)

    assert (result.returncode, len(result.stderr.splitlines())) == (1, n_lines)
    assert b"cannot be loaded" in result.stdout + result.stderr
