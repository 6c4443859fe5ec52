"""What looks after a memory: exported, rebuilt, searched for faults, counted; and another one made."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from textual import work
from textual.worker import get_current_worker

from poly_engine.errors import InvalidRequest, MemoryMismatch, PolyError
from poly_engine.types import Ingested
from poly_tui.memories.archive import write_archive
from poly_tui.memories.survey import kind_word
from poly_tui.memories.words import counted, grouped
from poly_tui.screens.memories.dialogs import FileCard, NewMemoryCard, ReadingCard
from poly_tui.screens.memories.view import MemoryView
from poly_tui.screens.question import Question

__all__ = ["MemoryUpkeep"]


class MemoryUpkeep(MemoryView):
    """Adds what looks after the memory that is shown. One such thing is done at a time, and Esc breaks it off."""

    def stop_upkeep(self) -> bool:
        """Break off what is being done; False if nothing is."""
        if not self._upkeep:
            return False
        self.workers.cancel_group(self, "memories.upkeep")
        return True

    @work(group="memories.dialog", exclusive=True)
    async def action_export(self) -> None:
        """Write the memory into a file."""
        if not await self.is_ready():
            return
        title = f"Export {self.memory} to"
        first = FileCard(title, str(_file_for(self.memory)), "Lines of JSON, which `poly memory import` reads.")
        typed = await self.app.push_screen_wait(first)
        if typed is None:
            return
        is_sure = not _is_taken(typed) or await self.app.push_screen_wait(
            Question(f"{typed} is there already. Overwrite it?", "overwrite it")
        )
        if is_sure:
            self._export(_path(typed))

    @work(group="memories.upkeep", exclusive=True)
    async def _export(self, file: Path) -> None:
        with self._upkeep_of("exporting"):
            engine = await self.backend.engine()
            memory, n_all = self.memory, self.listing.totals.n_documents

            def tell(n: int) -> None:
                self.say(f"exporting {memory}: {n} of {counted(n_all, 'document')}")

            n = await write_archive(engine, memory, file, tell)
            self.notify(f"{counted(n, 'document')} of {memory} written to {file}", markup=False)

    @work(group="memories.dialog", exclusive=True)
    async def action_rebuild(self) -> None:
        """Cut and embed all of the memory anew, if that is really wanted. It is what one needs that cannot be opened
        because its model is another one now.
        """
        await self.until_open()
        if not isinstance(self.failure, MemoryMismatch) and not self.can_work():
            return
        n_chunks = f" ({counted(self.listing.totals.n_chunks, 'chunk')})" if self.is_open else ""
        words = f"Cut and embed all of {self.memory} anew{n_chunks}? It stays as it is until all is done."
        if await self.app.push_screen_wait(Question(words, "rebuild")):
            self._rebuild()

    @work(group="memories.upkeep", exclusive=True)
    async def _rebuild(self) -> None:
        with self._upkeep_of("rebuilding"):
            memory, n_done = self.memory, 0
            of_all = f" of {grouped(self.listing.totals.n_documents)}" if self.is_open else ""

            def tell(_done: Ingested) -> None:
                nonlocal n_done
                n_done += 1
                self.say(f"rebuilding {memory}: {n_done}{of_all} documents")

            await (await self.backend.engine()).reindex(memory, tell)
            self.notify(f"{memory} is rebuilt: {counted(n_done, 'document')}", markup=False)
            self.open_memory()

    @work(group="memories.upkeep", exclusive=True)
    async def action_find_faults(self) -> None:
        """Look for what is damaged."""
        if not await self.is_ready():
            return
        with self._upkeep_of("looking at all of it"):
            faults = await (await self.backend.engine()).faults(self.memory)
            if faults:
                self.app.push_screen(
                    ReadingCard(f"{counted(len(faults), 'fault')} of {self.memory}", "\n".join(faults))
                )
            else:
                self.notify(f"{self.memory} is sound", markup=False)

    def action_count(self) -> None:
        """Show what the memory holds, in figures."""
        if self.is_open:
            self.app.push_screen(ReadingCard(f"{self.memory} in figures", self._figures()))

    @work(group="memories.dialog", exclusive=True)
    async def action_new_memory(self) -> None:
        """Write another memory into the configuration, and show it."""
        try:
            if self.backend.url is not None:
                raise InvalidRequest("the server has its own configuration: add [memories.NAME] where it runs")
            models = [one.name for one in await (await self.backend.engine()).models()]
            known = [one.name for one in self.memories]
            settings = await self.app.push_screen_wait(NewMemoryCard(known, models, self.model or (models or [""])[0]))
            if settings is not None:
                self._make(settings)
        except PolyError as error:
            self.tell_error(error)

    @work(group="memories.make")  # of its own, lest the next dialog break it off when only the file is written
    async def _make(self, settings: Mapping[str, str | int | float]) -> None:
        """Write a memory into the configuration, and show it. Where there is no file yet, one is begun."""
        name = str(settings["name"])
        memory = {key: value for key, value in settings.items() if key != "name"}
        try:
            file = await asyncio.to_thread(_add_memory, self.backend.config_file, name, memory)
            await self.backend.reload()
        except PolyError as error:
            self.tell_error(error)
            return
        self.notify(f"{name} stands in {file} now", markup=False)
        self.open_memory(name)

    async def is_ready(self) -> bool:
        """Whether something can be done to the memory, once it is open; says why not."""
        await self.until_open()
        return self.can_work()

    def can_work(self) -> bool:
        """Whether something can be done to the memory now; says why not."""
        if not self.is_open:
            self.notify("no memory is open", severity="warning", markup=False)
            return False
        if self._upkeep:
            self.notify(f"{self._upkeep} first: esc stops that", severity="warning", markup=False)
            return False
        return True

    @contextmanager
    def _upkeep_of(self, words: str) -> Iterator[None]:
        """Says what is being done as long as it is, and what went wrong."""
        self.say(words)
        try:
            yield
        except PolyError as error:
            self.tell_error(error)
        finally:
            if self.is_attached:
                was_stopped = get_current_worker().is_cancelled
                self.say("")
                if was_stopped:
                    self.notify("stopped; what was there stays", markup=False)

    def _figures(self) -> str:
        totals, jobs = self.listing.totals, self.listing.jobs
        n_failed = sum(job.state == "failed" for job in jobs)
        kinds = ", ".join(f"{grouped(n)} {kind_word(kind)}" for kind, n in totals.kinds.items())
        largest = sorted(self.listing.documents, key=lambda one: -one.n_chunks)[:5]
        rows = {
            "documents": grouped(totals.n_documents),
            "chunks": grouped(totals.n_chunks),
            "characters": grouped(totals.n_characters),
            "pages": grouped(totals.n_pages) if totals.n_pages else "none are known",
            "a chunk has": f"{totals.n_characters / (totals.n_chunks or 1):.0f} characters on average",
            "kinds": kinds or "none",
            "embedded by": self.model,
            "waiting": grouped(len(jobs) - n_failed),
            "failed": grouped(n_failed),
        }
        lines = [f"{label:<12}  {text}" for label, text in rows.items()]
        if largest:
            lines += ["", "the largest", *(f"{grouped(one.n_chunks):>8} chunks  {one.source}" for one in largest)]
        return "\n".join(lines)


def _add_memory(file: Path | None, name: str, memory: Mapping[str, object]) -> Path:
    from poly_engine.config import user_file  # pydantic and tomlkit, which few need
    from poly_engine.config.adding import add_memory

    file = file or user_file(os.environ)
    add_memory(file, name, memory)
    return file


def _file_for(memory: str) -> Path:
    return Path.cwd() / f"{memory}.jsonl"


def _path(typed: str) -> Path:
    return Path(os.path.expanduser(typed))  # noqa: PTH111 - Path.expanduser raises an error for a user there is not


def _is_taken(typed: str) -> bool:
    return os.path.lexists(_path(typed))
