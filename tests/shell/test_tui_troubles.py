"""`poly tui` on a terminal when something is wrong: it says what, and leaves the terminal as it was."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.shell.conftest import ANSWER
from tests.shell.shown_tui import ShownTui
from tests.shell.terminal import Terminal

Configure = Callable[..., Path]

QUIT = "\x11"
F12 = "\x1b[24~"


def test_a_broken_configuration_is_said_in_words_and_mended_without_starting_again(
    configure: Configure, models: Path
) -> None:
    path = configure(models / "greeter.gguf", task="temprature = 1")

    with ShownTui() as tui:
        tui.until("temprature")
        assert "poly.toml: " in tui.screen.words.replace(" ", "").replace(":", ": ")
        configure(models / "greeter.gguf")
        tui.say("hello")
        tui.until(ANSWER)
        tui.press(QUIT)
        assert tui.end() == 0
        assert tui.screen.is_sane

    assert path.exists()


def test_a_damaged_file_of_chats_is_set_aside_and_that_is_said(home: Path, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")
    chats = home / "data/poly/chats.db"
    chats.parent.mkdir(parents=True)
    chats.write_bytes(b"no database " * 1000)

    with ShownTui() as tui:
        tui.until("damaged")
        tui.until("ready")
        tui.say("hello")
        tui.until(ANSWER)
        tui.press(QUIT)
        assert tui.end() == 0
        assert tui.screen.is_sane

    (aside,) = chats.parent.glob("chats.db.damaged-*[0-9]")
    assert aside.read_bytes() == b"no database " * 1000


def test_chats_that_cannot_be_kept_are_no_reason_not_to_talk(home: Path, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")
    (home / "data/poly").mkdir(parents=True)
    (home / "data/poly/chats.db").mkdir()

    with ShownTui() as tui:
        tui.until("chats are not kept")
        tui.until("ready")
        tui.say("hello")
        tui.until(ANSWER)
        tui.press(QUIT)
        assert tui.end() == 0
        assert tui.screen.is_sane


def test_broken_preferences_are_said_before_anything_is_painted(home: Path) -> None:
    (home / "config/poly").mkdir(parents=True)
    (home / "config/poly/tui.toml").write_text('mouse = "no"\n')

    with ShownTui() as tui:
        assert tui.end() == 2
        assert "tui.toml: mouse = 'no' must be true or false" in tui.screen.words
        assert tui.screen.is_sane


def test_a_mistake_of_ours_is_said_in_words_and_the_terminal_is_left_as_it_was(home: Path) -> None:
    with ShownTui(program="tests.shell.mistaken_tui") as tui:
        tui.until("Ask something")
        tui.press(F12)

        assert tui.end() == 1
        assert tui.screen.is_sane
        assert tui.has_echo
        text = tui.screen.words
    assert "poly: unexpected KeyError: ('nobody expected this', 22)" in text
    assert "poly tui -c goes on with it" in text
    assert "a secret in a variable" not in text
    (written,) = (home / "state").rglob("mistake.txt")
    assert "action_mistake" in written.read_text()


def test_no_colours_are_painted_where_none_are_wanted(configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    for env, is_coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with ShownTui(env=env) as tui:
            tui.until("ready")
            tui.say("hello")
            tui.until(ANSWER)
            tui.press(QUIT)
            assert tui.end() == 0
            assert tui.screen.is_coloured == is_coloured


def test_a_terminal_that_can_do_nothing_gets_words(configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    for args in ((), ("tui",)):
        with Terminal(*args, env={"TERM": "dumb"}) as terminal:
            shown = terminal.read_to_end()
            assert "\x1b" not in shown
            assert "poly chat" in shown
            assert terminal.process.returncode == 2


@pytest.mark.parametrize("redirection", ["<&-", "< /dev/null", ">&-", "| cat"])
def test_without_a_terminal_there_are_words(configure: Configure, models: Path, redirection: str) -> None:
    configure(models / "greeter.gguf")

    script = f"{sys.executable} -m poly_tui tui {redirection}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)

    assert "poly tui needs a terminal; poly chat and poly run also work in pipes" in done.stderr
    assert "Traceback" not in done.stderr
    assert redirection == "| cat" or done.returncode == 2
