"""The verbs that print rows and records: model, task, tokenize, embed."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from poly_tui.commands.listing import Bytes, Count

Run = Callable[..., Result]
Configure = Callable[..., Path]


def test_models_are_listed_as_tab_separated_values(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", more='[models.lost]\nmodel_path = "lost.gguf"')

    tiny, lost = (line.split("\t") for line in run("model", "ls").stdout.splitlines())

    assert (tiny[:3], tiny[5], tiny[7]) == (["tiny", "unloaded", "llama"], "128", "")
    assert int(tiny[4]) == (models / "greeter.gguf").stat().st_size
    assert lost[:2] == ["lost", "failed"]
    assert "lost.gguf does not exist" in lost[7]


def test_the_task_that_a_chat_begins_with_is_the_first_one_that_is_configured(run: Run) -> None:
    names = [line.split("\t")[0] for line in run("task", "ls").stdout.splitlines()]

    assert names == ["starter", "notes"]  # without a configuration: not by name, or a chat would search a memory


def test_a_model_is_shown_with_its_file_and_what_it_takes(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    found = json.loads(run("model", "show", "tiny", "--json").stdout)

    assert (found["name"], found["file"], found["tasks"]) == ("tiny", str(models / "greeter.gguf"), ["greet"])
    assert found["memory_bytes"] > found["size_bytes"] > 0
    assert found["fits_memory"] is True


def test_a_broken_model_is_shown_with_the_reason(run: Run, configure: Configure) -> None:
    configure(Path("/nowhere.gguf"))

    found = json.loads(run("model", "show", "tiny", "--json").stdout)

    assert (found["state"], found["problem"]) == ("failed", "/nowhere.gguf does not exist")


def test_tasks_are_listed(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", 'description = "Says\\thello."')

    assert run("task", "ls").stdout == "greet\ttiny\tSays\\thello.\n"
    assert json.loads(run("task", "ls", "--json").stdout)[0]["description"] == "Says\thello."


def test_a_task_is_shown_without_the_settings_that_its_samplers_replace(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "greeter.gguf", more='[tasks.odd]\nmodel = "tiny"\nsamplers = ["topk:k=3"]')

    found = json.loads(run("task", "show", "odd", "--json").stdout)

    assert found["samplers"] == ["topk:k=3"]
    assert "top_p" not in found


def test_a_task_that_does_not_exist_is_not_shown(run: Run) -> None:
    result = run("task", "show", "startr")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean starter?" in result.stderr


def test_what_a_model_would_read_of_a_prompt_is_shown_part_by_part(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "greeter.gguf", 'prelude = "Be kind.\\n"\nprefix = "Q:"\npostfix = "\\n"')

    lines = run("task", "prompt", "greet", "who", "is", "it?").stdout.splitlines()
    found = json.loads(run("task", "prompt", "greet", "--json", input="piped").stdout)

    assert lines == ["system\tBe kind.\\n\t9", "template\tQ:\t2", "prompt\twho is it?\t10", "template\t\\n\t1"]
    assert found[2] == {"kind": "prompt", "text": "piped", "n_tokens": 5}


def test_a_task_that_writes_its_own_prompts_shows_none_with_a_system_message(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "greeter.gguf", 'prefix = "Q:"')

    result = run("task", "prompt", "greet", "--system", "be kind", "hello")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "has no place for a system message" in result.stderr


def test_tokens_are_shown_with_their_pieces(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    lines = run("tokenize", "tiny", "a", "b", input="x\n").stdout.splitlines()

    assert [line.split("\t")[1] for line in lines] == ["x", "\\n", "\\n", "a", " ", "b"]


def test_tokens_are_counted(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    assert run("tokenize", "tiny", "--count", "hello").stdout == "5\n"
    assert json.loads(run("tokenize", "tiny", "--json", "hello").stdout)["count"] == 5


def test_tokens_become_their_text_again(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")
    ids = [line.split("\t")[0] for line in run("tokenize", "tiny", "hellö").stdout.splitlines()]

    assert run("detokenize", "tiny", *ids).stdout == "hellö\n"
    assert run("detokenize", "tiny", input="\n".join(ids)).stdout == "hellö\n"
    assert json.loads(run("detokenize", "tiny", "--json", *ids[:-1]).stdout) == {"model": "tiny", "text": "hell\ufffd"}


def test_each_text_becomes_a_line_with_a_vector_of_length_1(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "embedder.gguf")

    vectors = [json.loads(line) for line in run("embed", "tiny", input="one text\nanother\n").stdout.splitlines()]

    assert len(vectors) == 2
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-5) for vector in vectors)


def test_the_arguments_are_texts_too_and_json_is_one_object(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "embedder.gguf")

    found = json.loads(run("embed", "tiny", "one text", "another", "--json", "--raw").stdout)

    assert len(found["embeddings"]) == 2
    assert found["usage"]["prompt_tokens"] > 2


@pytest.mark.parametrize(("text", "words"), [("", "there is no text"), ("a\n\nb\n", "text 2 of 3 is empty")])
def test_an_empty_text_has_no_vector(text: str, words: str, run: Run, configure: Configure, models: Path) -> None:
    configure(models / "embedder.gguf")

    result = run("embed", "tiny", input=text)

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_small_numbers_are_written_as_they_are() -> None:
    assert [str(Bytes(0)), str(Bytes(999)), str(Count(7))] == ["0 B", "999 B", "7"]
