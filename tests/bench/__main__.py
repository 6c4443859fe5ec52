"""`python -m tests.bench`: decode, prefill and first tokens of Poly against the bare library, side by side; and answers
bound to a schema against free ones.

Each figure is the median over rounds in which the subjects take turns, so that a machine that gets slower slows all
of them. Times on a busy machine mean little; the ratios are what counts.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil

from poly_engine import Engine
from tests.bench import bound, house
from tests.bench.floor import Floor, Speeds
from tests.bench.llama_server import LlamaServer
from tests.bench.shapes import SHAPES, write_model

STREAMS = (1, 4, 16)
N_PRELUDE = 800
N_OWN = 20


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        path = options.model or Path(folder) / f"{options.shape}.gguf"
        if options.model is None:
            write_model(path, SHAPES[options.shape])
        figures = asyncio.run(Bench(path, options).run())
    if options.json:
        json.dump(figures, sys.stdout, indent=2)
    else:
        _print_table(figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("--shape", default="0.5b", choices=SHAPES, help="shape of the model that is made for the run")
    parser.add_argument("--model", type=Path, help="a GGUF file to use instead")
    parser.add_argument("--prompt-tokens", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=32, help="tokens that each stream writes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 1)
    parser.add_argument("--only", choices=["speed", "prelude", "schema"], help="run one part")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    return parser.parse_args()


class Bench:
    """All subjects on one file."""

    def __init__(self, path: Path, options: argparse.Namespace) -> None:
        self._path = path
        self._options = options
        self._n_threads = options.threads
        self._context = 2048
        self._cells = 8192
        self._random = random.Random(1)
        self._figures: dict[str, float] = {}

    async def run(self) -> dict[str, float]:
        """Return the figures by name."""
        floor = Floor(self._path, n_cells=self._cells, n_seq=64, n_threads=self._n_threads)
        prelude = self._prompt(N_PRELUDE)
        subject = house.engine(
            self._path,
            prelude=_text(prelude),
            schema=bound.SCHEMA,
            n_threads=self._n_threads,
            context_size=self._context,
            cache_size=self._cells,
        )
        with ExitStack() as stack:
            server = self._server(stack)
            async with subject:
                await subject.load("bench")
                if self._options.only in (None, "schema"):
                    self._figures |= await bound.figures(
                        subject,
                        server,
                        house.TimedHost.clock,
                        n_rounds=self._options.rounds,
                        n_free=self._options.tokens,
                    )
                if self._options.only in (None, "speed"):
                    for n_streams in STREAMS:
                        await self._speed(n_streams, floor, subject, server)
                if self._options.only in (None, "prelude"):
                    await self._prelude(prelude, floor, subject, server)
        floor.close()
        return self._figures

    async def _speed(self, n_streams: int, floor: Floor, subject: Engine, server: LlamaServer | None) -> None:
        n_tokens = self._options.tokens
        rounds: dict[str, list[Speeds]] = {}
        clock = house.TimedHost.clock
        clock.outside_s, clock.n_sequence_steps = 0.0, 0
        for _ in range(self._options.rounds):
            prompts = [self._prompt(self._options.prompt_tokens) for _ in range(n_streams)]
            rounds.setdefault("floor", []).append(floor.speeds(prompts, n_tokens))
            clock.last_end = None
            texts = [_text(prompt) for prompt in prompts]
            rounds.setdefault("poly", []).append(await house.speeds(subject, texts, n_tokens))
            if server is not None:
                rounds.setdefault("llama-server", []).append(await asyncio.to_thread(server.speeds, prompts, n_tokens))
        for name, part in (("prefill", _prefill), ("decode", _decode)):
            for subject_name, taken in rounds.items():
                self._note(f"{name} {n_streams} {subject_name}", [part(speeds) for speeds in taken])
            for subject_name in [name for name in rounds if name != "poly"]:
                pairs = zip(rounds["poly"], rounds[subject_name], strict=True)
                self._note(f"{name} {n_streams} ratio to {subject_name}", [part(a) / part(b) for a, b in pairs])
        self._figures[f"engine us {n_streams}"] = clock.outside_s / max(clock.n_sequence_steps, 1) * 1e6

    async def _prelude(self, prelude: list[int], floor: Floor, subject: Engine, server: LlamaServer | None) -> None:
        """Sixteen sessions at once on one prelude, which is new in every round for the floor and the server; Poly
        gets a task whose prelude it has not seen, in the first round only."""
        n_streams = STREAMS[-1]
        prompts = [self._prompt(N_OWN) for _ in range(n_streams)]
        floor_s = [floor.shared_prefix_seconds(prelude, prompts) for _ in range(2)]
        poly_s = await house.first_tokens_seconds(subject, [_text(prompt) for prompt in prompts])
        floor_s.append(floor.shared_prefix_seconds(prelude, prompts))
        self._note("first tokens floor", floor_s)
        self._figures["first tokens poly"] = poly_s
        self._figures["first tokens ratio to floor"] = poly_s / statistics.median(floor_s)
        if server is not None:
            server_s = await asyncio.to_thread(server.first_tokens_seconds, prelude, prompts)
            self._figures["first tokens llama-server"] = server_s
            self._figures["first tokens ratio to llama-server"] = poly_s / server_s

    def _server(self, stack: ExitStack) -> LlamaServer | None:
        binary = os.environ.get("LLAMA_SERVER")
        if not binary:
            return None
        server = LlamaServer(binary, self._path, n_parallel=16, context_size=self._cells, n_threads=self._n_threads)
        return stack.enter_context(server)

    def _prompt(self, n: int) -> list[int]:
        """Tokens that text of ours turns into just as they are: single bytes, no merges."""
        return [ord(self._random.choice("abcdefghijklmnopqrs")) - 33 for _ in range(n)]

    def _note(self, name: str, values: list[float]) -> None:
        self._figures[name] = statistics.median(values)


def _prefill(speeds: Speeds) -> float:
    return speeds.prefill


def _decode(speeds: Speeds) -> float:
    return speeds.decode


def _text(tokens: list[int]) -> str:
    return "".join(chr(token + 33) for token in tokens)


def _print_table(figures: dict[str, float]) -> None:
    for name, value in figures.items():
        unit = _unit(name)
        print(f"{name:<44}{value:>12.3f} {unit}")


def _unit(name: str) -> str:
    units: list[tuple[Callable[[str], bool], str]] = [
        (lambda text: "ratio" in text, "x"),
        (lambda text: "share" in text, "of 1"),
        (lambda text: text.startswith("engine us"), "µs per sequence and step"),
        (lambda text: text.startswith("first tokens"), "s"),
    ]
    return next((unit for matches, unit in units if matches(name)), "tokens/s")


if __name__ == "__main__":
    main()
