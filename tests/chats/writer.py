"""A process that leads a chat until it is killed: python -m tests.chats.writer FILE LEDGER CHAT.

It notes in the ledger what is finished, after the scribe said so, and what was written so far of what is not.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path

from poly_engine.types import Token
from poly_tui.chats.log import ChatLog
from poly_tui.chats.scribe import Scribe
from tests.chats.steps import DONE


def main(path: Path, ledger: Path) -> None:
    """Answer one prompt after the other, some faster than they are written and some slower."""
    scribe = Scribe(path, sys.exit)
    log = ChatLog(scribe)
    notes = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in itertools.count():
        turn = log.ask(f"prompt {number}", "echo", "fake")
        for word in range(number % 7 * 20):
            log.hear(Token(f"{number}.{word} ", 1))
            os.write(notes, f"{time.monotonic()} {number} {word}\n".encode())
            time.sleep(0.002)
        log.hear(DONE)
        scribe.submit(lambda _: None).result()
        os.write(notes, f"{time.monotonic()} {number} done {turn.id} {log.chat.id}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
