"""Getting a text to where it can be pasted: through tmux, the terminal, or a program of the desktop."""

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

__all__ = ["copied_by", "osc52"]

PATIENCE_S = 2.0
MOST_BYTES = 74_994
"""What terminals take at once by OSC 52 (xterm and iTerm; base64 makes 100 kB of it)."""

_PROGRAMS: Sequence[tuple[str, Sequence[str]]] = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("", ("pbcopy",)),
)
"""Each with the variable without which it has no desktop to talk to."""


def copied_by(
    text: str, write: Callable[[str], object] | None, environment: Mapping[str, str] = os.environ
) -> str | None:
    """Copy a text, and say what did it; None if nothing could. `write` writes to the terminal.

    Inside tmux its buffer is set, and tmux tells the terminal; a remote terminal is told by OSC 52; else a program of
    the desktop does it, and OSC 52 again where there is none. Whether a terminal listens to OSC 52 it does not say.
    """
    if environment.get("TMUX") and _runs(("tmux", "load-buffer", "-w", "-"), text, environment):
        return "tmux"
    is_remote = bool(environment.get("SSH_TTY") or environment.get("SSH_CONNECTION"))
    if not is_remote:
        for variable, command in _PROGRAMS:
            if (not variable or environment.get(variable)) and _runs(command, text, environment):
                return command[0]
    if write is None or len(text.encode()) > MOST_BYTES:
        return None
    write(osc52(text))
    return "the terminal"


def osc52(text: str) -> str:
    """What asks a terminal to copy a text."""
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"


def _runs(command: Sequence[str], text: str, environment: Mapping[str, str]) -> bool:
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603 - the programs are those above
            [program, *command[1:]],
            input=text.encode(),
            env=dict(environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
