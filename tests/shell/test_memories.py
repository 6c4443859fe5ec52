"""`poly ingest`, `poly recall` and `poly memory`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.shell.test_bad_input import assert_refused

Run = Callable[..., Result]
Configure = Callable[..., Path]


@pytest.fixture(autouse=True)
def notes(configure: Configure, models: Path) -> None:
    """A memory `notes`, and two files."""
    more = f'[models.embedder]\nmodel_path = "{models / "embedder.gguf"}"\nthreads = 1\n'
    configure(models / "greeter.gguf", more=f'{more}[memories.notes]\nembedding_model = "embedder"\n')
    Path("docs/deep").mkdir(parents=True)
    Path("docs/cats.txt").write_text("A cat sleeps for sixteen hours a day.")
    Path("docs/deep/dogs.md").write_text("# Dogs\n\nA dog barks at the postman.\n")
    Path("docs/.hidden").write_text("Nobody is to read this.")


def test_a_folder_is_taken_in_and_again_changes_nothing(run: Run) -> None:
    first = run("ingest", "docs")
    again = run("ingest", "docs", "--json")
    assert first.exit_code == 0
    assert [line.split("\t")[0] for line in first.stdout.splitlines()] == ["added", "added"]
    assert [json.loads(line)["outcome"] for line in again.stdout.splitlines()] == ["unchanged", "unchanged"]


def test_what_is_piped_is_taken_in_under_its_name(run: Run) -> None:
    assert run("ingest", "--name", "parrots.txt", input="A parrot talks all day.").exit_code == 0
    assert "parrots.txt" in run("memory", "docs", "notes").stdout


def test_two_things_that_are_piped_are_two_documents(run: Run) -> None:
    for text in ("A parrot talks.", "An owl hoots.", "A parrot talks."):
        run("ingest", input=text)
    assert len(run("memory", "docs", "notes").stdout.splitlines()) == 2


def test_recall_prints_the_text_and_where_it_comes_from(run: Run) -> None:
    run("ingest", "notes", "docs")
    result = run("recall", "notes", "who", "barks?", "-n", "1")
    assert result.exit_code == 0
    assert "docs/deep/dogs.md > Dogs" in result.stdout
    assert "A dog barks at the postman." in result.stdout


def test_recall_as_json_tells_how_each_was_found(run: Run) -> None:
    run("ingest", "docs")
    (hit,) = json.loads(run("recall", "notes", "who barks?", "-n", "1", "--json").stdout)["hits"]
    assert hit["words_rank"] == 1
    assert hit["vector_rank"] is not None
    assert hit["headings"] == ["Dogs"]


def test_a_bad_file_does_not_keep_the_others_out(run: Run) -> None:
    Path("docs/broken.pdf").write_bytes(b"no pdf")
    result = run("ingest", "docs")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    assert "broken.pdf" in result.stderr


def test_sync_forgets_what_is_gone_from_a_folder(run: Run) -> None:
    run("ingest", "docs")
    run("ingest", "--name", "piped", input="Something else.")
    Path("docs/cats.txt").unlink()
    assert run("ingest", "docs", "--sync").stdout.splitlines()[-1].startswith("forgotten\t")
    listed = run("memory", "docs", "notes").stdout
    assert "cats.txt" not in listed
    assert "piped" in listed


def test_a_dry_run_only_says_what_would_be_taken_in(run: Run) -> None:
    result = run("ingest", "docs", "--glob", "*.md", "--dry-run")
    assert [Path(line).name for line in result.stdout.splitlines()] == ["dogs.md"]
    assert run("memory", "docs", "notes").stdout == ""


def test_documents_can_be_forgotten(run: Run) -> None:
    run("ingest", "docs")
    source = run("memory", "docs", "notes").stdout.split("\t")[0]
    assert run("memory", "rm", "notes", source).exit_code == 0
    assert len(run("memory", "docs", "notes").stdout.splitlines()) == 1
    assert_refused(run("memory", "rm", "notes", source), 2, "has no document", source)
    assert_refused(run("memory", "clear", "notes"), 2, "--yes is needed")
    assert run("memory", "clear", "notes", "--yes").exit_code == 0
    assert run("memory", "docs", "notes").stdout == ""


def test_a_memory_or_a_file_that_is_not_there(run: Run) -> None:
    assert_refused(run("recall", "nots", "what"), 2, "memory not found: nots", "did you mean notes?")
    result = run("ingest", "notes", "nowhere.txt")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nowhere.txt: it cannot be read: No such file or directory" in result.stderr


def test_the_memory_must_be_named_where_there_are_several(run: Run) -> None:
    with Path("poly.toml").open("a") as file:
        file.write('[memories.more]\nembedding_model = "embedder"\n')
    assert_refused(run("ingest", "docs"), 2, "there is no memory named: say which: more, notes")
    assert run("memory", "ls").stdout.splitlines() == ["more\tembedder", "notes\tembedder"]
