"""`poly chat`: a conversation in the normal scrollback of a terminal, or through pipes."""

import re
from collections.abc import Callable, Mapping
from contextlib import closing

import click

from poly_engine import Engine, InvalidRequest, PolyError, Session, TaskInfo
from poly_tui import connect
from poly_tui.chats.log import ChatLog
from poly_tui.chats.tree import Chat
from poly_tui.commands.answer import Request, TextAnswer, answer_prompt
from poly_tui.commands.foreground import Foreground
from poly_tui.commands.kept_chat import KeptAnswer, KeptChats
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
@click.option("-c", "--continue", "is_continued", is_flag=True, help="Go on with the last chat.")
@click.option("-s", "--chat", "number", type=click.IntRange(1), metavar="ID", help="Go on with a chat: poly chats ls.")
@click.option("-n", "--no-log", "is_forgotten", is_flag=True, help="Keep nothing of this chat.")
@pass_settings
def command(settings: Settings, *, task: str | None, is_continued: bool, number: int | None, is_forgotten: bool) -> int:
    """Talk with a task, line by line.

    TASK is that of the chat that goes on, or the first one there is. /help lists what can be typed. Chats at a terminal
    are kept. Through a pipe, each line is a turn, and nothing is kept unless a chat goes on.
    """
    if is_forgotten and (is_continued or number):
        raise click.UsageError("what goes on is kept: leave out --no-log", click.get_current_context())
    reader = PromptReader()
    is_again = is_continued or number is not None
    with closing(KeptChats(is_kept=is_again or (reader.is_interactive and not is_forgotten))) as chats:
        log = chats.again(number) if is_again else chats.new()
        with Foreground() as foreground:
            chat = _Chat(foreground, foreground.enter(connect.engine(settings)), reader, chats)
            chat.begin(task, log)
            return chat.hold()


class _Chat:
    """One user, one session at a time."""

    def __init__(self, foreground: Foreground, engine: Engine, reader: PromptReader, chats: KeptChats) -> None:
        self._foreground = foreground
        self._engine = engine
        self._reader = reader
        self._chats = chats
        self._log: ChatLog
        self._session: Session
        self._task = ""
        self._model = ""
        self._n_failed = 0
        self._is_over = False
        self._commands: Mapping[str, Callable[[str], None]] = {
            "/help": lambda _: _tell(_HELP),
            "/new": lambda _: self.begin(self._task),
            "/task": self._change_task,
            "/quit": lambda _: self._leave(),
        }

    def begin(self, task: str | None, log: ChatLog | None = None) -> None:
        """Begin a conversation with `task`, or go on with one. Raises PolyError, and then the old one goes on.

        Without a name it is the task of the chat, or the first one.
        """
        log = log or self._chats.new()
        self._session, info = self._foreground.run(self._open(task or log.chat.task or None, log.chat))
        self._log, self._task, self._model = log, info.name, info.model
        if self._reader.is_interactive:
            again = f" about {log.chat.title}" if log.chat.title else ""
            _tell(f"You talk with {self._task}{again}. /help says what else can be typed; Ctrl-D leaves.")

    def hold(self) -> int:
        """Answer prompts until there are no more; return the exit code."""
        while not self._is_over and (prompt := self._reader.read()) is not None:
            if prompt.strip():
                self._attempt(prompt)
        number = self._chats.number_of(self._log) if self._reader.is_interactive else None
        if number is not None:
            _tell(f"This was chat {number}: poly chat -c goes on with it.")
        is_script = not self._reader.is_interactive
        return 1 if is_script and self._n_failed else 0

    def _attempt(self, prompt: str) -> None:
        try:
            self._obey(prompt)
        except PolyError as error:
            self._n_failed += 1
            self._log.fail(str(error))
            click.echo(f"poly: {error}", err=True)
        except KeyboardInterrupt:
            self._log.stop()
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
            self._log.ask(prompt, self._task, self._model)
            text = TextAnswer()
            answer = KeptAnswer(self._log, text.hear, text.end)
            self._foreground.run(answer_prompt(self._session, Request(prompt), answer))

    async def _open(self, name: str | None, chat: Chat) -> tuple[Session, TaskInfo]:
        task = await connect.find_task(self._engine, name)
        await load(self._engine, task.model)
        session = self._engine.session(task.name, history=chat.history)
        await session.open()
        if self._task:
            await self._session.close()
        return session, task

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
