"""`poly chat`: a conversation in the normal scrollback of a terminal, or through pipes."""

import re
from collections.abc import Callable, Mapping

import click

from poly_engine import Engine, InvalidRequest, PolyError, Session
from poly_tui import connect
from poly_tui.commands.answer import Request, TextAnswer, answer_prompt
from poly_tui.commands.foreground import Foreground
from poly_tui.commands.lines import PromptReader
from poly_tui.commands.loading import load
from poly_tui.commands.names import task_argument
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]

_HELP = """\
/help       what can be typed here
/new        forget the conversation and begin again
/task NAME  talk with another task
/quit       leave, as does Ctrl-D
A backslash at the end of a line continues it on the next one. Ctrl-C stops an answer."""


@click.command()
@task_argument(is_required=False)
@pass_settings
def command(settings: Settings, *, task: str | None) -> int:
    """Talk with a task, line by line.

    TASK is the first one there is if it is not given. /help lists what can be typed. Through a pipe, each line is a
    turn.
    """
    with Foreground() as foreground:
        chat = _Chat(foreground, foreground.enter(connect.engine(settings)))
        chat.begin(task)
        return chat.hold()


class _Chat:
    """One user, one session at a time."""

    def __init__(self, foreground: Foreground, engine: Engine) -> None:
        self._foreground = foreground
        self._engine = engine
        self._reader = PromptReader()
        self._session: Session
        self._task = ""
        self._n_failed = 0
        self._is_over = False
        self._commands: Mapping[str, Callable[[str], None]] = {
            "/help": lambda _: _tell(_HELP),
            "/new": lambda _: self.begin(self._task),
            "/task": self._change_task,
            "/quit": lambda _: self._leave(),
        }

    def begin(self, task: str | None) -> None:
        """Begin a conversation with `task`, or with the first one. Raises PolyError, and then the old one goes on."""
        self._session, self._task = self._foreground.run(self._open(task))
        if self._reader.is_interactive:
            _tell(f"You talk with {self._task}. /help says what else can be typed; Ctrl-D leaves.")

    def hold(self) -> int:
        """Answer prompts until there are no more; return the exit code."""
        while not self._is_over and (prompt := self._reader.read()) is not None:
            if prompt.strip():
                self._attempt(prompt)
        is_script = not self._reader.is_interactive
        return 1 if is_script and self._n_failed else 0

    def _attempt(self, prompt: str) -> None:
        try:
            self._obey(prompt)
        except PolyError as error:
            self._n_failed += 1
            click.echo(f"poly: {error}", err=True)
        except KeyboardInterrupt:
            if not self._reader.is_interactive:
                raise
            click.echo(err=True)

    def _obey(self, prompt: str) -> None:
        word, _, rest = prompt.strip().partition(" ")
        if word in self._commands:
            self._commands[word](rest.strip())
        elif re.fullmatch("/[a-z]+", prompt.strip()):
            raise InvalidRequest(f"there is no {word}; /help lists what there is")
        else:
            self._foreground.run(answer_prompt(self._session, Request(prompt), TextAnswer()))

    async def _open(self, name: str | None) -> tuple[Session, str]:
        task = await connect.find_task(self._engine, name)
        await load(self._engine, task.model)
        session = self._engine.session(task.name)
        await session.open()
        if self._task:
            await self._session.close()
        return session, task.name

    def _change_task(self, name: str) -> None:
        if name:
            self.begin(name)
        else:
            names = [task.name for task in self._foreground.run(self._engine.tasks())]
            _tell(f"You talk with {self._task}. There is: {', '.join(names)}")

    def _leave(self) -> None:
        self._is_over = True


def _tell(text: str) -> None:
    click.echo(click.style(text, dim=True), err=True)
