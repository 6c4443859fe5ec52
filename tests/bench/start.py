"""`python -m tests.bench.start`: how soon after its start `poly` stands there and can be typed on.

The floor is Textual itself: an application with nothing but a text area.
"""

import os
import statistics
import sys
import time
from pathlib import Path

import pexpect

N_ROUNDS = 7
SIZE = (24, 80)
FLOOR = """
from textual.app import App
from textual.widgets import TextArea
class Floor(App):
    def compose(self):
        yield TextArea(placeholder="Ask something")
Floor().run()
"""


def main() -> None:
    """Print milliseconds of wall-clock time to the first paint and to the echo of what was typed meanwhile."""
    poly = str(Path(sys.executable).with_name("poly"))
    commands = {"poly": [poly, "tui", "--no-log"], "floor": [sys.executable, "-c", FLOOR]}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(N_ROUNDS):
        for name, command in commands.items():
            times[name].append(_start(command))
    print(f"{'':8}{'painted':>10}{'typed':>10}   ms, median of {N_ROUNDS} rounds")
    for name, rounds in times.items():
        painted, typed = (statistics.median(column) * 1000 for column in zip(*rounds, strict=True))
        print(f"{name:8}{painted:10.0f}{typed:10.0f}")


def _start(command: list[str]) -> tuple[float, float]:
    """Seconds until the prompt is painted, and until keys that were pressed then are on the screen."""
    environment = {**os.environ, "TERM": "xterm-256color"}
    began = time.perf_counter()
    program = pexpect.spawn(command[0], command[1:], dimensions=SIZE, env=environment, encoding="utf-8", timeout=30)
    program.delaybeforesend = None
    program.expect("sk something")  # the cursor stands on the first letter
    painted = time.perf_counter() - began
    program.send("zq")
    program.expect("z.*q")
    typed = time.perf_counter() - began
    program.sendcontrol("q")
    program.expect(pexpect.EOF)
    program.close()
    return painted, typed


if __name__ == "__main__":
    main()
