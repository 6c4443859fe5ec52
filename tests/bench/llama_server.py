"""A row for llama-server, when LLAMA_SERVER names its binary: the same file, the same streams, over its own API."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from tests.bench.floor import Speeds


class LlamaServer:
    """A running llama-server, to be used as a context manager."""

    def __init__(self, binary: str, path: Path, *, n_parallel: int, context_size: int, n_threads: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        port = self.url.rsplit(":", 1)[1]
        self._command = [binary, "-m", str(path), "--port", port, "-np", str(n_parallel), "-c", str(context_size)]
        self._command += ["-t", str(n_threads), "--kv-unified", "--no-webui"]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(self.url + "/health", timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
            else:
                return self
        raise RuntimeError(f"{self._command[0]} did not come up")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def speeds(self, prompts: list[list[int]], n_tokens: int) -> Speeds:
        """All prompts at once; its own timings of prefill and decode."""
        with ThreadPoolExecutor(len(prompts)) as pool:
            timings = list(pool.map(lambda prompt: self._complete(prompt, n_tokens)["timings"], prompts))
        decode = sum(
            (timing["predicted_n"] - 1) / timing["predicted_ms"] * 1000 for timing in timings
        )  # after the first
        slowest_ms = max(timing["prompt_ms"] for timing in timings)
        return Speeds(sum(timing["prompt_n"] for timing in timings) / slowest_ms * 1000, decode)

    def first_tokens_seconds(self, prelude: list[int], prompts: list[list[int]]) -> float:
        """All prompts with one prelude at once; the time until all have one token."""
        begin = time.perf_counter()
        with ThreadPoolExecutor(len(prompts)) as pool:
            list(pool.map(lambda prompt: self._complete(prelude + prompt, 1), prompts))
        return time.perf_counter() - begin

    def _complete(self, prompt: list[int], n_tokens: int) -> dict[str, Any]:
        return self.complete(prompt, n_tokens, ignore_eos=True)

    def complete(self, prompt: str | list[int], n_tokens: int, **settings: Any) -> dict[str, Any]:
        """One answer of at most `n_tokens`; `settings` are those of its API."""
        body = {"prompt": prompt, "n_predict": n_tokens, "cache_prompt": True, **settings}
        request = urllib.request.Request(self.url + "/completion", json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=900) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
