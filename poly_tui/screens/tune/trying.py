"""The part of the screen that tries drafts: saved prompts, the prompt as the model reads it, and A/B."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from poly_engine.errors import PolyError
from poly_engine.interface import Engine
from poly_engine.places import data_dir
from poly_engine.types import Overrides
from poly_tui.backend import Backend
from poly_tui.screens.pacer import Pacer
from poly_tui.screens.tune.cards import TextCard
from poly_tui.screens.tune.draft import Draft, Version
from poly_tui.screens.tune.duel import Contender, Duel
from poly_tui.screens.tune.duel_page import DuelPage, result_row
from poly_tui.screens.tune.fields import MODEL
from poly_tui.screens.tune.keeping import KeepingScreen
from poly_tui.screens.tune.prompt_bar import PromptBar
from poly_tui.screens.tune.prompt_page import PromptPage
from poly_tui.screens.tune.saved_prompts import SavedPrompts

__all__ = ["TryingScreen"]

_WORKING = ("duel", "preview")
"""What Esc stops."""

PREVIEW_AFTER_S = 0.3
"""After so long without a change the prompt is shown anew."""


class TryingScreen(KeepingScreen):
    """Tries drafts with the prompts that are saved for their tasks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "run A/B", id="tune.run"),
        Binding("R,shift+r", "run_all", "run all", id="tune.run_all", show=False),
        Binding("escape", "stop", "stop", id="tune.stop", show=False),
        Binding("i", "new_prompt", "new prompt", id="tune.new_prompt", show=False),
        Binding("e", "edit_prompt", "edit prompt", id="tune.edit_prompt", show=False),
        Binding("d", "delete_prompt", "delete prompt", id="tune.delete_prompt", show=False),
        Binding("left_square_bracket", "walk_prompts(-1)", "prompt before", id="tune.prompt_before", show=False),
        Binding("right_square_bracket", "walk_prompts(1)", "prompt after", id="tune.prompt_after", show=False),
        Binding("s", "new_seed", "new seed", id="tune.seed", show=False),
        Binding("o", "order", "at once or in turn", id="tune.order", show=False),
    ]

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._saved_prompts = SavedPrompts(data_dir() / "test_prompts.toml")
        self._duels: dict[str, Duel] = {}
        self._tried: dict[str, Version] = {}
        self._deleted: tuple[str, int, str] | None = None
        self._wanted_model = ""
        self._seed = _any_seed()
        self._is_at_once = True
        self._bar = PromptBar()
        self._prompt_page = PromptPage(id="tune-prompt")
        self._duel_page = DuelPage(id="tune-duel")
        self._pacer = Pacer(self, self._paint_duel)

    @property
    def prompt(self) -> str:
        """The prompt that the task is tried with; nothing if none is saved."""
        return self._bar.prompts[self._bar.place] if self._bar.prompts else ""

    def task_changed(self) -> None:
        """Have the prompts of the task, and nothing of another one."""
        self.workers.cancel_group(self, "duel")
        self._duels = {}
        self._deleted = None
        self._keep_prompts(lambda prompts: prompts.of(self._tuned), 0)

    def draft_changed(self) -> None:
        """What was deleted before the change is not what is undone next."""
        self._deleted = None
        super().draft_changed()
        self._paint_duel()

    def prompt_changed(self) -> None:
        """Another prompt is at hand, or none."""
        self._paint_duel()

    # Prompts

    def action_walk_prompts(self, n_steps: int) -> None:
        """Take another prompt."""
        if self._bar.prompts:
            self._bar.place = (self._bar.place + n_steps) % len(self._bar.prompts)
            self.prompt_changed()

    @work(group="card")
    async def action_new_prompt(self) -> None:
        """Write another prompt to try the task with."""
        await self._write_prompt()

    @work(group="card")
    async def action_edit_prompt(self) -> None:
        """Write the prompt anew."""
        old = self.prompt
        if not old:
            await self._write_prompt()
            return
        new = await self._ask_prompt(old)
        if new:
            self._keep_prompts(lambda prompts: prompts.change(self._tuned, old, new), self._bar.place)

    def action_delete_prompt(self) -> None:
        """Keep the prompt no longer. One that is not seen stays."""
        prompt, place = self.prompt if self._bar.is_on_screen else "", self._bar.place
        if prompt and self._keep_prompts(lambda prompts: prompts.remove(self._tuned, prompt), place):
            self._deleted = self._tuned, place, prompt
            self.notify("prompt deleted · u brings it back", markup=False)

    def action_undo(self) -> None:
        """Bring back a prompt that was just deleted, or take the last change of the draft back."""
        if self._deleted is None:
            super().action_undo()
            return
        task, place, prompt = self._deleted
        self._deleted = None
        self._keep_prompts(lambda prompts: prompts.insert(task, place, prompt), place)

    async def _write_prompt(self) -> bool:
        new = await self._ask_prompt("")
        return bool(new) and self._keep_prompts(lambda prompts: prompts.add(self._tuned, new), -1)

    async def _ask_prompt(self, text: str) -> str:
        if not await self.is_ready():
            return ""
        about = f"what {self._tuned} is tried with; it is kept for this task"
        with self.asking() as may_ask:
            written = await self.app.push_screen_wait(TextCard("test prompt", text, about)) if may_ask else None
        return (written or "").strip()

    def _keep_prompts(self, change: Callable[[SavedPrompts], tuple[str, ...]], place: int) -> bool:
        """Change the prompts, and have the one at a place at hand; False if that did not work, which is told."""
        try:
            prompts = change(self._saved_prompts)
        except PolyError as error:
            self.tell_error(error)
            return False
        self._bar.prompts = prompts
        self._bar.place = len(prompts) - 1 if place < 0 else max(0, min(place, len(prompts) - 1))
        self.prompt_changed()
        return True

    # The prompt as the model reads it

    @work(group="preview", exclusive=True)
    async def preview(self, *, loads: bool) -> None:
        """Show the prompt. A model that is not loaded is, only if `loads`."""
        page, draft, prompt = self._prompt_page, self.draft, self.prompt
        if not prompt:
            page.tell("here stands what the model reads, once there is a prompt")
            return
        model = str(draft.value(MODEL))
        self._wanted_model = model if loads else self._wanted_model
        await asyncio.sleep(PREVIEW_AFTER_S)
        try:
            engine = await self.backend.engine()
            context_size = await self._load_for_preview(engine, model)
            if context_size is None:
                page.tell(f"the model {model} is not loaded: p loads it, and shows the prompt with its tokens")
                return
            parts = await engine.prompt_parts(draft.name, prompt, settings=await self._settings(draft.current))
        except PolyError as error:
            page.tell(str(error), is_error=True)
            return
        stops = draft.value(("stop_sequences",))
        page.show(parts, context_size, list(map(str, stops)) if isinstance(stops, list | tuple) else ())

    async def _load_for_preview(self, engine: Engine, model: str) -> int | None:
        """The context of a model, which is loaded if it was asked for; None if it is not, and was not."""
        models = {info.name: info for info in await engine.models()}
        if (model not in models or models[model].state != "loaded") and model != self._wanted_model:
            return None
        page = self._prompt_page
        loaded = await engine.load(model, lambda share: page.tell(f"loading {model} {share:.0%} · esc stops"))
        return loaded.context_size or 0

    async def _settings(self, version: Version) -> Mapping[str, object] | None:
        """A draft as an engine takes it; None if it works elsewhere, and takes none."""
        source = self.desk.source
        return None if source is None else await asyncio.to_thread(source.resolved, version)

    # A and B

    @work(group="duel", exclusive=True)
    async def action_run(self) -> None:
        """Have the prompt answered by what is saved and by the draft."""
        if not await self.is_ready() or (not self.prompt and not await self._write_prompt()):
            return
        self.show_duels()
        await self._run_duel(self.prompt)

    @work(group="duel", exclusive=True)
    async def action_run_all(self) -> None:
        """Have all saved prompts answered, one after the other."""
        if not await self.is_ready() or (not self.prompt and not await self._write_prompt()):
            return
        self.show_duels()
        self._duels = {}
        for place, prompt in enumerate(self._bar.prompts):
            self._bar.place = place
            await self._run_duel(prompt)

    def show_duels(self) -> None:
        """Have the answers be seen."""

    def action_stop(self) -> None:
        """Stop what is being answered or loaded; go back if nothing is."""
        working = [worker for worker in self.workers if worker.group in _WORKING and not worker.is_finished]
        for worker in working:
            worker.cancel()
        if any(worker.group == "preview" for worker in working):
            self._wanted_model = ""
            self._prompt_page.tell("stopped: p shows the prompt")
        if not working:
            self.go_back()

    def go_back(self) -> None:
        """Go back from whatever is seen."""

    def action_new_seed(self) -> None:
        """Have the answers be drawn anew."""
        self._seed = _any_seed()
        self.notify(f"seed {self._seed}", markup=False)

    def action_order(self) -> None:
        """Have both answer at once, or one after the other."""
        self._is_at_once = not self._is_at_once
        self.notify("both answer at once" if self._is_at_once else "A answers first, then B", markup=False)
        self._paint_duel()

    async def _run_duel(self, prompt: str) -> None:
        try:
            engine = await self.backend.engine()
            duel = Duel(prompt, await self._contenders(), self._seed_of(self.draft))
        except PolyError as error:
            self.tell_error(error)
            return
        self._duels[prompt] = duel
        self._tried[prompt] = self.draft.current
        await duel.run(engine, self._pacer.want, at_once=self._is_at_once)
        self._pacer.flush()

    async def _contenders(self) -> tuple[Contender, Contender]:
        draft = self.draft
        saved = self.desk.saved_of(draft)
        seed = self._seed_of(draft)
        sides = []
        for version, overrides in ((saved, Overrides(seed=seed)), (draft.current, self._overrides(draft, seed))):
            model = str(version.values.get("model", ""))
            sides.append(Contender(draft.name, model, await self._settings(version), overrides))
        return sides[0], sides[1]

    def _overrides(self, draft: Draft, seed: int) -> Overrides:
        """What a single turn sets: over a server all that is changed in a draft."""
        changes = draft.changes if self.desk.is_served else ()
        changed: dict[str, Any] = {field.name: draft.value(field.where) for field in changes}
        if "stop_sequences" in changed:
            changed["stop_sequences"] = tuple(changed["stop_sequences"] or ())
        return Overrides(**{**changed, "seed": seed})

    def _seed_of(self, draft: Draft) -> int:
        """The seed of both: that of the task, or else one that stays until another is asked for."""
        seed = draft.value(("seed",))
        return seed if isinstance(seed, int) else self._seed

    def _paint_duel(self) -> None:
        duel = self._duels.get(self.prompt)
        results = [
            result_row(number, each, is_shown=each is duel)
            for number, each in enumerate(map(self._duels.get, self._bar.prompts), 1)
            if each is not None
        ]
        order = "at once" if self._is_at_once else "A first, then B"
        hint = f"r runs A and B · R all prompts · s another seed · o order: {order}"
        is_stale = duel is not None and self._tried.get(self.prompt) != self.draft.current
        self._duel_page.show(duel, hint, is_stale=is_stale, results=results if len(results) > 1 else ())


def _any_seed() -> int:
    return random.randrange(2**32 - 1)  # noqa: S311 - not to keep a secret
