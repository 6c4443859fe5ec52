"""How far a pull is, in a line that fits the terminal."""

import pytest

from poly_engine.models.pull import PullProgress
from poly_tui.commands.pull_report import PullReport, progress_line


def downloading(n_done: int, rate: float | None = 2.5e6) -> PullProgress:
    return PullProgress("hf:a/b", n_done, 40_000_000, rate, "downloading")


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (80, "██████░░░░░░░░░░░░░░░░░░  25%  10 MB of 40 MB  2.5 MB/s  0:12 left"),
        (62, "██░░░░░  25%  10 MB of 40 MB  2.5 MB/s  0:12 left"),
        (40, " 25%  10 MB of 40 MB  2.5 MB/s  0:12 left"),
    ],
)
def test_a_bar_is_as_long_as_there_is_room(columns: int, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    assert progress_line(downloading(10_000_000)) == line


def test_of_a_size_that_nobody_knows_there_is_what_has_come() -> None:
    assert progress_line(PullProgress("hf:a/b", 999, None, 1e6, "downloading")) == "999 B  1 MB/s"


def test_hours_are_told_as_hours() -> None:
    assert progress_line(downloading(0, 1000.0)).endswith("11 h 6 min left")


def test_where_nobody_watches_each_tenth_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with PullReport(as_json=False) as report:
        for n_done in range(0, 40_000_001, 500_000):
            report.show(downloading(n_done, None))
        report.show(PullProgress("hf:a/b", 40_000_000, 40_000_000, None, "checking"))
        report.show(PullProgress("hf:a/b", 40_000_000, 40_000_000, None, "done"))

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "poly: 0 B of 40 MB"
    assert lines[-1] == "poly: checking 40 MB"
    assert len(lines) == 12
