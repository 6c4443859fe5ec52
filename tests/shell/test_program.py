"""`poly` as a program: signals, pipes and terminals."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.gguf_models import make_scripted
from tests.shell.conftest import ANSWER
from tests.shell.terminal import Terminal, start

Configure = Callable[..., Path]


def test_a_reader_that_leaves_ends_it_quietly(configure: Configure, models: Path) -> None:
    configure(models / "talker.gguf")

    with start("run", "greet", "hello") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(2) == b"la"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_ctrl_c_ends_a_run_with_130_and_keeps_what_was_written(configure: Configure, models: Path) -> None:
    configure(models / "talker.gguf")

    with start("run", "greet", "hello") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        begin = process.stdout.read(4)
        process.send_signal(signal.SIGINT)
        text = begin + process.stdout.read()
        assert (process.stderr.read(), process.wait()) == (b"", 130)

    assert (b"la " * 1000).startswith(text)
    assert len(text) < 3000


def test_a_full_disk_is_one_line(configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "poly_tui", "task", "ls"], stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert (result.returncode, result.stderr) == (1, b"poly: No space left on device\n")


def test_llama_cpp_is_heard_only_if_asked_for(configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    with start("-v", "run", "greet", "hello") as process:
        text, log = process.communicate()

    assert (process.returncode, text.decode()) == (0, f"{ANSWER}\n")
    assert b"poly_engine.llama.library: llama_model_loader" in log


def test_a_chat_on_a_terminal_goes_on_when_an_answer_is_stopped(configure: Configure, models: Path) -> None:
    configure(models / "talker.gguf")

    with Terminal("chat") as terminal:
        terminal.read_until("> ")
        terminal.read_until("Ctrl-D leaves the chat", pressing="\x03")
        terminal.press("hello\n")
        terminal.read_until("la la")
        terminal.press("\x03")
        terminal.read_until("> ")
        terminal.press("/help\n")
        assert "/task NAME" in terminal.read_until("\n> ")
        terminal.press("\x04")
        terminal.read_to_end()

        assert terminal.process.returncode == 0


def test_a_terminal_gets_a_coloured_table_unless_no_color_is_set(configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    with Terminal("task", "ls") as coloured, Terminal("task", "ls", env={"NO_COLOR": "1"}) as plain:
        assert coloured.read_to_end().startswith("\x1b[1mNAME ")
        assert plain.read_to_end().replace("\r", "") == "NAME   MODEL  DESCRIPTION\ngreet  tiny\n"


def test_a_terminal_does_not_obey_what_a_model_writes(configure: Configure) -> None:
    configure(make_scripted(Path("bell.gguf").absolute(), "a\x1b[31mb\a", start="\n"))

    with Terminal("run", "greet", "hello") as terminal:
        assert terminal.read_to_end() == "a[31mb\r\n"


def test_poly_alone_opens_the_terminal_interface_on_a_terminal_and_logs_to_a_file(home: Path) -> None:
    with Terminal("-v") as terminal:
        assert "\x1b[?1049h" in terminal.read_until("starter")  # the alternate screen

    assert (home / "state/poly/tui.log").exists()


def test_closed_streams_do_not_confuse_it() -> None:
    script = f"{sys.executable} -m poly_tui task ls >&- && {sys.executable} -m poly_tui <&- 2>/dev/null"

    assert subprocess.run(["sh", "-c", script], check=False).returncode == 2
