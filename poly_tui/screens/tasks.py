"""The list of tasks to choose from."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from poly_engine.types import TaskInfo
from poly_tui.transcript.clean import clean

__all__ = ["TaskPicker"]


class TaskPicker(ModalScreen[str | None]):
    """Lets the user choose a task, filtering by what is typed. The result is its name, or None."""

    AUTO_FOCUS = "Input"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="tasks.leave"),
        Binding("up", "move(-1)", "up", id="tasks.up", show=False, priority=True),
        Binding("down", "move(1)", "down", id="tasks.down", show=False, priority=True),
    ]

    def __init__(self, tasks: Sequence[TaskInfo], current: str | None) -> None:
        super().__init__()
        self._tasks = tasks
        self._current = current
        self._shown: list[TaskInfo] = []
        self._list = OptionList()

    def compose(self) -> ComposeResult:
        """A filter over a list."""
        with Vertical(id="picker") as picker:
            picker.border_title = "Talk to"
            picker.border_subtitle = "⏎ choose · esc back"
            yield Input(placeholder="type to filter", compact=True)
            yield self._list

    def on_mount(self) -> None:
        """Show all tasks, the current one highlighted."""
        self._show("")

    @on(Input.Changed)
    def filter(self, message: Input.Changed) -> None:
        """Show the tasks that have all the words that were typed."""
        self._show(message.value)

    @on(Input.Submitted)
    def choose_highlighted(self) -> None:
        """Choose the highlighted task."""
        if self._list.highlighted is not None:
            self.dismiss(self._shown[self._list.highlighted].name)

    @on(OptionList.OptionSelected)
    def choose_clicked(self, message: OptionList.OptionSelected) -> None:
        """Choose the task that was clicked."""
        self.dismiss(self._shown[message.option_index].name)

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    def action_move(self, n_rows: int) -> None:
        """Move the highlight while the filter has the focus."""
        if n_rows < 0:
            self._list.action_cursor_up()
        else:
            self._list.action_cursor_down()

    def _show(self, words: str) -> None:
        self._shown = [task for task in self._tasks if _matches(task, words)]
        self._list.clear_options()
        self._list.add_options(Option(self._describe(task)) for task in self._shown)
        names = [task.name for task in self._shown]
        self._list.highlighted = names.index(self._current) if self._current in names else 0 if names else None

    def _describe(self, task: TaskInfo) -> Content:
        sign = "● " if task.name == self._current else "  "
        name = Content.assemble((sign, "$text-success"), (clean(task.name), "bold"), "  ", (clean(task.model), "dim"))
        if not task.description:
            return name
        return Content("\n").join([name, Content.styled(f"  {clean(task.description)}", "dim")])


def _matches(task: TaskInfo, words: str) -> bool:
    text = f"{task.name} {task.model} {task.description}".casefold()
    return all(word in text for word in words.casefold().split())
