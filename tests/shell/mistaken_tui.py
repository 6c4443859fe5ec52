"""`python -m tests.shell.mistaken_tui`: the terminal interface with a mistake in it, behind F12."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

import poly_tui
from poly_tui.app import PolyApp, _run
from poly_tui.backend import Backend
from tests.fake_engine import FakeEngine


class MistakenApp(PolyApp):
    CSS_PATH = str(Path(poly_tui.__file__).parent / "poly.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f12", "mistake", id="app.mistake")]

    def action_mistake(self) -> None:
        secret = "a secret in a variable"
        raise KeyError("nobody expected this", len(secret))


if __name__ == "__main__":
    logging.getLogger("poly_tui").addHandler(logging.NullHandler())  # as the program does
    backend = Backend.of(FakeEngine())
    sys.exit(asyncio.run(_run(backend, MistakenApp(backend), has_mouse=True)))
