"""A program that is killed while answers come in loses no finished turn, and only the last moment of the others."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.chats.steps import read

N_KILLS = 8
LATEST_S = 2.5
LOST_S = 1.5
"""What a busy machine may make of the 0.2 s between two writes."""


def test_a_kill_loses_no_finished_turn_and_little_of_the_last_one(path: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    n_finished = n_partial = 0
    for kill in range(N_KILLS):
        ledger = tmp_path / f"ledger{kill}"
        killed_at = _lead_and_kill(path, ledger, chance.random() * LATEST_S)
        notes = [line.split() for line in ledger.read_text().splitlines()]
        finished = [note for note in notes if note[2] == "done"]
        if not finished:
            continue
        n_finished += len(finished)
        turns = {turn.prompt: turn for turn in read(path, int(finished[-1][4])).path}
        for _, number, *_ in finished:
            turn = turns[f"prompt {number}"]
            words = "".join(f"{number}.{word} " for word in range(int(number) % 7 * 20))
            assert (turn.answer, turn.state) == (words, "complete")
        last = turns.get(f"prompt {len(finished)}")
        if last is not None and last.state == "writing":
            n_partial += 1
            said = [note for note in notes if note[1] == str(len(finished)) and float(note[0]) < killed_at - LOST_S]
            assert last.answer.startswith("".join(f"{number}.{word} " for _, number, word in said))
    assert n_finished > N_KILLS
    assert n_partial


def _lead_and_kill(path: Path, ledger: Path, delay_s: float) -> float:
    """Let a process lead a chat, kill it after its first turn and a while; return when that was."""
    with subprocess.Popen([sys.executable, "-m", "tests.chats.writer", str(path), str(ledger)]) as process:
        while not ledger.exists() or "done" not in ledger.read_text():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay_s)
        killed_at = time.monotonic()
        os.kill(process.pid, signal.SIGKILL)
    return killed_at
