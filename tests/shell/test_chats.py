"""Chats that are kept: poly chat with -c, -s and -n, and the verbs of poly chats."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.shell.conftest import ANSWER
from tests.shell.terminal import Terminal

Run = Callable[..., Result]
Configure = Callable[..., Path]


@pytest.fixture
def chatted(configure: Configure, models: Path) -> str:
    """A chat at a terminal; returns what was shown at its end."""
    configure(models / "greeter.gguf")
    with Terminal("chat") as terminal:
        terminal.read_until("> ")
        terminal.press("when may it end\n")
        terminal.read_until(ANSWER)
        terminal.read_until("> ")
        terminal.press("\x04")
        shown = terminal.read_to_end()
        assert terminal.process.returncode == 0
    return shown


@pytest.mark.usefixtures("chatted")
def test_a_chat_at_a_terminal_is_kept_and_found(run: Run) -> None:
    (row,) = run("chats", "ls").stdout.splitlines()
    assert row.split("\t")[:4] == ["1", "when may it end", "greet", "1"]

    (found,) = json.loads(run("chats", "search", "may", "en", "--json").stdout)
    assert (found["id"], found["excerpt"]) == (1, "when may it end")
    assert run("chats", "search", "nothing").stdout == ""


@pytest.mark.usefixtures("chatted")
def test_a_chat_goes_on_with_what_was_said(run: Run) -> None:
    assert run("chat", "-c", input="and then\n").stdout == f"{ANSWER}\n"
    assert run("chat", "-s", "1", input="and then?\n").exit_code == 0

    turns = json.loads(run("chats", "show", "--json").stdout)["turns"]
    assert [(turn["prompt"], turn["parent"]) for turn in turns] == [
        ("when may it end", None),
        ("and then", 1),
        ("and then?", 2),
    ]
    # Both are in the context of the second one
    assert turns[1]["usage"]["prompt_tokens"] > 2 * turns[0]["usage"]["prompt_tokens"]


def test_the_number_of_a_chat_is_said_at_its_end(chatted: str) -> None:
    assert "This was chat 1: poly chat -c goes on with it." in chatted


def test_a_pipe_and_no_log_keep_nothing(run: Run, configure: Configure, models: Path, home: Path) -> None:
    configure(models / "greeter.gguf")

    assert run("chat", input="hello\n").exit_code == 0
    with Terminal("chat", "-n") as terminal:
        terminal.read_until("> ")
        terminal.press("hello\n")
        terminal.read_until(ANSWER)
        terminal.read_until("> ")
        terminal.press("\x04")
        terminal.read_to_end()

    assert run("chats", "ls").stdout == ""
    assert not (home / "data/poly/chats.db").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("chat", "-c"), "there is no chat to go on with"),
        (("chat", "-s", "9"), "chat not found: 9"),
        (("chat", "-c", "-n"), "leave out --no-log"),
        (("chats", "show"), "no chat was kept yet"),
        (("chats", "rm", "3"), "chat not found: 3"),
        (("--connect", "http://x", "chats", "ls"), "leave out --connect"),
    ],
)
def test_a_chat_that_is_not_there_is_told(args: tuple[str, ...], words: str, run: Run) -> None:
    result = run(*args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


@pytest.mark.usefixtures("chatted")
def test_a_chat_is_exported_by_the_name_of_the_file_or_by_the_format(run: Run) -> None:
    assert run("chats", "export", "1", "-o", "chat.html").exit_code == 0
    assert Path("chat.html").read_text().startswith("<!doctype html>")
    assert run("chats", "export", "-f", "json").stdout == run("chats", "show", "--json").stdout
    assert run("chats", "export").stdout == run("chats", "show").stdout
    assert run("chats", "show").stdout.startswith("# when may it end\n\n> when may it end\n\n*greet · tiny · ")


@pytest.mark.usefixtures("chatted")
def test_a_deleted_chat_is_gone(run: Run) -> None:
    assert run("chats", "rm", "1").exit_code == 0
    assert run("chats", "ls").stdout == ""
    assert run("chats", "show", "1").exit_code == 2


def test_a_damaged_file_is_told_and_left_as_it_is(run: Run, home: Path) -> None:
    path = home / "data/poly/chats.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database " * 1000)

    result = run("chats", "ls")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "chats.db is damaged" in result.stderr
    assert path.read_bytes() == b"no database " * 1000


def test_a_terminal_interface_that_is_killed_leaves_what_was_answered_so_far(
    run: Run, configure: Configure, models: Path
) -> None:
    configure(models / "talker.gguf")

    def turns() -> list[dict[str, str]]:
        shown = run("chats", "show", "--json").stdout
        found: list[dict[str, str]] = json.loads(shown)["turns"] if shown else []
        return found

    with Terminal("tui") as terminal:
        terminal.read_until("ready")
        terminal.press("hello\r")
        while not (answer := "".join(turn["answer"] for turn in turns())):
            terminal.read_until("la")
        terminal.process.kill()
        terminal.process.wait()

    (turn,) = turns()
    assert (turn["prompt"], turn["answer"].startswith(answer)) == ("hello", True)
    assert run("chat", "-c", input="more\n").stdout.startswith("la la")
    assert [str(one["parent"]) for one in turns()] == ["None", "1"]
