"""`python -m tests.bench.transcript`: what the transcript costs while an answer is written, and how soon a long chat is
open.

An answer of one shape (a paragraph, a fence, a list, a table) is written at a steady rate into a chat that holds 200
messages. The real application paints it, on a terminal that is never looked at. Beside the tokens a probe sleeps for
5 ms at a time: how much later it wakes is the lag that a key press would have, and how much CPU went by the part of
that which is ours, also where others use the same cores. Each run is long enough to show whether
the cost grows: the CPU per token of its last third stands beside that of its first. CPU time is that of the process.
"""

import argparse
import asyncio
import gc
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import get_args

from poly_engine.types import Token
from poly_tui.app import PolyApp
from poly_tui.backend import Backend
from poly_tui.inspector import Page
from poly_tui.screens.chat import ChatScreen
from poly_tui.screens.conversation import Asked
from poly_tui.transcript import Kind, Part, Passage, Transcript
from tests.fake_engine import FakeEngine, split

SIZE = (100, 40)
N_MESSAGES = 200
PROBE_S = 0.005
TEXT = "the supplier may end this **agreement** if a payment is overdue by more than `thirty` days after a notice"
PAGES = get_args(Page)
WORDS = TEXT.split(" ")


def main() -> None:
    options = _options()
    figures: dict[str, dict[str, float]] = {}
    gc.freeze()  # as the application does
    for n in range(options.rounds):
        _note(figures, f"open {n + 1}", asyncio.run(_open()))
    for shape in options.shape or SHAPES:
        for rate in options.rate:
            _note(
                figures,
                f"{shape} at {rate}/s",
                asyncio.run(_stream(SHAPES[shape], rate, options.seconds, options.inspector)),
            )
    if options.json:
        json.dump(figures, sys.stdout, indent=2)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.transcript", description=__doc__)
    parser.add_argument("--rate", type=int, nargs="*", default=[200, 1000], help="tokens a second")
    parser.add_argument("--shape", choices=SHAPES, nargs="*", help="which shapes, all unless given")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each answer is written")
    parser.add_argument("--inspector", choices=PAGES, help="a page of the inspector that is open meanwhile")
    parser.add_argument("--rounds", type=int, default=5, help="how often a chat is opened")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON at the end")
    return parser.parse_args()


def _note(figures: dict[str, dict[str, float]], name: str, measured: dict[str, float]) -> None:
    figures[name] = measured
    row = "  ".join(f"{key} {value:.2f}" for key, value in measured.items())
    print(f"{name:<20} {row}", file=sys.stderr)


# The shapes: texts without end, in tokens


def _words() -> Iterator[str]:
    yield from cycle(f"{word} " for word in WORDS)


def _sentence(n: int, n_words: int = 12) -> str:
    return " ".join(islice(cycle(WORDS), n % len(WORDS), n % len(WORDS) + n_words))


def _paragraph() -> Iterator[str]:
    yield from _words()


def _fence() -> Iterator[str]:
    yield "```python\n"
    for n in itertools.count():
        text = f'    value_{n} = compute("a string", {n}, limit=0.5)  # {_sentence(n, 4)}\n'
        yield from split(f"def function_{n}(self) -> None:\n{text}" if n % 5 == 0 else text)


def _list() -> Iterator[str]:
    for n in itertools.count(1):
        yield from split(f"{n}. {_sentence(n)}\n" if n % 4 else f"   - {_sentence(n)}\n")


def _table() -> Iterator[str]:
    yield from split("| Case | Remark | Number |\n|---|---|--:|\n")
    for n in itertools.count():
        yield from split(f"| case {n} | {_sentence(n, 3 + n % 9)} | {n * 7} |\n")


SHAPES: dict[str, Callable[[], Iterator[str]]] = {
    "paragraph": _paragraph,
    "fence": _fence,
    "list": _list,
    "table": _table,
}


# Measuring


@dataclass
class Probe:
    """How much later than it wanted the loop came back, and the CPU that was used meanwhile, in seconds."""

    lags_s: list[float] = field(default_factory=list)
    busy_s: list[float] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            due, cpu_s = time.perf_counter() + PROBE_S, time.thread_time()
            await asyncio.sleep(PROBE_S)
            self.lags_s.append(time.perf_counter() - due)
            self.busy_s.append(time.thread_time() - cpu_s)


async def _open() -> dict[str, float]:
    """From having the messages to the end of them being painted, with the application standing there."""
    async with PolyApp(Backend.of(FakeEngine())).run_test(size=SIZE) as pilot:
        transcript = pilot.app.screen.query_one(Transcript)
        await pilot.pause()
        messages = list(_messages())
        began, cpu_s = time.perf_counter(), time.process_time()
        transcript.extend(messages)
        painted = asyncio.Event()
        transcript.call_after_refresh(painted.set)
        await painted.wait()
        assert any("end of it" in transcript.render_line(y).text for y in range(SIZE[1] - 5))
        return {"wall ms": (time.perf_counter() - began) * 1000, "cpu ms": (time.process_time() - cpu_s) * 1000}


async def _stream(shape: Callable[[], Iterator[str]], rate: int, seconds: float, page: Page | None) -> dict[str, float]:
    async with PolyApp(Backend.of(FakeEngine())).run_test(size=SIZE) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ChatScreen)
        transcript = screen.query_one(Transcript)
        transcript.extend(_messages())
        await _until(lambda: all(block.is_laid_out for block in transcript.blocks))
        if page is not None:
            screen._hear(Asked("go on"))
            await screen.action_inspect(page)
        probe = Probe()
        probing = asyncio.create_task(probe.run())
        tokens = [Token(text, 1) for text in islice(shape(), int(rate * seconds))]
        began, cpu_s = time.perf_counter(), [time.process_time()]
        for third in range(3):
            for n, token in enumerate(tokens[third * len(tokens) // 3 : (third + 1) * len(tokens) // 3]):
                due = began + (third * len(tokens) // 3 + n) / rate
                if due > time.perf_counter():
                    await asyncio.sleep(due - time.perf_counter())
                elif n % 32 == 0:
                    await asyncio.sleep(0)
                screen._hear(token)
            cpu_s.append(time.process_time())
        await _until(lambda: not screen._unpainted)
        painted = asyncio.Event()
        screen.call_after_refresh(painted.set)
        await painted.wait()
        wall_s = time.perf_counter() - began
        probing.cancel()
        per_third = [(after - before) / (len(tokens) / 3) * 1e6 for before, after in itertools.pairwise(cpu_s)]
        return {
            "wall s": wall_s,
            "ideal s": len(tokens) / rate,
            "cpu µs/token": (time.process_time() - cpu_s[0]) / len(tokens) * 1e6,
            "first third": per_third[0],
            "last third": per_third[2],
            "lag p50 ms": _percentile(probe.lags_s, 0.5) * 1000,
            "lag p99 ms": _percentile(probe.lags_s, 0.99) * 1000,
            "busy p50 ms": _percentile(probe.busy_s, 0.5) * 1000,
            "busy p99 ms": _percentile(probe.busy_s, 0.99) * 1000,
            "busy max ms": _percentile(probe.busy_s, 1.0) * 1000,
        }


async def _until(is_true: Callable[[], bool]) -> None:
    while not is_true():  # noqa: ASYNC110 - there is no event to wait for, and it is soon
        await asyncio.sleep(0.001)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _messages() -> Iterator[Part]:
    for n in range(N_MESSAGES // 2):
        yield Part(Kind.PROMPT, Passage(f"Question {n}: {_sentence(n, 8)}?"))
        items = "\n".join(f"{i}. {_sentence(n + i)}" for i in range(1, 5))
        code = f"```python\ndef f_{n}(x: int) -> int:\n    return x + {n}  # the sum\n```"
        text = f"## Answer {n}\n\n{_sentence(n, 40)}.\n\n{items}\n\n{code}\n\n{_sentence(n, 20)}: end of it."
        yield Part(Kind.ANSWER, Passage(text))


if __name__ == "__main__":
    main()
