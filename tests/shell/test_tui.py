"""`poly tui` on a terminal, with a model that counts: what comes, is stopped, and outlives storms."""

import signal
from collections.abc import Callable
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.shell.conftest import ANSWER, COUNT
from tests.shell.shown_tui import ShownTui, answers, drafts
from tests.shell.terminal import PATIENCE_S

Configure = Callable[..., Path]

QUIT = "\x11"
N_RESIZES = 200


def test_an_answer_streams_and_the_terminal_is_left_as_it_was(home: Path, configure: Configure, models: Path) -> None:
    configure(models / "greeter.gguf")

    with ShownTui() as tui:
        tui.until("ready")
        tui.say("hello")
        tui.until(ANSWER)
        tui.until("ready")
        assert "1049" in tui.screen.modes
        tui.press(QUIT)

        assert tui.end() == 0
        assert tui.screen.is_sane
        assert tui.has_echo
    assert answers(home) == [(ANSWER, "complete")]


def test_esc_stops_an_answer_and_keeps_what_was_written(home: Path, configure: Configure, counter: Path) -> None:
    configure(counter)

    with ShownTui() as tui:
        tui.until("ready")
        tui.say("count")
        tui.until("17 18 19")
        tui.press("\x1b")
        tui.until("stopped")
        tui.until("ready")
        assert "17 18 19" in tui.screen.text
        tui.press("again")
        tui.until("again")
        tui.press("\r")
        tui.until(lambda screen: screen.text.count("17 18 19") > 1)
        tui.press(QUIT)
        assert tui.end() == 0

    first, second = answers(home)
    assert first[1] == second[1] == "stopped"
    assert COUNT.startswith(first[0])
    assert COUNT.startswith(second[0])


def test_a_storm_of_resizes_loses_nothing(home: Path, configure: Configure, counter: Path) -> None:
    configure(counter)
    chance = Random(6)

    with ShownTui() as tui:
        tui.until("ready")
        tui.say("count")
        tui.until("17 18 19")
        for _ in range(N_RESIZES):
            tui.resize(chance.randint(1, 200), chance.randint(1, 60))
            tui.take_in()
        tui.resize(1, 1)
        tui.resize(100, 30)
        tui.until("ready")
        tui.until("999 1000")
        numbers = [word for row in tui.screen.rows if row.startswith("  ") for word in row.split() if word.isdigit()]
        assert numbers == [str(number) for number in range(1001 - len(numbers), 1001)]
        assert len(numbers) > 300
        tui.press(QUIT)
        assert tui.end() == 0
        assert tui.screen.is_sane

    assert answers(home) == [(COUNT, "complete")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_as_if_it_had_been_left(
    home: Path, configure: Configure, counter: Path, number: signal.Signals
) -> None:
    configure(counter)

    with ShownTui() as tui:
        tui.until("ready")
        tui.say("count")
        tui.until("17 18 19")
        tui.press("not yet sent")
        tui.until("not yet sent")
        tui.kill(number)

        assert tui.end() == 128 + number
        assert tui.screen.is_sane
        assert tui.has_echo

    ((answer, state),) = answers(home)
    assert (COUNT.startswith(answer), state) == (True, "stopped")
    assert "17 18 19" in answer
    assert drafts(home) == ["not yet sent"]


@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP,)])
def test_a_window_that_is_closed_ends_it_and_keeps_the_chat(
    home: Path, configure: Configure, counter: Path, ignored: tuple[signal.Signals, ...]
) -> None:
    configure(counter)

    with ShownTui(ignored=ignored) as tui:
        tui.until("ready")
        tui.say("count")
        tui.until("17 18 19")
        tui.close_window()

        assert tui.process.wait(PATIENCE_S) == 128 + signal.SIGHUP

    ((answer, state),) = answers(home)
    assert (COUNT.startswith(answer), state) == (True, "stopped")
    assert "17 18 19" in answer


def test_a_model_that_dies_ends_its_answer_alone(home: Path, configure: Configure, counter: Path) -> None:
    configure(counter)

    with ShownTui() as tui:
        tui.until("ready")
        tui.say("count")
        tui.until("17 18 19")
        tui.press("not yet sent")
        tui.until("not yet sent")
        for process in tui.models():
            process.kill()
        tui.until(lambda screen: " ✗ " in screen.text and "SIGKILL" in screen.words)
        tui.until(" count\n")
        assert "not yet sent" in tui.screen.text
        tui.press("\r")
        tui.until(lambda screen: "17 18 19" in screen.text.rpartition("not yet sent")[2])
        tui.press("\x1b")
        tui.until("stopped")
        tui.press(QUIT)
        assert tui.end() == 0
        assert tui.screen.is_sane

    first, second = answers(home)
    assert (COUNT.startswith(first[0]), first[1]) == (True, "failed")
    assert "17 18 19" in first[0]
    assert (COUNT.startswith(second[0]), second[1]) == (True, "stopped")


def test_no_process_of_a_model_outlives_it(configure: Configure, counter: Path) -> None:
    configure(counter)

    with ShownTui() as tui:
        tui.until("ready")
        tui.say("count")
        tui.until("17 18 19")
        models = tui.models()
        assert models
        tui.kill(signal.SIGKILL)
        tui.process.wait(PATIENCE_S)
        gone, alive = psutil.wait_procs(models, PATIENCE_S)

    assert not alive
    assert len(gone) == len(models)
