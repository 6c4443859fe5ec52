"""Several servers as processes, and what stands before them, as the README configures it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

__all__ = ["Replica", "balanced", "free_port", "snippet"]

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
_PATIENCE_S = 120.0


def free_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def snippet(language: str) -> str:
    """What the README shows in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


@dataclass(slots=True)
class Replica:
    """`poly serve` on a port of its own, with a folder for its data and its log."""

    config: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it; when this returns, it is ready."""
        self.folder.mkdir(exist_ok=True)
        command: tuple[str, ...] = (sys.executable, "-m", "poly_tui", "--config", str(self.config), "serve")
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder),
            "POLY_DATA_DIR": str(self.folder),
        }
        with (self.folder / "log").open("ab") as log:  # a pipe would be full some time
            command = (*command, "--bind", f"127.0.0.1:{self.port}")
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: ASYNC220 - of no loop
        await _answers(f"{self.url}/readyz", self.process)

    def log(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text("utf-8")[-4000:]

    async def end(self, number: signal.Signals) -> int:
        """End it by a signal; the code that it ends with."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait)


@asynccontextmanager
async def balanced(kind: str, replicas: Sequence[Replica], folder: Path) -> AsyncIterator[str]:
    """nginx or haproxy before some servers, configured as in the README but for the addresses; its URL."""
    port = free_port()
    text = snippet(kind)
    for number, replica in enumerate(replicas, 1):
        assert f"10.0.0.{number}:3000" in text
        text = text.replace(f"10.0.0.{number}:3000", f"127.0.0.1:{replica.port}")
    command = {"nginx": _nginx, "haproxy": _haproxy}[kind](text, port, folder)
    with (folder / f"{kind}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220 - as above
    try:
        await _answers(f"http://127.0.0.1:{port}/readyz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def _nginx(text: str, port: int, folder: Path) -> Sequence[str]:
    assert "listen 443 ssl;" in text
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    user = "user root;" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    path = folder / "nginx.conf"
    path.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr notice;\n"
        f"events {{}}\nhttp {{ access_log off; {folders}\n{text}}}\n"
    )
    return ("nginx", "-e", "stderr", "-p", str(folder), "-c", str(path))


def _haproxy(text: str, port: int, folder: Path) -> Sequence[str]:
    bind = "bind :443 ssl crt /etc/haproxy/poly.pem"
    assert bind in text
    path = folder / "haproxy.cfg"
    path.write_text(text.replace(bind, f"bind 127.0.0.1:{port}"))
    return ("haproxy", "-db", "-f", str(path))


async def _answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until it does. Raises AssertionError if the process ends before that."""
    async with asyncio.timeout(_PATIENCE_S), httpx.AsyncClient(trust_env=False) as client:
        while True:
            assert process.poll() is None, f"the process that was to answer at {url} has ended"
            try:
                if (await client.get(url)).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
