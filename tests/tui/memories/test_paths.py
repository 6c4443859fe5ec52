"""Lines of paths, as they are typed, completed and dropped."""

from pathlib import Path

import pytest

from poly_tui.memories.paths import as_line, complete, source_path, split_paths, with_matches


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("", []),
        ("a.txt b.txt", ["a.txt", "b.txt"]),
        ("'my file.pdf' b.txt", ["my file.pdf", "b.txt"]),
        (r"my\ file.pdf", ["my file.pdf"]),
        ("file:///srv/my%20file.pdf", ["/srv/my file.pdf"]),
        ("it's.txt other.txt", ["it's.txt", "other.txt"]),
    ],
)
def test_a_line_stands_for_paths_however_they_are_quoted(line: str, paths: list[str]) -> None:
    assert split_paths(line) == paths


def test_a_line_that_is_the_name_of_a_file_is_that_file(tmp_path: Path) -> None:
    file = tmp_path / "a file with 'spaces'.txt"
    file.touch()
    assert split_paths(str(file)) == [str(file)]


def test_patterns_stand_for_what_they_match_and_a_file_of_such_a_name_for_itself(tmp_path: Path) -> None:
    for name in ("b.md", "a.md", "c.txt", "[1].txt"):
        (tmp_path / name).touch()
    assert with_matches([f"{tmp_path}/*.md", f"{tmp_path}/a.md"]) == [f"{tmp_path}/a.md", f"{tmp_path}/b.md"]
    assert with_matches([f"{tmp_path}/[1].txt"]) == [f"{tmp_path}/[1].txt"]
    assert with_matches([f"{tmp_path}/*.pdf"]) == [f"{tmp_path}/*.pdf"]


def test_what_is_certain_of_a_path_is_completed_and_what_could_come_next_is_told(tmp_path: Path) -> None:
    (tmp_path / "terms one.md").touch()
    (tmp_path / "terms two.md").touch()
    (tmp_path / "folder").mkdir()
    line, names = complete(f"first.md {tmp_path}/te")
    assert line == f"first.md {tmp_path}/terms\\ "
    assert names == ["terms one.md", "terms two.md"]
    assert complete(line + "o") == (f"first.md {tmp_path}/terms\\ one.md", [])
    assert complete(f"{tmp_path}/f") == (f"{tmp_path}/folder/", [])
    assert split_paths(complete(line + "t")[0]) == ["first.md", f"{tmp_path}/terms two.md"]


def test_lines_of_paths_become_one_line_whether_or_not_they_are_escaped(tmp_path: Path) -> None:
    file = tmp_path / "my file.txt"
    file.touch()
    line = as_line(f"{file}\n'/srv/a b.txt'\n\nfile:///srv/c.txt\n")
    assert split_paths(line) == [str(file), "/srv/a b.txt", "/srv/c.txt"]


def test_nothing_is_completed_where_there_is_nothing(tmp_path: Path) -> None:
    assert complete(f"{tmp_path}/missing/x") == (f"{tmp_path}/missing/x", [])


def test_only_a_path_names_a_file() -> None:
    assert source_path("/srv/a.txt") == Path("/srv/a.txt")
    assert source_path("stdin 0123456789ab") is None
