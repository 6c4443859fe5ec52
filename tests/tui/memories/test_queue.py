"""The queue of documents that are taken in, without any widget."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from poly_engine.errors import EngineUnreachable
from poly_engine.interface import Engine
from poly_tui.documents import Document
from poly_tui.memories.queue import AT_ONCE, Item, State, TakeInQueue
from tests.gate import Gate
from tests.tui.memories.library import Library


class Desk:
    """A queue over a library, and files to be taken in."""

    def __init__(self, folder: Path, *, gate: Gate | None = None) -> None:
        self.library = Library("m", chunk_gate=gate)
        self.time = 0.0
        self.n_changes = 0
        self.queue = TakeInQueue(self._engine, asyncio.ensure_future, self._count, lambda: self.time)
        self._folder = folder

    def files(self, *texts: str) -> list[Document]:
        """A file for each text, named after its place."""
        paths = [self._folder / f"{number}.txt" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        return [Document(str(path), path) for path in paths]

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Let the loop work until something is so."""
        async with asyncio.timeout(20):
            while not is_true():  # noqa: ASYNC110 - other work takes turns on this loop, and no event tells of it
                await asyncio.sleep(0)

    def states(self) -> list[State]:
        """How far each item is."""
        return [item.state for item in self.queue.items]

    async def _engine(self) -> Engine:
        return self.library

    def _count(self) -> None:
        self.n_changes += 1


async def test_all_documents_are_taken_in_a_few_at_once(tmp_path: Path) -> None:
    gate = Gate()
    desk = Desk(tmp_path, gate=gate)
    desk.queue.add("m", desk.files("a", "b", "c", "d", "e"))
    assert desk.queue.n_working == AT_ONCE
    assert desk.queue.n_waiting == 5 - AT_ONCE
    gate.open()
    await desk.until(lambda: not desk.queue.is_busy)
    assert desk.states() == [State.DONE] * 5
    assert len(await desk.library.documents("m")) == 5


async def test_how_far_a_document_is_how_fast_and_how_long_it_takes_is_told(tmp_path: Path) -> None:
    gate = Gate()
    desk = Desk(tmp_path, gate=gate)
    desk.queue.add("m", desk.files("a\n\nb\n\nc\n\nd"))
    (item,) = desk.queue.items
    await desk.until(lambda: item.n_new == 4)
    desk.time = 2.0
    gate.open(1)
    await desk.until(lambda: item.n_embedded == 1)
    assert (item.share, item.chunks_per_s, item.left_s) == (0.25, 0.5, 6.0)
    gate.open()
    await desk.until(lambda: item.state is State.DONE)


async def test_while_it_is_paused_nothing_new_is_begun_and_what_was_begun_is_finished(tmp_path: Path) -> None:
    gate = Gate()
    desk = Desk(tmp_path, gate=gate)
    desk.queue.add("m", desk.files("a", "b", "c", "d"))
    desk.queue.pause()
    gate.open()
    await desk.until(lambda: desk.queue.n_working == 0)
    assert desk.states() == [*[State.DONE] * AT_ONCE, State.WAITING]
    desk.queue.go_on()
    await desk.until(lambda: not desk.queue.is_busy)
    assert desk.states() == [State.DONE] * 4


async def test_what_is_cancelled_leaves_nothing_behind_and_the_next_one_begins(tmp_path: Path) -> None:
    gate = Gate()
    desk = Desk(tmp_path, gate=gate)
    desk.queue.add("m", desk.files("a\n\nb", "c", "d", "e", "f"))
    first, last = desk.queue.items[0], desk.queue.items[-1]
    await desk.until(lambda: first.n_new == 2)
    desk.queue.cancel(first)
    desk.queue.cancel(last)
    await desk.until(lambda: first.state is State.CANCELLED)
    assert desk.queue.items[3].state is State.WORKING
    desk.queue.cancel(desk.queue.items[3])  # before it could do anything
    assert last.state is State.CANCELLED
    gate.open()
    await desk.until(lambda: not desk.queue.is_busy)
    assert sorted(Path(one).name for one in desk.library.documents_of["m"]) == ["1.txt", "2.txt"]


async def test_one_that_cannot_be_read_fails_alone_and_can_be_tried_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue.add("m", desk.files(" ", "b"))
    await desk.until(lambda: not desk.queue.is_busy)
    assert desk.states() == [State.FAILED, State.DONE]
    assert "no text" in desk.queue.items[0].reason
    desk.files("now there is text")
    assert desk.queue.retry("m") == 1
    await desk.until(lambda: not desk.queue.is_busy)
    assert desk.states() == [State.DONE, State.DONE]


async def test_when_the_server_is_gone_everything_waits_until_one_goes_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.library.failure = EngineUnreachable("the server does not answer")
    desk.queue.add("m", desk.files("a", "b", "c", "d"))
    await desk.until(lambda: desk.queue.n_working == 0)
    assert desk.states() == [State.WAITING] * 4
    assert desk.queue.trouble is desk.library.failure
    desk.library.failure = None
    desk.queue.go_on()
    await desk.until(lambda: not desk.queue.is_busy)
    assert desk.states() == [State.DONE] * 4
    assert desk.queue.trouble is None


async def test_what_is_on_its_way_is_not_added_again_and_what_is_over_is(tmp_path: Path) -> None:
    gate = Gate()
    desk = Desk(tmp_path, gate=gate)
    files = desk.files("a")
    desk.queue.add("m", files)
    desk.queue.add("m", files)
    assert len(desk.queue.items) == 1
    gate.open()
    await desk.until(lambda: not desk.queue.is_busy)
    desk.queue.add("m", files)
    await desk.until(lambda: not desk.queue.is_busy)
    (item,) = desk.queue.items
    assert item.outcome == "unchanged"


async def test_when_all_comes_to_its_end_nothing_else_is_begun(tmp_path: Path) -> None:
    desk = Desk(tmp_path, gate=Gate())
    desk.queue.add("m", desk.files("a", "b", "c", "d"))
    first = desk.queue.items[0]
    await desk.until(lambda: first.n_new == 1)
    work = first.work
    assert work is not None
    work.cancel()
    await desk.until(lambda: first.state is State.CANCELLED)
    assert desk.states()[-1] is State.WAITING
    assert _items_of(desk, State.WORKING) == desk.queue.items[1:3]
    for item in desk.queue.items[1:3]:
        desk.queue.cancel(item)
    await desk.until(lambda: desk.queue.n_working == 0)


def _items_of(desk: Desk, state: State) -> list[Item]:
    return [item for item in desk.queue.items if item.state is state]
