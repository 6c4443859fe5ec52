"""The verbs of `poly memory` that look into one, look after it, and measure what it finds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.gguf_models import make
from tests.shell.test_bad_input import assert_refused

Run = Callable[..., Result]
Configure = Callable[..., Path]

CASES = """
[[case]]
question = "who barks at the postman?"
source = "*dogs.md"
[[case]]
question = "who sleeps?"
contains = "sleeps for SIXTEEN hours"
"""


@pytest.fixture(autouse=True)
def notes(run: Run, configure: Configure, models: Path) -> None:
    """A memory `notes` with two documents, and another one, `copy`."""
    more = f'[models.embedder]\nmodel_path = "{models / "embedder.gguf"}"\nthreads = 1\n'
    memories = "".join(f'[memories.{name}]\nembedding_model = "embedder"\n' for name in ("notes", "copy"))
    configure(models / "greeter.gguf", more=more + memories)
    Path("docs").mkdir()
    Path("docs/cats.txt").write_text("A cat sleeps for sixteen hours a day.")
    Path("docs/dogs.md").write_text("# Dogs\n\nA dog barks at the postman.\n")
    assert run("ingest", "notes", "docs").exit_code == 0


def test_show_tells_what_a_memory_holds(run: Run) -> None:
    shown = json.loads(run("memory", "show", "notes", "--json").stdout)
    assert (shown["documents"], shown["chunks"], shown["waiting"], shown["failed"]) == (2, 2, 0, 0)
    assert (shown["store"], shown["embedding_model"]) == ("file", "embedder")


def test_what_could_not_be_taken_in_is_listed_with_the_reason(run: Run) -> None:
    Path("empty.pdf").write_bytes(b"")
    assert run("ingest", "notes", "empty.pdf").exit_code == 1
    rows = json.loads(run("memory", "docs", "notes", "--json").stdout)
    assert [row["state"].partition(":")[0] for row in rows] == ["done", "done", "failed"]
    assert run("memory", "rm", "notes", str(Path("empty.pdf").absolute())).exit_code == 0
    assert len(run("memory", "docs", "notes").stdout.splitlines()) == 2


def test_chunks_lists_the_parts_of_a_document(run: Run) -> None:
    (chunk,) = json.loads(run("memory", "chunks", "notes", str(Path("docs/dogs.md").absolute()), "--json").stdout)
    assert (chunk["headings"], chunk["number"]) == ("Dogs", 0)
    assert "barks" in chunk["text"]
    assert_refused(run("memory", "chunks", "notes", "nothing"), 2, "no document nothing")


def test_a_sound_memory_is_verified(run: Run) -> None:
    result = run("memory", "verify", "notes")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "poly: notes is sound\n")


def test_an_export_is_imported_without_embedding_anything(run: Run) -> None:
    exported = run("memory", "export", "notes").stdout_bytes
    assert len(exported.splitlines()) == 3
    done = [json.loads(line) for line in run("memory", "import", "copy", "--json", input=exported).stdout.splitlines()]
    assert [(one["outcome"], one["n_embedded"]) for one in done] == [("added", 0), ("added", 0)]
    assert "A dog barks" in run("recall", "copy", "who barks?", "-n", "1").stdout
    again = run("memory", "import", "copy", input=exported).stdout
    assert [line.split("\t")[0] for line in again.splitlines()] == ["unchanged", "unchanged"]


def test_an_export_to_a_file_is_whole_or_not_there(run: Run) -> None:
    assert run("memory", "export", "notes", "-o", "notes.jsonl").exit_code == 0
    assert run("memory", "import", "copy", "notes.jsonl").exit_code == 0
    assert_refused(run("memory", "export", "nots", "-o", "nots.jsonl"), 2, "memory not found: nots")
    assert not Path("nots.jsonl").exists()


def test_what_was_not_exported_is_refused(run: Run) -> None:
    assert_refused(run("memory", "import", "copy", input="A cat sleeps."), 2, "line 1 is no JSON")
    assert_refused(run("memory", "import", "copy", input=""), 2, "the file is empty")


def test_another_model_is_refused_until_the_memory_is_embedded_anew(run: Run, models: Path) -> None:
    make("bert", models / "other.gguf", seed=7)
    Path("poly.toml").write_text(Path("poly.toml").read_text().replace("embedder.gguf", "other.gguf"))
    assert_refused(run("recall", "notes", "who barks?"), 1, "another file of that name", "poly memory reindex")
    result = run("memory", "reindex", "notes")
    assert result.exit_code == 0
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["replaced", "replaced"]
    assert "A dog barks" in run("recall", "notes", "who barks?").stdout


def test_cases_are_measured_and_settings_compared(run: Run) -> None:
    Path("cases.toml").write_text(CASES)
    result = run("memory", "test", "notes", "cases.toml", "--compare", "mmr=0.5,neighbours=1", "--json")
    assert result.exit_code == 0
    first, second = json.loads(result.stdout)
    assert (first["settings"], second["settings"]) == ("as configured", "mmr=0.5,neighbours=1")
    assert (first["recall@10"], first["cases"], len(first["ranks"])) == (1.0, 2, 2)


def test_a_case_that_is_not_answered_is_named(run: Run) -> None:
    Path("cases.toml").write_text(CASES + '[[case]]\nquestion = "who flies?"\ncontains = "flies"\n')
    result = run("memory", "test", "notes", "cases.toml")
    assert result.exit_code == 1
    assert "poly: not found: who flies?" in result.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "must hold tables [[case]]"),
        ("[[case]]\n", "case.0.question: Field required"),
        ('[[case]]\nquestion = "a"\npages = 3\n', "case.0.pages: Unexpected keyword argument"),
        ("nonsense", "is no TOML"),
        ('[[case]]\nquestion = "a"\n[more]\n', "nothing else"),
    ],
)
def test_cases_that_cannot_be_read_are_refused(run: Run, content: str, complaint: str) -> None:
    Path("cases.toml").write_text(content)
    assert_refused(run("memory", "test", "notes", "cases.toml"), 2, complaint)


def test_settings_that_there_are_not_are_refused(run: Run) -> None:
    Path("cases.toml").write_text(CASES)
    assert_refused(run("memory", "test", "notes", "cases.toml", "--compare", "mrm=1"), 2, "the keys are max_tokens")


def test_calibrate_finds_a_score_below_which_nothing_is_an_answer(run: Run) -> None:
    Path("cases.toml").write_text(CASES)
    result = run("memory", "calibrate", "notes", "cases.toml", "--json")
    found = json.loads(result.stdout)
    assert -1 <= found["min_score"] <= 1
    assert found["cases_kept"].endswith(" %")
    assert "below [memories.notes]" in result.stderr
    assert_refused(run("memory", "calibrate", "copy"), 2, "memory copy is empty")


def test_recall_by_pattern_and_with_a_budget(run: Run) -> None:
    recalled = json.loads(run("recall", "notes", "who sleeps?", "--source", "*.md", "--json").stdout)
    assert [Path(hit["source"]).name for hit in recalled["hits"]] == ["dogs.md"]
    assert_refused(run("recall", "notes", "who?", "--source", "*.pdf"), 2, "no document *.pdf")
    result = run("recall", "notes", "who sleeps?", "--max-tokens", "1")
    assert (result.stdout, result.stderr) == ("", "poly: 2 more had no room in --max-tokens\n")
