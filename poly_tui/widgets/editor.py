"""The editor of the user, for what is long."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["edited"]


def edited(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Have `text` edited by $VISUAL, $EDITOR or vi, in the terminal; return what was saved.

    Raises OSError if there is no such editor or its file cannot be read, and ValueError if it says that it failed, or
    saved what is no text.
    """
    command = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="poly-") as folder:
        path = Path(folder) / "prompt.md"
        path.write_text(text, encoding="utf-8", errors="replace")
        status = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603 - what the user named
        if status:
            raise ValueError(f"{command[0]} ended with {status}: what was written stays as it was")
        return path.read_text(encoding="utf-8").removesuffix("\n")
