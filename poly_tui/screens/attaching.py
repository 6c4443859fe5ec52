"""Talking about files: their text goes with a prompt, or into a memory."""

import asyncio
from pathlib import Path

from textual import on, work
from textual.content import Content
from textual.widgets import TextArea
from textual.worker import WorkerState

from poly_engine.errors import InvalidRequest, PolyError
from poly_engine.interface import Engine
from poly_engine.types import IngestProgress
from poly_tui.attaching import attach
from poly_tui.mentions import mentions
from poly_tui.screens.talk import TalkScreen
from poly_tui.transcript import Kind
from poly_tui.transcript.clean import clean
from poly_tui.widgets.completions import Completions
from poly_tui.widgets.composer import Composer

__all__ = ["AttachingScreen"]

FILES = "files"


class AttachingScreen(TalkScreen):
    """Reads the files that a prompt mentions before it is sent; what is stopped leaves the prompt as it was."""

    @on(TextArea.Changed)
    def complete(self) -> None:
        """Show what could go on with what is being written."""
        self._completions.complete(self._composer.before_cursor)

    @on(Completions.Chosen)
    def take(self, message: Completions.Chosen) -> None:
        """Take what was clicked."""
        self._composer.take(message.completion)
        self._composer.focus()

    @on(Composer.Mentioned)
    def read_files(self, message: Composer.Mentioned) -> None:
        """Read files, and send the prompt with them."""
        self._read(message)

    def action_remember(self, rest: str = "") -> None:
        """Take the files that are mentioned, here or in the prompt, into a memory: one that is named, or that of the
        task.
        """
        found = mentions(rest or self._composer.text)
        if not found:
            self.notify("name files with an @: /remember @report.pdf", markup=False)
            return
        words = rest
        for one in reversed(found):
            words = words[: one.start] + words[one.end :]
        self._take_in_files(words.strip() if rest else "", [one.path.absolute() for one in found])

    def action_stop(self) -> None:
        """Stop reading files; else stop what else is going on."""
        reading = [worker for worker in self.workers if worker.group == FILES and worker.state is WorkerState.RUNNING]
        if not reading:
            super().action_stop()
        for worker in reading:
            worker.cancel()

    @work(group=FILES, exclusive=True)
    async def _read(self, message: Composer.Mentioned) -> None:
        names = ", ".join(clean(one.path.name) for one in message.found)
        self.title_bar.note = Content(f"reading {names}")
        try:
            attached = await attach(message.found, self._meter.status.context_size)
        except PolyError as error:
            self.tell_error(error)
        else:
            self._composer.send_with(attached, message.text)
        finally:
            self.title_bar.note = Content("")

    @work(group=FILES)
    async def _take_in_files(self, memory: str, paths: list[Path]) -> None:
        self._composer.clear()
        try:
            engine = await self.backend.engine()
            memory = memory or await self._memory(engine)
            for path in paths:
                await self._ingest(engine, memory, path)
        except PolyError as error:
            self._transcript.add(Kind.ERROR, str(error))
        finally:
            self.title_bar.note = Content("")

    async def _ingest(self, engine: Engine, memory: str, path: Path) -> None:
        def show(progress: IngestProgress) -> None:
            self.title_bar.note = Content(f"{clean(path.name)} {progress.n_embedded}/{progress.n_new}")

        self.title_bar.note = Content(f"reading {clean(path.name)}")
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from error
        done = await engine.ingest(memory, content, source=str(path), on_progress=show)
        how = "was there already" if done.outcome == "unchanged" else f"{done.outcome}, {done.n_chunks} chunks"
        self._transcript.add(Kind.NOTICE, f"{path.name} is in the memory {memory}: {how}")

    async def _memory(self, engine: Engine) -> str:
        """The memory of the task, or else the only one there is. Raises InvalidRequest if that is none."""
        settings = await engine.settings(self._conversation.task or "")
        match settings.get("memorization"):
            case {"memory": str(name)}:
                return name
        names = [memory.name for memory in await engine.memories()]
        if len(names) == 1:
            return names[0]
        there = f"there are {', '.join(names)}: /remember {names[0]} @file" if names else "none is configured"
        raise InvalidRequest(f"task {self._conversation.task} has no memory; {there}")
