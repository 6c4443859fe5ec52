"""`poly` without a verb, and what the verbs say about themselves."""

import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import Result

from poly_engine import __version__
from poly_tui.cli import VERBS, poly

Run = Callable[..., Result]


@pytest.mark.parametrize("verb", VERBS)
def test_the_table_of_verbs_says_what_their_own_help_says(verb: str) -> None:
    with click.Context(poly) as context:
        command = poly.get_command(context, verb)

    assert command is not None
    assert (command.help or "").splitlines()[0] == VERBS[verb]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, run: Run) -> None:
    result = run(verb, "--help")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: poly {verb}")


def test_help_lists_all_verbs_and_the_exit_codes(run: Run) -> None:
    result = run("--help")

    assert result.exit_code == 0
    assert all(f"  {verb} " in result.stdout for verb in VERBS)
    assert "130" in result.stdout


def test_without_verb_and_terminal_the_help_goes_to_stderr_and_the_exit_code_is_2(run: Run) -> None:
    result = run()

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: poly ")


def test_a_mistyped_verb_is_one_line_with_a_suggestion(run: Run) -> None:
    result = run("rnu", "starter")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "poly: there is no verb rnu (did you mean run?) (see poly --help)\n"


def test_the_version_is_that_of_the_engine(run: Run) -> None:
    assert run("--version").stdout == f"poly {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, run: Run) -> None:
    result = run("completion", shell)

    assert result.exit_code == 0
    assert "_POLY_COMPLETE" in result.stdout


def test_the_shell_completes_verbs_and_names_of_tasks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_POLY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "poly run s")
    monkeypatch.setenv("COMP_CWORD", "2")

    assert run().stdout == "plain,starter\n"


HYGIENE = """
import contextlib, io, sys
from poly_tui.cli import poly

def names_after(*args):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        poly.main(list(args), prog_name="poly")
    return {name.split(".")[0] for name in sys.modules}, set(sys.modules)

packages, modules = names_after("--help")
assert not packages & {"poly_engine", "pydantic", "asyncio", "llama_cpp", "textual"}, packages
assert not [name for name in modules if name.startswith("poly_tui.commands")], modules
for args in [("config", "check"), ("task", "ls"), ("task", "show", "starter"), ("model", "ls"), ("chats", "ls"),
             ("completion", "zsh")]:
    packages, _ = names_after(*args)
    assert not packages & {"llama_cpp", "textual", "numpy"}, (args, packages)
packages, _ = names_after("run", "starter", "hello", "-q", "--max-tokens", "1")
assert "llama_cpp" in packages
assert "textual" not in packages
"""


def test_verbs_import_no_more_than_they_need() -> None:
    result = subprocess.run([sys.executable, "-c", HYGIENE], stdin=subprocess.DEVNULL, capture_output=True, check=False)

    assert (result.returncode, result.stderr) == (0, b"")
