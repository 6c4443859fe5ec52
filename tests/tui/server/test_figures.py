"""What is shown of a server, as texts: charts, columns, figures, and lines of its log."""

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from poly_tui.screens.server.charts import Charts, Figure, sparkline
from poly_tui.screens.server.columns import Column, aligned
from poly_tui.screens.server.figures import bytes_text, count_text, pace_text, seconds_text, span_text
from poly_tui.serving.curl import as_curl
from poly_tui.serving.log_file import LogFile
from poly_tui.serving.log_line import LogLine
from tests.tui.server.fake_servers import report


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def charts_of(*totals: int, step_s: float = 1.0, span_s: float = 300.0) -> tuple[Charts, Clock]:
    clock = Clock()
    charts = Charts(clock, span_s)
    for place, total in enumerate(totals):
        charts.add(report(n_tokens=total, uptime_s=float(place)))
        clock.now += step_s
    return charts, clock


def test_the_pace_is_how_many_tokens_came_since_the_last_report() -> None:
    charts, _ = charts_of(0, 50, 150, 150, step_s=0.5)
    assert list(charts.bars(Figure.PACE, 1)) == [100.0]
    assert charts.latest(Figure.PACE) == 0


def test_a_server_that_was_begun_anew_has_no_pace_at_first() -> None:
    charts, _ = charts_of(0, 100)
    charts.add(report(n_tokens=10, uptime_s=0.1))
    assert charts.latest(Figure.PACE) == 100


def test_bars_are_of_equal_times_and_a_missed_report_leaves_no_gap() -> None:
    charts, clock = charts_of(0, 10, 30)
    clock.now += 2
    charts.add(report(n_tokens=30, uptime_s=9.0))
    assert list(charts.bars(Figure.PACE, 6)) == [None, 10.0, 20.0, 20.0, 20.0, 0.0]


def test_what_is_older_than_the_span_is_forgotten() -> None:
    charts, _ = charts_of(*range(0, 1000, 10), step_s=1.0, span_s=10.0)
    assert charts.bars(Figure.PACE, 50)[:39] == [None] * 39
    charts.forget()
    assert charts.bars(Figure.PACE, 3) == [None] * 3


def test_a_sparkline_goes_from_nothing_to_the_largest() -> None:
    assert sparkline([None, 0, 1, 2, 4]) == " ▁▃▅█"
    assert sparkline([0.0, 0.0]) == "▁▁"


COLUMNS = (Column("Task", 9), Column("Tok", 2, is_number=True), Column("State", 5))


def test_columns_that_matter_least_are_left_out_first() -> None:
    rows = [("legal", "41", "writing")]
    assert aligned(COLUMNS, rows, 40) == ["Task   Tok  State", "legal   41  writing"]
    assert aligned(COLUMNS, rows, 18) == ["Task   State", "legal  writing"]
    assert aligned(COLUMNS, rows, 6) == ["Task", "legal"]


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=4), st.integers(1, 60))
def test_whatever_the_cells_hold_no_row_is_wider_than_the_room_or_harms_a_terminal(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    for row in aligned(COLUMNS, rows, width):
        assert cell_len(row) <= width
        assert not any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 for sign in row)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (count_text(940), "940"),
        (count_text(1284), "1.3k"),
        (count_text(88_000), "88k"),
        (count_text(1_250_000), "1.2M"),
        (pace_text(0), "-"),
        (pace_text(46.13), "46.1"),
        (pace_text(4210.4), "4210"),
        (seconds_text(0.414), "0.41s"),
        (seconds_text(12), "12.0s"),
        (seconds_text(192), "3m12s"),
        (span_text(42), "42s"),
        (span_text(11_520), "3h12m"),
        (span_text(4 * 86400 + 3 * 3600), "4d3h"),
        (bytes_text(94_000_000), "94 MB"),
        (bytes_text(3_400_000_000), "3.4 GB"),
    ],
)
def test_figures_are_short(text: str, expected: str) -> None:
    assert text == expected


def line(message: str, level: str = "info", **more: object) -> LogLine:
    return LogLine.of(json.dumps({"time": "2026-05-04T14:02:11.123Z", "level": level, "message": message, **more}))


def test_a_line_of_the_log_tells_time_level_and_message_and_a_traceback_below() -> None:
    found = line("no room", "warning", traceback="Traceback:\n  here")
    assert found.rows == ("14:02:11 ! warning no room", "  Traceback:", "    here")
    assert found.is_at_least("info")
    assert not found.is_at_least("error")
    assert found.has("HERE room")
    assert not found.has("room there")


def test_a_request_is_told_without_its_id_and_with_who_asked() -> None:
    found = line("f00d GET /v1/task", method="GET", path="/v1/task", status=200, ms=1.5, subject="key:bot")
    assert found.rows == ("14:02:11 · info    GET /v1/task 200 1.5 ms key:bot",)


def test_a_line_that_is_no_json_is_told_as_it_is_and_whatever_the_level() -> None:
    assert LogLine.of("poly: address already in use").rows == ("poly: address already in use",)
    assert LogLine.of("[1]").is_at_least("error")
    assert line("\x1b[2J\nforged").rows == ("14:02:11 · info    ␛[2J", "  forged")


def test_a_file_is_read_as_it_grows_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "serve.log"
    log = LogFile(path)
    assert not log.read()
    path.write_bytes(b"one\ntw")
    assert list(log.read()) == ["one"]
    with path.open("ab") as file:
        file.write(b"o\nthree")
    assert list(log.read()) == ["two"]
    assert log.read_rest() == "three"
    path.write_bytes(b"new\n")
    assert list(log.read()) == ["new"]


def test_of_a_file_that_is_very_long_only_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "serve.log"
    path.write_text("".join(f"line {number}\n" for number in range(100_000)))
    found = LogFile(path).read()
    assert found[-1] == "line 99999"
    assert 1000 < len(found) < 30_000
    assert all(one.startswith("line ") for one in found)


def test_a_curl_command_holds_no_key_and_quotes_what_a_shell_would_obey() -> None:
    command = as_curl("http://h:1", "a'; rm -rf ~;'")
    assert "$POLY_API_KEY" in command
    assert "'\"'\"'; rm" in command
