"""`poly run --schema`, and tasks with a schema: what is printed fits it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.shell.test_bad_input import assert_refused

Run = Callable[..., Result]
Configure = Callable[..., Path]


def test_an_answer_fits_a_schema_in_the_short_notation(run: Run) -> None:
    result = run("run", "starter", "Who?", "--schema", "name, age int, tags [str], kind a|b", "--max-tokens", "60")

    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert list(answer) == ["name", "age", "tags", "kind"]
    assert isinstance(answer["age"], int)
    assert answer["kind"] in ("a", "b")


def test_an_answer_fits_a_schema_in_a_file_or_as_json(run: Run) -> None:
    Path("yes.json").write_text('{"type": "boolean"}')

    for schema in ("yes.json", '{"type": "boolean"}'):
        assert json.loads(run("run", "starter", "Is it?", "--schema", schema).stdout) in (True, False)


def test_a_task_with_a_schema_needs_no_option(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", "biaser = { choice = ['red', 'blue'] }")

    assert run("run", "greet", "Which?").stdout in ("red\n", "blue\n")


def test_at_the_limit_the_answer_still_fits_and_stderr_says_why_it_is_short(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "talker.gguf")

    result = run("run", "greet", "Talk", "--schema", '{"type": "string"}', "--max-tokens", "9")

    assert isinstance(json.loads(result.stdout), str)
    assert result.stderr.startswith("poly: the answer was brought to its shortest end at the limit of tokens")


def test_json_tells_what_was_thought_and_which_tokens_were_forced(run: Run, configure: Configure, models: Path) -> None:
    task = "template = 'none'\nbiaser = { json_schema = { type = 'boolean' } }\nbias_prompt = 'So?'\nmax_tokens = 5"
    configure(models / "talker.gguf", task)

    found = json.loads(run("run", "greet", "Talk:\n", "--json").stdout)
    events = [json.loads(line) for line in run("run", "greet", "Talk:\n", "--jsonl").stdout.splitlines()]

    assert json.loads(found["text"]) in (True, False)
    assert found["usage"]["thinking_tokens"] == len(found["thinking"])
    assert [event["text"] for event in events if event["event"] == "thinking"] == list(found["thinking"])
    assert [event["bias_state"] for event in events if event["event"] == "token"][-1] == "complete"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("name strr", ["there is no type strr", "did you mean str?"]),
        ("nowhere.json", ["nowhere.json cannot be read: No such file or directory"]),
        ('{"type": ', ["the schema is not JSON: line 1, column 9"]),
        ('{"properties": {"a": {"uniqueItems": true}}}', ["$.properties.a: uniqueItems: not supported"]),
        ("", ["--schema"]),
        ("false", ["nothing fits"]),
    ],
)
def test_a_schema_that_cannot_be_used(schema: str, words: list[str], run: Run) -> None:
    assert_refused(run("run", "starter", "Who?", "--schema", schema), 2, *words)


def test_a_limit_that_is_too_low_says_what_it_takes(run: Run) -> None:
    result = run("run", "starter", "Who?", "--schema", "name, age int", "--max-tokens", "2")

    assert_refused(result, 2, "the shortest answer that fits the schema takes", "room for 2")


def test_a_schema_of_the_configuration_that_cannot_be_used_is_named_with_its_path(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "greeter.gguf", "biaser = { json_schema = { items = { uniqueItems = true } } }")

    assert_refused(run("run", "greet", "Who?"), 2, "tasks.greet.biaser.json_schema.items: uniqueItems: not supported")
