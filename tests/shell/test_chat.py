"""`poly chat` through pipes; tests/shell/test_terminal.py has it on a terminal."""

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from tests.shell.conftest import ANSWER

Run = Callable[..., Result]
Configure = Callable[..., Path]


def test_each_line_of_a_pipe_is_a_turn_and_nothing_but_answers_is_printed(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "greeter.gguf")

    result = run("chat", input="hello\n\nhow are you")

    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{ANSWER}\n{ANSWER}\n", "")


def test_a_backslash_continues_a_line(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    assert run("chat", "greet", input="hello\\\nthere\n").stdout == f"{ANSWER}\n"


def test_a_turn_that_fails_does_not_end_the_chat_but_shows_in_the_exit_code(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "greeter.gguf", 'private_tokens = ["secret"]')

    result = run("chat", input="a secret\nhello\n")

    assert (result.exit_code, result.stdout) == (1, f"{ANSWER}\n")
    assert "illegal token" in result.stderr


def test_another_task_can_be_chosen_and_the_chat_be_left(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf", more='[tasks.short]\nmodel = "tiny"\nrepeat_penalty = 1\nmax_tokens = 5')

    result = run("chat", input="/task short\nhello\n/task nosuch\nhello\n/quit\nhello\n")

    assert result.stdout == "Hello\nHello\n"
    assert "task not found: nosuch" in result.stderr


def test_what_a_chat_does_not_understand_is_not_dropped_in_silence(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "greeter.gguf")

    result = run("chat", input="/hlep\n/etc/passwd is a path\n")

    assert (result.exit_code, result.stdout) == (1, f"{ANSWER}\n")
    assert result.stderr == "poly: there is no /hlep; /help lists what there is\n"


def test_a_new_conversation_forgets_the_old_one(run: Run, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    long = run("chat", input="hello there\n" * 8)
    anew = run("chat", input="hello there\n/new\n" * 8)

    assert "forgotten" in long.stderr
    assert (anew.exit_code, anew.stderr) == (0, "")


def test_a_configuration_without_tasks_has_nobody_to_talk_to(run: Run) -> None:
    Path("poly.toml").write_text("public = false\n")

    result = run("chat", input="hello\n")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "no task is configured" in result.stderr
