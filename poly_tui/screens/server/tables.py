"""What the tasks of a server have done, and the requests that it works on."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from poly_serve.reports import RequestReport, TaskReport
from poly_tui.screens.server.columns import Column, aligned
from poly_tui.screens.server.figures import count_text, pace_text, seconds_text

__all__ = ["RequestList", "TaskTable"]

_TASKS = (
    Column("Task", 9),
    Column("Cycles", 7, is_number=True),
    Column("Prompt/s", 4, is_number=True),
    Column("Gen/s", 8, is_number=True),
    Column("ttft p50/p95", 6, is_number=True),
    Column("In tok", 3, is_number=True),
    Column("Out tok", 5, is_number=True),
)
_REQUESTS = (
    Column("Request", 9),
    Column("Task", 8),
    Column("State", 9),
    Column("Who", 5),
    Column("Tok", 7, is_number=True),
    Column("Tok/s", 4, is_number=True),
    Column("Ctx", 2, is_number=True),
    Column("Time", 6, is_number=True),
    Column("Route", 1),
)
_STATES = {"waiting": "◌ waiting", "reading": "◐ reading", "writing": "● writing"}
_MOST = 200
"""Requests that are listed."""


class TaskTable(Widget):
    """A row for each task that was used; those that were used most come first."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: Sequence[TaskReport] = ()

    def show(self, tasks: Sequence[TaskReport]) -> None:
        """Show other figures."""
        ordered = sorted(tasks, key=lambda task: (-task.cycles, task.name))
        if ordered != self._tasks:
            n_before, self._tasks = len(self._tasks), ordered
            self.refresh(layout=n_before != len(ordered))

    def get_content_height(self, *_: object) -> int:
        """A row for the titles, and one for each task, or one that says that there is none."""
        return 1 + max(1, len(self._tasks))

    def render(self) -> Content:
        """The rows."""
        rows = [
            (
                one.name,
                count_text(one.cycles),
                pace_text(one.prompt_tokens_per_s),
                pace_text(one.tokens_per_s),
                f"{seconds_text(one.first_token_p50_s)}/{seconds_text(one.first_token_p95_s)}",
                count_text(one.prompt_tokens),
                count_text(one.predict_tokens),
            )
            for one in self._tasks
        ]
        titles, *lines = aligned(_TASKS, rows, self.size.width)
        return Content("\n").join(
            [
                Content.styled(titles, "$text-muted"),
                *map(Content, lines or ["no task was used since the server started"]),
            ]
        )


class RequestList(OptionList):
    """A row for each request; the highlight stays with its request while others come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "watch", id="server.watch_request")]

    def __init__(self) -> None:
        super().__init__(id="requests")
        self._requests: Sequence[RequestReport] = ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to watch where there is something to watch."""
        return bool(self._requests) if action == "select" else super().check_action(action, parameters)

    @property
    def titles(self) -> str:
        """The titles of the columns, as the rows have them now."""
        return self._lines_of(self._requests)[0]

    @property
    def chosen(self) -> RequestReport | None:
        """The request that is highlighted."""
        place = self.highlighted
        return None if place is None or place >= len(self._requests) else self._requests[place]

    def show(self, requests: Sequence[RequestReport]) -> None:
        """Show what there is now."""
        chosen, before = self.chosen, [one.number for one in self._requests]
        self._requests = requests[:_MOST]
        numbers = [one.number for one in self._requests]
        rows = self._lines_of(self._requests)[1:]
        if numbers == before:
            for place, row in enumerate(rows):
                self.replace_option_prompt_at_index(place, Content(row))
            return
        self.set_options(Option(Content(row), id=str(number)) for number, row in zip(numbers, rows, strict=True))
        wanted = chosen.number if chosen is not None else None
        self.highlighted = numbers.index(wanted) if wanted in numbers else 0 if numbers else None

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self.show(self._requests)

    def _lines_of(self, requests: Sequence[RequestReport]) -> list[str]:
        rows = [
            (
                f"#{one.number}",
                one.task or one.model,
                _STATES[one.state],
                one.subject,
                count_text(one.n_tokens),
                pace_text(one.tokens_per_s),
                count_text(one.context_tokens),
                seconds_text(one.seconds),
                f"{one.method} {one.route}",
            )
            for one in requests
        ]
        return aligned(_REQUESTS, rows, max(1, self.scrollable_content_region.width or self.app.size.width))
