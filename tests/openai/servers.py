"""Servers of OpenAI's protocol as processes, over tiny models: that of llama-cpp-python, and our own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEY = "open-sesame"


@contextmanager
def llama_cpp_server(model: Path, *arguments: str, n_ctx: int = 2048) -> Iterator[str]:
    """The server of llama-cpp-python in the block, as its URL; it wants KEY, and calls its model "tiny"."""
    port = _free_port()
    settings = ("--model", str(model), "--model_alias", "tiny", "--n_ctx", str(n_ctx), "--n_threads", "1")
    command = (sys.executable, "-W", "ignore", "-m", "llama_cpp.server", *settings, "--port", str(port))
    with _process("Uvicorn running on", *command, "--api_key", KEY, *arguments):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def poly_server(config: Path) -> Iterator[str]:
    """`poly serve` in the block, as its URL."""
    command = (sys.executable, "-m", "poly_tui", "--config", str(config), "serve", "--bind", "127.0.0.1:0")
    with _process("serving at ", *command) as line:
        yield f"{line.split()[-1]}/v1"


@contextmanager
def _process(words: str, *command: str) -> Iterator[str]:
    """A process in the block, once a line of its log holds some words; that line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment) as process:
        assert process.stderr is not None
        try:
            lines = iter(process.stderr.readline, b"")
            line = next((line for line in lines if words.encode() in line), None)
            assert line is not None, f"the server ended, and did not say: {words}"
            threading.Thread(target=process.stderr.read, daemon=True).start()  # else it waits for who reads its log
            yield line.decode()
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
