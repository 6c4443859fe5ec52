import base64
from pathlib import Path

import pytest

from poly_tui.attention import call
from poly_tui.clipboard import MOST_BYTES, copied_by, osc52


def _program(folder: Path, name: str, status: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    out = folder / f"{name}.out"
    path = folder / name
    path.write_text(f'#!/bin/sh\n/bin/cat > "{out}"\nexit {status}\n')
    path.chmod(0o755)
    return out


def test_in_tmux_its_buffer_is_set(tmp_path: Path) -> None:
    out = _program(tmp_path, "tmux")
    written: list[str] = []
    assert copied_by("héllo", written.append, {"TMUX": "x", "PATH": str(tmp_path)}) == "tmux"
    assert out.read_text() == "héllo"
    assert not written


def test_a_remote_terminal_is_told(tmp_path: Path) -> None:
    _program(tmp_path, "xclip")
    written: list[str] = []
    environment = {"SSH_TTY": "/dev/pts/1", "DISPLAY": ":0", "PATH": str(tmp_path)}
    assert copied_by("hello", written.append, environment) == "the terminal"
    assert written == [osc52("hello")]
    assert base64.b64decode(written[0].removeprefix("\x1b]52;c;").removesuffix("\a")) == b"hello"


@pytest.mark.parametrize(
    ("variable", "program"), [("WAYLAND_DISPLAY", "wl-copy"), ("DISPLAY", "xclip"), ("X", "pbcopy")]
)
def test_a_program_of_the_desktop_does_it(tmp_path: Path, variable: str, program: str) -> None:
    out = _program(tmp_path, program)
    assert copied_by("hello", None, {variable: ":0", "PATH": str(tmp_path)}) == program
    assert out.read_text() == "hello"
    assert copied_by("hello", None, {"PATH": str(tmp_path / "nowhere")}) is None


def test_what_fails_is_followed_by_what_may_work(tmp_path: Path) -> None:
    _program(tmp_path, "tmux", status=1)
    _program(tmp_path, "xclip", status=1)
    written: list[str] = []
    environment = {"TMUX": "x", "DISPLAY": ":0", "PATH": str(tmp_path)}
    assert copied_by("hello", written.append, environment) == "the terminal"


def test_a_terminal_is_not_told_of_more_than_it_takes() -> None:
    written: list[str] = []
    assert copied_by("x" * (MOST_BYTES + 1), written.append, {}) is None
    assert not written


@pytest.mark.parametrize(
    ("environment", "begin"),
    [
        ({"TERM": "xterm-kitty"}, "\x1b]99;;"),
        ({"TERM": "foot"}, "\x1b]777;notify;Poly;"),
        ({"TERM_PROGRAM": "WezTerm"}, "\x1b]9;"),
        ({"TERM": "xterm-256color"}, "\a"),
    ],
)
def test_terminals_are_called_in_their_own_way_and_nothing_of_the_text_is_a_code(
    environment: dict[str, str], begin: str
) -> None:
    asked = call("one\x1b]0;two\a\nthree", environment)
    assert asked.startswith(begin)
    assert asked.endswith("\a")
    assert asked.count("\x1b") in (0, 2)
