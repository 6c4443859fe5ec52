"""What a user can do wrong: one line on stderr, nothing on stdout, and the right exit code."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from poly_tui.commands import prompt
from tests.gguf_models import cut_in_header, cut_in_tensors

Run = Callable[..., Result]
Configure = Callable[..., Path]


def assert_refused(result: Result, exit_code: int, *words: str) -> None:
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith("poly: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize("verb", ["run", "chat"])
def test_a_task_that_does_not_exist(verb: str, run: Run) -> None:
    assert_refused(run(verb, "startr", input="hello"), 2, "task not found: startr", "did you mean starter?")


def test_a_model_that_does_not_exist(run: Run) -> None:
    for verb in (["tokenize"], ["embed"], ["model", "show"]):
        result = run(*verb, "startr", *(["hello"] if verb[0] != "model" else []))
        assert_refused(result, 2, "model not found: startr", "did you mean starter?")


def test_what_is_no_token(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    assert_refused(run("detokenize", "tiny", "1", "one"), 2, "'one' is no id of a token")
    assert_refused(run("detokenize", "tiny", "999999"), 2, "there is no token 999999", "the tokens 0 to ")


def test_log_probabilities_where_nobody_could_see_them(run: Run) -> None:
    assert_refused(run("run", "starter", "--logprobs", "1", "hello"), 2, "--logprobs is for --json and --jsonl")


def test_a_model_file_that_is_missing(run: Run, configure: Configure) -> None:
    configure(Path("/nowhere/x.gguf"))

    assert_refused(run("run", "greet", "hello"), 1, "/nowhere/x.gguf does not exist")


@pytest.mark.parametrize("cut", [cut_in_header, cut_in_tensors])
def test_a_model_file_that_is_cut_off(
    cut: Callable[[Path, Path], Path], run: Run, configure: Configure, models: Path, tmp_path: Path
) -> None:
    configure(cut(models / "greeter.gguf", tmp_path / "cut.gguf"))

    assert_refused(run("run", "greet", "hello"), 1, "cut.gguf", "download it again")


def test_all_mistakes_of_a_configuration_are_named(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", 'temprature = 1\ntop_k = "many"', '[tasks.other]\nmodel = "tinny"')

    result = run("run", "greet", "hello")

    assert (result.exit_code, result.stdout) == (2, "")
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"poly: {Path('poly.toml').absolute()}: tasks.") for line in lines)
    assert "did you mean temperature?" in result.stderr
    assert "tasks.greet.top_k" in result.stderr
    assert "did you mean tiny?" in result.stderr


def test_a_configuration_that_is_not_there(run: Run) -> None:
    assert_refused(run("--config", "x.toml", "task", "ls"), 2, "x.toml", "--config")


def test_an_unknown_sampler(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", more='[tasks.odd]\nmodel = "tiny"\nsamplers = ["topq:k=3"]')

    assert_refused(run("run", "odd", "hello"), 2, "tasks.odd.samplers", "topq")


def test_a_private_token_in_the_prompt(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", 'private_tokens = ["<|im_start|>"]')

    assert_refused(run("run", "greet", "say <|im_start|> now"), 2, "illegal token", "<|im_start|>")


def test_a_prompt_that_is_longer_than_the_context(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    assert_refused(run("run", "greet", "hello " * 100), 2, "tokens", "128")


@pytest.mark.parametrize("content", [b"\x89PNG\r\n", b"MZ\x00\x01", "hello".encode("utf-16")])
def test_stdin_that_is_not_text(content: bytes, run: Run) -> None:
    assert_refused(run("run", "starter", input=content), 2, "stdin is not")


def test_words_that_are_not_text(run: Run) -> None:
    assert_refused(run("run", "starter", "h\udcff"), 2, "PROMPT", "UTF-8")


@pytest.mark.parametrize("words", [[], [""], ["  "]])
def test_no_prompt_at_all(words: list[str], run: Run) -> None:
    assert_refused(run("run", "starter", *words, input="\n"), 2, "there is no prompt")


def test_more_on_stdin_than_any_prompt_has(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "MAX_STDIN_BYTES", 1 << 20)

    assert_refused(run("run", "starter", input="x" * ((1 << 20) + 1)), 2, "more than 1 MiB")


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["run"], "TASK"),
        (["run", "starter", "x", "--sede", "1"], "--seed"),
        (["run", "starter", "x", "--seed", "-1"], "--seed"),
        (["run", "starter", "x", "--max-tokens", "0"], "--max-tokens"),
        (["run", "starter", "x", "--json", "--jsonl"], "--jsonl"),
        (["completion", "tcsh"], "tcsh"),
        (["tui"], "terminal"),
    ],
)
def test_a_wrong_call(args: list[str], word: str, run: Run) -> None:
    assert_refused(run(*args), 2, word)


def test_a_system_message_for_a_task_that_has_no_place_for_one(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", 'prefix = "User: "')

    assert_refused(run("run", "greet", "hello", "--system", "Be brief."), 2, "greet", "system message")


def test_a_model_that_cannot_write(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "embedder.gguf", 'template = "none"')

    assert_refused(run("run", "greet", "hello"), 2, "embeddings only")
