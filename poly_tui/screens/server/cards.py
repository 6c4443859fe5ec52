"""Cards over the section: a secret shown once, a token to be made, a key to be given, and what becomes of a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from poly_tui.transcript.clean import clean

__all__ = ["KeyCard", "LeaveCard", "Leaving", "SecretCard", "TokenCard", "Wanted"]

Leaving = Literal["keep", "stop"]
"""What becomes of a server that was started here."""


class SecretCard(ModalScreen[None]):
    """Shows a secret, once, and what to do with it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,enter", "copy", "copy", id="server.copy_secret"),
        Binding("l", "copy_setting", "copy the line", id="server.copy_setting"),
        Binding("escape", "leave", "back", id="server.leave_secret"),
    ]

    def __init__(self, title: str, secret: str, advice: str, setting: str = "") -> None:
        super().__init__()
        self._setting = setting
        self._title = title
        self._secret = secret
        self._advice = advice

    def compose(self) -> ComposeResult:
        """The secret over what to do with it."""
        with Vertical(classes="server-card") as card:
            card.border_title = self._title
            card.border_subtitle = "c copy · l copy the line · esc back" if self._setting else "c copy · esc back"
            yield Static(Content.styled(self._secret, "bold"))
            yield Static(Content(self._advice), classes="server-advice")
            if self._setting:
                yield Static(Content(self._setting))

    def action_copy(self) -> None:
        """Copy it."""
        self.app.copy_to_clipboard(self._secret)

    def action_copy_setting(self) -> None:
        """Copy the line of the configuration that goes with it."""
        if self._setting:
            self.app.copy_to_clipboard(self._setting)

    def action_leave(self) -> None:
        """Forget it."""
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that is to be made."""

    subject: str
    hours: float
    limits: Mapping[str, Sequence[str]]


class TokenCard(ModalScreen[Wanted | None]):
    """Asks for whom a token is, for what and for how long. The result is what is wanted, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", id="server.leave_token")]
    AUTO_FOCUS = "#tasks"

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        self._known = tasks

    def compose(self) -> ComposeResult:
        """A line for each thing to say."""
        with Vertical(classes="server-card") as card:
            card.border_title = "New token"
            card.border_subtitle = "⏎ make it · ⇥ next · esc back"
            known = clean(" ".join(self._known[:12]))
            yield Static(Content.assemble("tasks, or nothing for all  ", (known, "$text-muted")))
            yield Input(id="tasks", compact=True)
            yield Static(Content("whom it is for"))
            yield Input("user", id="subject", compact=True)
            yield Static(Content("hours that it is valid"))
            yield Input("1", id="hours", compact=True)
            yield Static(Content(""), id="problem")

    @on(Input.Submitted)
    def make(self, message: Input.Submitted) -> None:
        """Take what was typed, or say what is wrong with it."""
        message.stop()
        tasks = self.query_one("#tasks", Input).value.replace(",", " ").split()
        unknown = [name for name in tasks if name not in self._known]
        hours = _hours(self.query_one("#hours", Input).value)
        if unknown:
            self._say(f"there is no task {unknown[0]}: a token for it would open nothing")
        elif hours is None:
            self._say("hours have to be a number above 0, such as 1 or 0.5")
        else:
            subject = self.query_one("#subject", Input).value.strip() or "user"
            self.dismiss(Wanted(subject, hours, {"tasks": tasks}))

    def action_leave(self) -> None:
        """Make none."""
        self.dismiss(None)

    def _say(self, words: str) -> None:
        self.query_one("#problem", Static).update(Content.styled(clean(words), "$text-error"))


class KeyCard(ModalScreen[str | None]):
    """Asks for the key of a server. The result is the key, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", id="server.leave_key")]
    AUTO_FOCUS = "Input"

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def compose(self) -> ComposeResult:
        """The line, which does not show what is typed."""
        with Vertical(classes="server-card") as card:
            card.border_title = "Key"
            card.border_subtitle = "⏎ use it · esc back"
            yield Static(Content(f"a key or token of {clean(self._place)} that may be used for everything"))
            yield Input(password=True, compact=True)

    @on(Input.Submitted)
    def take(self, message: Input.Submitted) -> None:
        """Take what was typed."""
        message.stop()
        self.dismiss(message.value.strip() or None)

    def action_leave(self) -> None:
        """Give none."""
        self.dismiss(None)


class LeaveCard(ModalScreen[Leaving | None]):
    """Asks what becomes of a server that was started here. The result is None if the user stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "choose('keep')", "keep it running", id="server.keep_running"),
        Binding("s", "choose('stop')", "stop it", id="server.stop_and_quit"),
        Binding("escape", "leave", "stay", id="server.stay"),
    ]

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical(classes="server-card") as card:
            card.border_title = "Quit"
            yield Static(Content(f"The server at {clean(self._place)} was started here, and runs."))
            yield Static(_choices(("k", "keep it running"), ("s", "stop it, and quit"), ("esc", "stay")))

    def action_choose(self, leaving: Leaving) -> None:
        """Quit."""
        self.dismiss(leaving)

    def action_leave(self) -> None:
        """Stay."""
        self.dismiss(None)


def _choices(*choices: tuple[str, str]) -> Content:
    rows = [Content.assemble((f"{key:>4}  ", "bold $text-accent"), words) for key, words in choices]
    return Content("\n").join(rows)


def _hours(text: str) -> float | None:
    try:
        hours = float(text)
    except ValueError:
        return None
    return hours if 0 < hours < _MOST_HOURS else None


_MOST_HOURS = 24 * 366 * 100
