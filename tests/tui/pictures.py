"""`python -m tests.tui.pictures [NAME]...`: the pictures of the README, each section once, into .github/*.svg.

The chat is led with the starter model; the other sections stand over the scripted engine of the tests.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from poly_engine.config import load
from poly_engine.interface import NO_OPTIONS
from poly_engine.local import LocalEngine
from poly_engine.types import DocumentInfo, Hit, IngestJob, MemoryInfo, ModelInfo, Recalled, RecallOptions
from poly_serve.reports import Written
from poly_tui.app import PolyApp
from poly_tui.backend import Backend
from poly_tui.chats.facts import recalled_fact, thought_fact
from poly_tui.chats.store import ChatStore
from poly_tui.chats.tree import ChatTurn
from poly_tui.serving.link import Phase
from tests.fake_engine import FakeEngine, Reply
from tests.tui.legal import ANSWER, ANSWERS, CONFIG, DOCUMENTS, HITS, MODELS, QUESTION, TASKS, THOUGHTS
from tests.tui.memories.library import Library
from tests.tui.memories.rooms import open_room
from tests.tui.models.steps import GB, open_models
from tests.tui.server.fake_servers import URL, FakeDaemon, FakeServers, report, request
from tests.tui.server.steps import logged, open_server
from tests.tui.steps import Chat, open_chat, wait_until
from tests.tui.tune.steps import TunedEngine, tuning, until_over, walk_to, with_prompts, write_config

FOLDER = Path(__file__).parents[2] / ".github"
SIZE = (120, 26)
WIDE = (150, 30)

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

N_STILL = 5
"""So many times in a row the screen has to look the same."""


async def take(pilot: Pilot[None], name: str) -> None:
    """Write what is shown to a file, once nothing moves."""
    pilot.app.clear_notifications()
    seen: list[str] = []
    while len(seen) < N_STILL or len(set(seen[-N_STILL:])) > 1:
        await pilot.pause(0.05)
        seen.append(pilot.app.export_screenshot(title=f"poly · {name}"))
    (FOLDER / f"{name}.svg").write_text(slim(seen[-1]), encoding="utf-8")


def slim(svg: str) -> str:
    """A picture without the fonts that it would fetch from elsewhere."""
    svg = re.sub(r"\s*@font-face \{.*?\}\n", "\n", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")


async def chat(folder: Path) -> None:
    """Some questions to the starter model."""
    async with LocalEngine(load(None).config) as engine:
        app = PolyApp(Backend.of(engine), chats=folder / "chats.db")
        async with app.run_test(size=(92, 24)) as pilot:
            talk = Chat(pilot)
            await talk.until(lambda: talk.status.state == "ready")
            for question in ("hello", "What is a task?", "How do I quit?"):
                await talk.ask(question)
            await take(pilot, "chat")


async def inspector(folder: Path) -> None:
    """An answer with sources, and what is known of it."""
    facts = {
        "usage": {
            "prompt_tokens": 1612,
            "cached_tokens": 1200,
            "completion_tokens": 312,
            "context_tokens": 1924,
            "context_size": 4096,
            "thinking_tokens": 212,
            "forced_tokens": 0,
        },
        "timings": {"queued_s": 0.0, "prefill_s": 0.38, "decode_s": 6.61},
        "measured": {"speeds": [31.0, 44.0, 47.0, 51.0, 47.5, 48.2, 46.9, 47.2], "peak": 51.0, "bias_state": None},
        "recalled": recalled_fact(HITS),
        "thought": thought_fact(212, 4.4),
    }
    path = folder / "chats.db"
    with closing(ChatStore.open(path)[0]) as store:
        number = store.create("Contract questions", "legal")
        turn = ChatTurn(QUESTION, None, "legal", "qwen3-4b", 1.0, ANSWER, THOUGHTS, "complete", facts)
        store.finish(store.begin(number, None, turn), turn)
    settings = {"legal": {"memorization": {"memory": "contracts", "retrieve": 3}}}
    engine = FakeEngine(tasks=TASKS, memories=("contracts",), settings=settings)
    async with open_chat(engine, WIDE, chats=path, chat=1) as talk:
        await talk.until(lambda: bool(talk.transcript.blocks))
        await talk.pilot.press("ctrl+l")
        await take(talk.pilot, "inspector")


class Archive(Library):
    """Finds as a real memory does: nothing is wholly like a question, and nothing wholly unlike it."""

    async def memories(self) -> Sequence[MemoryInfo]:
        return [replace(one, embedding_model="bge-small") for one in await super().memories()]

    async def documents(self, memory: str) -> Sequence[DocumentInfo]:
        kinds = {".pdf": "application/pdf", ".md": "text/markdown", ".docx": DOCX}
        return [
            replace(one, media_type=kinds[Path(one.source).suffix], n_pages=place * 7 % 12 + 1, n_chunks=one.n_chunks)
            for place, one in enumerate(await super().documents(memory), 2)
        ]

    async def jobs(self, memory: str) -> Sequence[IngestJob]:
        return [replace(job, added=time.time() - 60, reason="no text layer") for job in await super().jobs(memory)]

    async def recall(self, memory: str, prompt: str, options: RecallOptions = NO_OPTIONS) -> Recalled:
        found = await super().recall(memory, prompt, options)
        return Recalled(
            tuple(_likely(hit) for hit in found.hits),
            tuple(replace(one, hit=_likely(one.hit)) for one in found.dropped),
        )


def _likely(hit: Hit) -> Hit:
    score = 0.28 + 0.53 * hit.score
    return replace(hit, score=score, vector_score=score - 0.03)


async def memories(_: Path) -> None:
    """A memory of contracts, and a search in it."""
    library = Archive("contracts", "handbook", "statutes")
    library._models["bge-small"], library._locks["bge-small"] = MODELS[-1], asyncio.Lock()
    library.documents_of["contracts"].update(DOCUMENTS)
    library.documents_of["handbook"]["handbook.docx"] = "Working hours are from nine to five."
    await library.submit("contracts", b" ", source="/srv/contracts/scan-07.pdf")
    async with open_room(library, SIZE) as room:
        await room.press("s")
        await room.type("payment is overdue")
        await room.until_painted("may end")
        await take(room.pilot, "memories")


class Shelf(FakeEngine):
    """Has models of which all is known."""

    async def models(self) -> Sequence[ModelInfo]:
        loaded = {one.name for one in await super().models() if one.state == "loaded"}
        return [one if one.name in loaded else replace(one, state="unloaded", device=None) for one in MODELS]


async def models(_: Path) -> None:
    """What there is, and what the best of it takes."""
    async with open_models(Shelf(tasks=TASKS), SIZE, free_bytes=9 * GB) as shown:
        shown.screen.backend.speeds["qwen3-4b"] = 47.2
        await shown.press("t")
        await shown.type("The supplier may terminate this Agreement if payment is overdue.")
        await take(shown.pilot, "models")


async def tune(folder: Path) -> None:
    """A draft beside what is saved."""
    engine = TunedEngine(lambda prompt: Reply.of(ANSWERS.get(prompt.rpartition("@")[2], "")))
    async with tuning(engine, write_config(folder, CONFIG), WIDE) as (pilot, screen):
        with_prompts(screen, QUESTION)
        walk_to(screen, "temperature")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press(*["backspace"] * 6, *"0.7", "enter")
        await pilot.press("r")
        await until_over(pilot, screen, QUESTION)
        await take(pilot, "tune")


async def server(_: Path) -> None:
    """A busy server that was started here."""
    lines = [
        "poly: serving at http://127.0.0.1:3000",
        *(
            logged("x", method="POST", path=f"/v1/task/{task}/live", status=200, ms=ms, subject=who)
            for task, ms, who in (("legal", 6610.2, "key:ci-bot"), ("recipe", 1204.9, "ada"), ("legal", 4120.7, "ada"))
        ),
    ]
    servers = FakeServers(left=FakeDaemon(*lines, url=URL))
    servers.seen.requests_now = (
        request(1284, seconds=2.1),
        request(1285, task="recipe", n_tokens=96, tokens_per_s=44.1, subject="ada", context_tokens=310),
        request(1286, state="waiting", subject="ada", n_tokens=0, tokens_per_s=0.0, seconds=0.4),
    )
    servers.seen.so_far = (Written("thinking", f"{THOUGHTS}\n\n"), Written("token", ANSWER[: ANSWER.index("remedied")]))
    async with open_server(servers, SIZE) as shown:
        await shown.until(Phase.RUNNING)
        written = 90_000
        for n_polls in range(60):
            written += 60 + 30 * (n_polls * n_polls % 7)
            servers.seen.report_now = report(
                n_tokens=written,
                n_waiting=n_polls % 3,
                first_token_p50_s=0.3 + n_polls * n_polls % 11 / 50,
                first_token_p95_s=0.6 + n_polls * n_polls % 11 / 20,
            )
            await shown.poll()
        await shown.pilot.press("enter")
        await wait_until(shown.pilot, lambda: 1284 in servers.seen.streams)
        await take(shown.pilot, "server")


PICTURES: Mapping[str, Callable[[Path], Awaitable[None]]] = {
    one.__name__: one for one in (chat, inspector, memories, models, tune, server)
}


async def main(names: Sequence[str]) -> None:
    """Take those pictures, or all."""
    for name in names or PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            await PICTURES[name](Path(folder))
        print(f"written: {FOLDER / name}.svg")


if __name__ == "__main__":
    os.environ.update(COLORTERM="truecolor")
    os.environ.pop("NO_COLOR", None)
    asyncio.run(main(sys.argv[1:]))
