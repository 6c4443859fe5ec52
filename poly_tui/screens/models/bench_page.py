"""How fast models are, measured here and now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker

from poly_engine.errors import PolyError
from poly_engine.interface import Engine
from poly_engine.types import ModelInfo
from poly_tui.screens.models.bar import bar
from poly_tui.screens.models.bench import BenchProgress, BenchResult, bench, bench_embedding, plan_for
from poly_tui.screens.models.facts import ModelFacts
from poly_tui.screens.models.page import Page
from poly_tui.transcript.clean import clean

__all__ = ["BenchPage"]

WHAT = "Reads a new prompt of about 512 tokens and writes 64, three times, and takes the medians."
NAME_CELLS = 16
NARROW = 60


class BenchPage(Page):
    """Runs the current model for a moment. What was measured stays, so that models can be compared."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,b", "run", "run", id="models.run")]

    @dataclass
    class Measured(Message):
        """A model was measured."""

        result: BenchResult

    @dataclass
    class LoadWanted(Message):
        """A model is to be loaded, and measured after that."""

        name: str

    def __init__(self, *, is_local: bool) -> None:
        super().__init__("bench")
        self._is_local = is_local
        self._results: dict[str, BenchResult] = {}
        self._load_s: dict[str, float] = {}
        self._measuring: Worker[None] | None = None
        self._progress: tuple[str, BenchProgress] | None = None
        self._problem = ""
        self._text = Static(classes="result")
        self._scroll = VerticalScroll(self._text, can_focus=True)

    def compose(self) -> ComposeResult:
        """One text."""
        yield self._scroll

    def enter(self) -> None:
        """Let enter run it."""
        self.screen.set_focus(self._scroll)

    def show_model(self, model: ModelFacts) -> None:
        """Say what enter would do."""
        if model.seen.load_s is not None:
            self._load_s[model.name] = model.seen.load_s
        self._paint()

    def stop(self) -> bool:
        """Stop measuring."""
        if self._measuring is None or self._measuring.is_finished:
            return False
        self._measuring.cancel()
        return True

    def action_run(self) -> None:
        """Measure the current model, or stop that."""
        if self.stop() or self.model is None or self.engine is None:
            return
        if self.model.is_loaded:
            self._measuring = self._measure(self.engine, self.model.info)
        else:
            self.post_message(self.LoadWanted(self.model.name))

    def run(self, name: str) -> None:
        """Measure a model, if it is still the current one."""
        if self.model is not None and self.model.name == name and self.model.is_loaded:
            self.action_run()

    @work(exclusive=True, group="bench")
    async def _measure(self, engine: Engine, model: ModelInfo) -> None:
        def show(progress: BenchProgress) -> None:
            self._progress = model.name, progress
            self._paint()

        self._problem = ""
        try:
            plan = await plan_for(engine, model, is_local=self._is_local)
            if plan is None:
                result = await bench_embedding(engine, model, show)
            else:
                result = await bench(engine, model, plan, show)
        except PolyError as error:
            self._problem = f"{model.name}: {error}"
        else:
            self._results[model.name] = result
            self.post_message(self.Measured(result))
        finally:
            self._progress = None
            self._paint()

    def on_resize(self) -> None:
        """Show as many figures as fit."""
        self._paint()

    def _paint(self) -> None:
        lines = [self._now()]
        problem = self._problem or (self.model.problem if self.model is not None else "")
        if problem:
            lines.append(Content.styled(clean(problem), "$text-error"))
        if self._results:
            is_narrow = self.size.width < NARROW
            rows = [self._figures(result) for result in self._results.values()]
            lines += [Content(""), _row("model", list(rows[0]), "dim", is_narrow=is_narrow)]
            lines += [
                _row(_cut(name), list(row.values()), "bold", is_narrow=is_narrow)
                for name, row in zip(self._results, rows, strict=True)
            ]
        self._text.update(Content("\n").join(lines))

    def _now(self) -> Content:
        if self._progress is not None:
            name, progress = self._progress
            return Content.assemble(
                (f"{_cut(name)} ", "bold"),
                bar(progress.share),
                f" round {progress.number} of {progress.n_rounds} · {_doing(progress)}",
                ("  esc stops", "dim"),
            )
        if self.model is None:
            return Content.styled(WHAT, "dim")
        before = "" if self.model.is_loaded else ", once it is loaded"
        return Content.assemble(
            (WHAT, "dim"), "\n", ("enter", "bold $text-accent"), f" measures {_cut(self.model.name)}{before}"
        )

    def _figures(self, result: BenchResult) -> dict[str, str]:
        load_s = self._load_s.get(result.model)
        return {
            "prefill/s": f"{result.prefill_per_s:.0f}",
            "tok/s": "—" if result.decode_per_s is None else f"{result.decode_per_s:.1f}",
            "first": "—" if result.first_token_s is None else f"{result.first_token_s:.2f} s",
            "load": "—" if load_s is None else f"{load_s:.1f} s",
            "prompt": str(result.n_prompt),
        }


def _row(name: str, cells: Sequence[str], style: str, *, is_narrow: bool) -> Content:
    shown = cells[:2] if is_narrow else cells
    return Content.assemble(
        (f"{name:{NAME_CELLS}}", style), ("".join(f"{cell:>11}" for cell in shown), "dim" if style == "dim" else "")
    )


def _doing(progress: BenchProgress) -> str:
    if progress.n_written:
        return f"writing {progress.n_written} of {progress.n_to_write}"
    return f"reading {progress.n_read} of {progress.n_prompt}"


def _cut(name: str) -> str:
    return " ".join(clean(name).split())[: NAME_CELLS - 1]
