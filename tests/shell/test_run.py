"""`poly run` when all is well."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from tests.shell.conftest import ANSWER

Run = Callable[..., Result]
Configure = Callable[..., Path]


def test_the_starter_answers_without_any_configuration(run: Run) -> None:
    result = run("run", "starter", "hello")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.strip()


def test_the_answer_ends_with_a_newline_and_stderr_is_silent(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    result = run("run", "greet", "hello")

    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{ANSWER}\n", "")


def test_piped_text_goes_before_the_words(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", 'template = "none"')
    alone = len(run("tokenize", "tiny", input="piped\n\nsome words").stdout.splitlines())

    result = run("run", "greet", "some", "words", "--json", input="piped\n")

    assert json.loads(result.stdout)["usage"]["prompt_tokens"] == alone


def test_json_is_one_object_with_everything_about_the_answer(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    found = json.loads(run("run", "greet", "hello", "--json", "--seed", "3").stdout)

    assert (found["task"], found["model"], found["seed"], found["text"]) == ("greet", "tiny", 3, ANSWER)
    assert (found["finish_reason"], found["truncated"]) == ("stop", None)
    assert found["usage"]["completion_tokens"] == len(ANSWER)
    assert found["usage"]["context_size"] == 128
    assert found["timings"]["seconds"] > 0
    assert found["timings"]["tokens_per_second"] > 0


def test_jsonl_is_one_object_for_each_event(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    events = [json.loads(line) for line in run("run", "greet", "hello", "--jsonl").stdout.splitlines()]

    assert (events[0]["event"], events[0]["task"]) == ("start", "greet")
    assert "".join(event["text"] for event in events if event["event"] == "token") == ANSWER
    assert (events[-1]["event"], events[-1]["finish_reason"]) == ("done", "stop")


def test_json_tells_how_likely_tokens_were_if_that_is_asked_for(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    found = json.loads(run("run", "greet", "hello", "--json", "--logprobs", "2").stdout)
    lines = run("run", "greet", "hello", "--jsonl", "--logprobs", "2").stdout.splitlines()

    assert "".join(token["text"] for token in found["tokens"]) == ANSWER
    assert all(len(token["logprobs"]["alternatives"]) == 2 for token in found["tokens"])
    tokens = [event for event in map(json.loads, lines) if event.pop("event") == "token"]
    assert tokens == found["tokens"]


def test_the_same_seed_gives_the_same_text(run: Run) -> None:
    texts = {run("run", "starter", "Tell me about tasks", "--seed", "7").stdout for _ in range(2)}

    assert len(texts) == 1


def test_an_answer_that_reaches_its_limit_is_remarked_on_stderr(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    result = run("run", "greet", "hello", "--max-tokens", "5")
    quiet = run("run", "greet", "hello", "--max-tokens", "5", "-q")

    assert (result.exit_code, result.stdout) == (0, "Hello\n")
    assert result.stderr == "poly: the answer was cut off: it reached its limit, max_tokens = 5\n"
    assert (quiet.stdout, quiet.stderr) == ("Hello\n", "")


def test_an_answer_that_fills_the_context_is_remarked_on_stderr(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "talker.gguf")
    Path("poly.toml").write_text(Path("poly.toml").read_text().replace("threads = 1", "threads = 1\ncontext_size = 40"))

    result = run("run", "greet", "hello")

    assert (result.exit_code, result.stderr) == (0, "poly: the answer was cut off: the context of 40 tokens is full\n")


def test_a_system_message_is_part_of_the_prompt(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    sizes = [
        json.loads(run("run", "greet", "hello", "--json", *more).stdout)["usage"]["prompt_tokens"]
        for more in ([], ["--system", "Be brief."])
    ]

    assert sizes[1] - sizes[0] >= len("Be brief.")
