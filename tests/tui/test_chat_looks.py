"""What the chat looks like in every state, at every size."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from textual.widgets import OptionList

from poly_engine.errors import EngineClosed
from poly_engine.types import Hit, TaskInfo
from poly_tui.chats.facts import recalled_fact, thought_fact
from poly_tui.chats.store import ChatStore
from poly_tui.chats.tree import ChatTurn
from poly_tui.registry import COMMANDS
from poly_tui.screens.go import GoScreen
from poly_tui.screens.meter import Meter
from poly_tui.transcript import Kind
from poly_tui.widgets.completions import Completions
from poly_tui.widgets.status_line import StatusLine
from tests.chats.steps import add_turn
from tests.fake_engine import FakeEngine, Gate, Reply, split
from tests.tui.inspector.steps import until_still
from tests.tui.looks import assert_looks
from tests.tui.steps import SIZES, Chat, open_chat

TASKS = [
    TaskInfo("legal", "qwen3-4b", "Answers from the contracts, and says where it is written"),
    TaskInfo("recipe", "qwen3-4b", "Makes JSON of a recipe"),
    TaskInfo("translate", "gemma-3-4b", "Into Dutch"),
]
SAMPLE = Path(__file__).with_name("sample.md").read_text()
QUESTION = "When may the supplier end the agreement?"
ANSWER = """The supplier may terminate in **three** cases:

1. non-payment for 30 days after a notice [1],
2. a material breach that is not cured in 15 days [2],
3. insolvency.
"""
THOUGHTS = "The user asks when the supplier may end the agreement. Clause 11.2 has the cases."

each_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
Size = tuple[int, int]


def hit(text: str, page: int, score: float) -> Hit:
    return Hit(
        text=text,
        source="msa-2024.pdf",
        score=score,
        place=page,
        start=0,
        end=len(text),
        headings=("11 Termination",),
        first_page=page,
    )


HITS = (
    hit("11.2 The Supplier may terminate this Agreement if payment is overdue by more than thirty days.", 7, 0.81),
    hit("A material breach which is not remedied within fifteen days of a notice.", 9, 0.77),
)


def engine(text: str = ANSWER, **options: object) -> FakeEngine:
    return FakeEngine(lambda _: Reply.of(text), tasks=TASKS, **options)  # type: ignore[arg-type]  # what it takes


def still(chat: Chat) -> None:
    """Let no clock be seen: no spinner turns, and no figure is measured."""
    chat.app.animation_level = "none"
    chat.screen._meter = Meter(lambda: 0.0)


async def look(chat: Chat, name: str, size: Size) -> None:
    await until_still(chat)
    assert_looks(chat.pilot, f"chat/{name}-{size[0]}x{size[1]}")


def keep(path: Path, *turns: ChatTurn, title: str = "Contract questions") -> Path:
    with closing(ChatStore.open(path)[0]) as store:
        chat, parent = store.create(title, "legal"), None
        for turn in turns:
            parent = store.begin(chat, parent, turn)
            store.finish(parent, turn)
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file with some chats, of long ago."""
    path = tmp_path / "chats.db"
    with closing(ChatStore.open(path)[0]) as store:
        for title in ("Dutch letter", "Recipe as JSON", "Contract questions"):
            chat = store.create(title, "legal")
            for _ in range(len(title) % 3 + 1):
                add_turn(store, chat, "what?", "that")
    noon = datetime(2024, 5, 4, 12).astimezone().timestamp()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update chat set changed = ? + id * 86400", (noon,))
        connection.commit()
    return path


@each_size
async def test_empty_and_ready(size: Size) -> None:
    async with open_chat(engine(), size) as chat:
        await look(chat, "ready", size)


@each_size
async def test_loading(size: Size) -> None:
    async with open_chat(engine(load_gate=Gate(2)), size, is_ready=False) as chat:
        chat.app.animation_level = "none"
        await chat.until(lambda: chat.status.state == "loading 50 %")
        chat.screen.query_one(StatusLine).refresh()
        await look(chat, "loading", size)


@each_size
@pytest.mark.parametrize("n_tokens", [75, 165, 290])
async def test_streaming(size: Size, n_tokens: int) -> None:
    """In a list, in a fence, in a table."""
    async with open_chat(engine(SAMPLE, gate=Gate(n_tokens)), size) as chat:
        still(chat)
        chat.screen._meter.open(4096)
        await chat.say(QUESTION)
        written = "".join(split(SAMPLE)[:n_tokens])
        await chat.until(lambda: chat.texts(Kind.ANSWER) == [written])
        await look(chat, f"streaming-{n_tokens}", size)


@each_size
async def test_an_answer_with_all_that_markdown_has(size: Size) -> None:
    async with open_chat(engine(SAMPLE), size) as chat:
        await chat.ask(QUESTION)
        await look(chat, "markdown-end", size)
        chat.transcript.focus()
        await chat.pilot.press("g")
        await look(chat, "markdown", size)


@each_size
async def test_sources_and_thoughts_are_folded_and_unfold(size: Size, tmp_path: Path) -> None:
    facts: dict[str, object] = {"recalled": recalled_fact(HITS), "thought": thought_fact(212, 4.4)}
    turn = ChatTurn(QUESTION, None, "legal", "qwen3-4b", 1.0, ANSWER, THOUGHTS, "complete", facts)
    async with open_chat(engine(), size, chats=keep(tmp_path / "chats.db", turn), chat=1) as chat:
        await look(chat, "folded", size)
        chat.transcript.focus()
        for kind in (Kind.SOURCES, Kind.THINKING):
            chat.transcript.move_to(next(block for block in chat.transcript.blocks if block.kind is kind))
            await chat.pilot.press("space")
        await look(chat, "unfolded", size)


@each_size
async def test_a_source_that_is_opened(size: Size, tmp_path: Path) -> None:
    facts: dict[str, object] = {"recalled": recalled_fact(HITS)}
    turn = ChatTurn(QUESTION, None, "legal", "qwen3-4b", 1.0, ANSWER, "", "complete", facts)
    async with open_chat(engine(), size, chats=keep(tmp_path / "chats.db", turn), chat=1) as chat:
        await chat.until(lambda: bool(chat.texts(Kind.ANSWER)))
        block = chat.transcript.blocks[-1]
        chat.transcript.post_message(chat.transcript.CitationOpened(number=1, block=block))
        await chat.until(lambda: len(chat.app.screen_stack) > 1)
        await look(chat, "source", size)


@each_size
async def test_an_error(size: Size) -> None:
    broken = Reply(split(ANSWER)[:12], failure=EngineClosed("the model has no memory left for this"))
    async with open_chat(FakeEngine(lambda _: broken, tasks=TASKS), size) as chat:
        still(chat)
        chat.screen._meter.open(4096)
        await chat.say(QUESTION)
        await chat.until(lambda: bool(chat.texts(Kind.ERROR)))
        await look(chat, "error", size)


@each_size
async def test_prompts_that_wait(size: Size) -> None:
    async with open_chat(engine(gate=Gate(5)), size) as chat:
        still(chat)
        chat.screen._meter.open(4096)
        for prompt in (QUESTION, "And what notice period applies?", "Write that as a letter.\nBe polite."):
            await chat.say(prompt)
        await chat.until(lambda: chat.texts(Kind.ANSWER) == ["".join(split(ANSWER)[:5])])
        await look(chat, "queue", size)


@each_size
async def test_the_list_of_chats(size: Size, kept: Path) -> None:
    async with open_chat(engine(), size, chats=kept) as chat:
        await chat.pilot.press("ctrl+r")
        await chat.until(lambda: len(chat.app.screen.query("ChatList OptionList")) == 1)
        await chat.until(lambda: chat.app.screen.query_one("ChatList OptionList", OptionList).option_count == 3)
        await look(chat, "list", size)


async def opened(chat: Chat, key: str, is_there: Callable[[], bool]) -> None:
    await chat.pilot.press(key)
    await chat.until(is_there)
    await chat.pilot.pause()


@each_size
async def test_the_picker_of_tasks(size: Size) -> None:
    async with open_chat(engine(), size) as chat:
        await opened(chat, "ctrl+t", lambda: len(chat.app.screen_stack) > 1)
        await look(chat, "tasks", size)


@each_size
async def test_the_card_of_sections(size: Size) -> None:
    async with open_chat(engine(), size) as chat:
        await opened(chat, "ctrl+g", lambda: isinstance(chat.app.screen, GoScreen))
        await look(chat, "go", size)


@each_size
async def test_the_palette(size: Size) -> None:
    async with open_chat(engine(), size) as chat:
        await opened(chat, "ctrl+p", lambda: len(chat.app.screen_stack) > 1)
        n_commands = len(COMMANDS)
        await chat.until(lambda: chat.app.screen.query_one(OptionList).option_count == n_commands)
        await look(chat, "palette", size)


@each_size
async def test_help(size: Size) -> None:
    async with open_chat(engine(), size) as chat:
        await opened(chat, "f1", lambda: bool(chat.screen.query("HelpPanel")))
        await chat.until(lambda: bool(chat.screen.query("BindingsTable")))
        await look(chat, "help", size)


@each_size
async def test_what_could_stand_behind_a_slash(size: Size) -> None:
    async with open_chat(engine(), size) as chat:
        await chat.pilot.press("slash")
        await chat.until(lambda: chat.screen.query_one(Completions).display)
        await look(chat, "slash", size)
