"""One conversation, its transcript, and the line to write the next prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static, TextArea

from poly_engine.types import Done, Overrides, Progress, Recalled, Thinking, Token, Truncated, Turn
from poly_tui.backend import Backend
from poly_tui.chats.facts import measured_fact, usage_of
from poly_tui.chats.log import ChatLog
from poly_tui.chats.tree import ChatTurn
from poly_tui.inspector import Inspector, Page, Records
from poly_tui.inspector.inquiry import Inquiry
from poly_tui.mentions import unfinished
from poly_tui.screens.conversation import Asked, Conversation, Failed, Loading, News, Opened, Queued, Stopped
from poly_tui.screens.healing import until_reachable
from poly_tui.screens.meter import Meter
from poly_tui.screens.notices import describe_limit, describe_loss, describe_recall
from poly_tui.screens.pacer import Pacer
from poly_tui.screens.section import SectionScreen
from poly_tui.screens.sources import SourceCard
from poly_tui.screens.tasks import TaskPicker
from poly_tui.screens.turns import Turns
from poly_tui.transcript import Kind, Passage, Transcript
from poly_tui.widgets.chat_heading import ChatHeading
from poly_tui.widgets.completions import Completions
from poly_tui.widgets.composer import PLACEHOLDER, Composer
from poly_tui.widgets.queue import QueueView
from poly_tui.widgets.status import Phase
from poly_tui.widgets.status_line import StatusLine

__all__ = ["TalkScreen"]


class TalkScreen(SectionScreen):
    """Talks to a task: the given one, or else the first. What is said goes into a ChatLog."""

    SECTION = "chat"

    AUTO_FOCUS = "Composer"

    CSS_PATH = "../inspector/inspector.tcss"

    @dataclass
    class Answered(Message):
        """An answer came to its end, so many seconds after it was asked for."""

        task: str
        seconds: float

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "stop", id="chat.stop"),
        # With priority, so that a key that is typed next does not overtake it
        Binding("tab", "read", "read", id="chat.read", key_display="⇥", tooltip="go to the transcript", priority=True),
        Binding("ctrl+t", "pick_task", "task", id="chat.task"),
        Binding("ctrl+l", "inspector", "inspector", id="chat.inspector"),
        Binding("ctrl+c", "copy_or_stop", "copy, or stop", id="chat.copy", show=False, priority=True),
        Binding("pageup", "page(-1)", "page up", id="chat.page_up", show=False, priority=True),
        Binding("pagedown", "page(1)", "page down", id="chat.page_down", show=False, priority=True),
        Binding("ctrl+end", "follow", "to the end", id="chat.end", show=False, priority=True),
    ]

    def __init__(self, backend: Backend, task: str | None) -> None:
        super().__init__(backend)
        self._log = ChatLog(None)
        self._conversation = Conversation(backend, task, self._hear, overrides=self._overrides)
        self._records = Records()
        self._inspector = Inspector(self._records, Inquiry(backend, lambda: self._conversation, self._records))
        self._meter = Meter()
        self._pacer = Pacer(self, self._paint)
        self._unpainted: list[tuple[Kind, Passage]] = []
        self._growing: Kind | None = None
        self._heading = ChatHeading(backend.url)
        self._transcript = Turns()
        self._queue = QueueView()
        self._status = StatusLine()
        self._sign = Static(Kind.PROMPT.sign, id="prompt-sign")
        self._completions = Completions()
        self._composer = Composer(self._take_back, self._completions)

    def compose_body(self) -> ComposeResult:
        """Heading, transcript and inspector, queue, status, prompt."""
        yield self._heading
        with Horizontal(id="body"), Vertical(id="main"):
            with Horizontal(id="reading"):
                yield self._transcript
                yield self._inspector
            yield self._queue
            yield self._status
            yield self._completions
            with Horizontal(id="prompt"):
                yield self._sign
                yield self._composer

    def on_mount(self) -> None:
        """Leave the engine alone until the screen stands there and can be typed on."""
        self.call_after_refresh(self._start)

    # What the user does

    @on(Composer.Submitted)
    def send(self, message: Composer.Submitted) -> None:
        """Send a prompt, or queue it behind the one that is being answered."""
        self._send(message.prompt)
        self._transcript.follow()

    @on(TextArea.Changed)
    def keep_draft(self) -> None:
        """Keep what is being written."""
        self._log.set_draft(self._composer.prompt)

    @on(Transcript.Moved)
    def show_place(self, message: Transcript.Moved) -> None:
        """Say whether the end is followed."""
        self._meter.move(is_following=message.is_following, n_new_rows=message.n_new)
        self._pacer.want()

    @on(Transcript.CitationOpened)
    def show_source(self, message: Transcript.CitationOpened) -> None:
        """Show a source of an answer."""
        hits = self._transcript.sources_of(message.block)
        if message.number <= len(hits):
            self.app.push_screen(SourceCard(message.number, hits[message.number - 1]))
        else:
            self.notify(f"there is no source {message.number}", markup=False)

    @on(Turns.Chose)
    def inspect_turn(self, message: Turns.Chose) -> None:
        """Have the turn that is meant inspected."""
        self._inspector.inspect(message.turn)
        self.refresh_bindings()  # there is something to go to in the transcript

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def show_mode(self) -> None:
        """Say who has the keys, where that is not the prompt."""
        is_reading = self.focused is self._transcript
        self._status.mode = "TRANSCRIPT" if is_reading else "INSPECTOR" if self._inspector.has_keys else ""
        self._composer.placeholder = f"{'i' if is_reading else 'esc'} to write" if self._status.mode else PLACEHOLDER

    def on_key(self, event: events.Key) -> None:
        """Type into the prompt wherever the focus is, unless the key has a meaning there."""
        if event.is_printable and event.character and event.key not in self.active_bindings:
            self.set_focus(self._composer)  # at once: what is typed next already goes there
            self._composer.insert(event.character)

    def action_stop(self) -> None:
        """Stop what is going on; if there is nothing to stop, take away what lies over the transcript, and go back to
        the prompt.
        """
        if not self._conversation.stop():
            self._inspector.uncover()
            self._composer.focus()

    def action_copy_or_stop(self) -> None:
        """Copy the selection, else stop what is going on, else say how to quit."""
        text = self._composer.selected_text or self.get_selected_text()
        if text:
            self.app.copy_to_clipboard(text)
        elif not self._conversation.stop():
            self.notify("ctrl+q quits", markup=False)

    @work(group="picker", exclusive=True)
    async def action_pick_task(self) -> None:
        """Choose another task, which the chat goes on with."""
        conversation = self._conversation
        if not conversation.tasks:
            self.notify("the tasks are not known yet", markup=False)
            return
        task = await self.app.push_screen_wait(TaskPicker(conversation.tasks, conversation.task))
        if task is not None and task != conversation.task:
            self._leave()
            self._talk(task)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The transcript is only gone to from the prompt, and if there is something in it."""
        if action == "read":
            is_completing = self._completions.chosen is not None or unfinished(self._composer.before_cursor) is not None
            return self._composer.has_focus and self._transcript.chosen is not None and not is_completing
        if action == "page":
            return not self._inspector.has_keys
        return super().check_action(action, parameters)

    def action_read(self) -> None:
        """Have the keys do something with what was said."""
        self.set_focus(self._transcript)  # at once: the next key may be on its way

    def action_write(self) -> None:
        """Go on with the prompt."""
        self.set_focus(self._composer)

    async def action_inspector(self) -> None:
        """Open the inspector, or go to it, or close it if one is there."""
        if self._inspector.has_keys:
            self._inspector.close()
        else:
            await self._inspector.open()

    async def action_inspect(self, page: Page) -> None:
        """Open a page of the inspector."""
        await self._inspector.open(page)

    def action_page(self, n_pages: int) -> None:
        """Page through the transcript without leaving the prompt."""
        self._transcript.action_page(n_pages)

    def action_follow(self) -> None:
        """Go to the end of the transcript without leaving the prompt."""
        self._transcript.follow()

    # What the conversation tells

    def _hear(self, news: News) -> None:
        if isinstance(news, Token):  # first, because there are thousands
            self._log.hear(news)
            self._unpainted.append((Kind.ANSWER, Passage.of(news.text, is_forced=news.is_forced)))
            self._meter.hear(news)
            self._records.hear(news)
        elif isinstance(news, Thinking):
            self._log.hear(news)
            self._unpainted.append((Kind.THINKING, Passage(news.text)))
            self._meter.hear(news)
            self._records.hear(news)
        else:
            self._write()
            self._take_in(news)
        self._pacer.want()

    def _take_in(self, news: News) -> None:
        match news:
            case Loading():
                self._heading.task_name, self._heading.model_name = news.task.name, news.task.model
                self.backend.talked_to = news.task.name
                self._heading.is_loaded = False
                self._meter.load(news.share)
            case Opened():
                self._heading.is_loaded = True
                self._meter.open(news.model.context_size, self._context_used)
                self._transcript.name_task(news.task.name, news.model.name, news.task.description)
            case Queued():
                self._queue.show(news.prompts)
            case Asked():
                self._growing = None
                self._ask(news.prompt)
                self._meter.ask()
            case Progress():
                self._meter.hear(news)
                self._records.hear(news)
            case Recalled():
                self._log.hear(news)
                if news.hits:
                    self._transcript.show_sources(news.hits)
                else:
                    self._transcript.add(Kind.NOTICE, describe_recall(news))
            case Truncated():
                self._transcript.add(Kind.NOTICE, describe_loss(news))
            case Done():
                self._meter.hear(news)
                self._note_measured()
                self._log.hear(news)
                self.backend.speeds[self._heading.model_name] = self._meter.status.tokens_per_s or 0.0
                self._mark_end(news)
                self.post_message(self.Answered(self._heading.task_name, self._meter.seconds))
                self._end()
            case Stopped():
                was_loading = self._meter.status.phase is Phase.LOADING
                self._transcript.add(Kind.MARK, "loading stopped" if was_loading else "stopped")
                self._give_back(news.prompts)
                self._note_measured()
                self._log.stop()
                self._meter.stop()
                self._end()
            case Failed():
                self._fail(news)

    def _fail(self, news: Failed) -> None:
        self._transcript.add(Kind.ERROR, news.message)
        self._give_back(news.prompts)
        self._note_measured()
        self._log.fail(news.message)
        self._meter.fail()
        if news.is_unreachable:
            self._await_server()

    def _mark_end(self, done: Done) -> None:
        if done.finish_reason == "length":
            self._transcript.add(Kind.MARK, describe_limit(self._meter.status.bias_state))
        elif done.finish_reason == "cancelled":
            self._transcript.add(Kind.MARK, "stopped")
        elif self._growing is not Kind.ANSWER:
            self._transcript.add(Kind.MARK, "the answer is empty")

    def _end(self) -> None:
        """An answer came to its end."""

    # How it is done

    def _start(self) -> None:
        self._run()

    def _send(self, prompt: str) -> None:
        self._conversation.ask(prompt)

    def _ask(self, prompt: str) -> None:
        """Have a turn of the chat for a prompt that was sent."""
        self._begin_turn(self._log.ask(prompt, self._heading.task_name, self._heading.model_name))

    def _begin_turn(self, turn: ChatTurn) -> None:
        self._records.begin(turn)
        self._transcript.begin(turn, self._log.chat)

    def _give_back(self, prompts: Sequence[str]) -> None:
        """Put prompts that were not answered before what is being written."""
        self._composer.give_back(prompts)

    def _leave(self) -> None:
        """Leave the conversation: what it was writing stops, and what waits comes back."""
        self._write()
        if self._meter.status.phase.is_answering:
            self._transcript.add(Kind.MARK, "stopped")
        self._give_back(self._conversation.leave())
        self._note_measured()
        self._log.stop()
        self._queue.show(())

    def _talk(self, task: str | None, history: Sequence[Turn] | None = None, *, takes_focus: bool = True) -> None:
        """Begin a conversation that goes on where the chat is, or has another history."""
        history = self._log.chat.history if history is None else history
        self._conversation = Conversation(self.backend, task, self._hear, history, self._overrides)
        self._meter = Meter()
        self._growing = None
        if takes_focus:
            self._transcript.follow()
            self._composer.focus()
        self._run()

    @work(group="server", exclusive=True)
    async def _await_server(self) -> None:
        """Say that the server is lost, until it is there again; then do what did not work, if nobody did meanwhile."""
        engine = await self.backend.engine()
        self._heading.is_lost = True
        await until_reachable(engine)
        self._heading.is_lost = False
        if self._meter.status.phase is Phase.FAILED:
            self._talk(self._conversation.task, takes_focus=False)

    def _run(self) -> None:
        self.run_worker(self._conversation.run(), group="conversation", exclusive=True)

    def _write(self) -> None:
        """Put the tokens that came since the last time into the transcript."""
        for kind, tokens in groupby(self._unpainted, key=itemgetter(0)):
            self._grow(kind, Passage.join(passage for _, passage in tokens))
        self._unpainted.clear()

    def _grow(self, kind: Kind, passage: Passage) -> None:
        """Add to the block that is being written, or begin one of another kind."""
        if not passage:
            return
        if kind is not self._growing:
            if self._growing is Kind.THINKING:
                self._transcript.fold_thoughts()
            self._transcript.add(kind)
            self._growing = kind
        self._transcript.append(passage)

    def _paint(self) -> None:
        self._write()
        status = self._status.status = self._meter.status
        self._inspector.paint(status)

    def _overrides(self) -> Overrides:
        return self._inspector.overrides

    def _note_measured(self) -> None:
        """Keep what was measured of the answer with its turn."""
        self._log.note("measured", measured_fact(self._records.newest.measured(self._meter.status)))

    @property
    def _context_used(self) -> int | None:
        """How much of the context the chat takes, as its last turn says."""
        tip = self._log.chat.tip
        usage = usage_of(tip.facts) if tip is not None and tip.task == self._conversation.task else None
        return usage.context_tokens if usage else None

    def _take_back(self) -> str | None:
        return self._conversation.take_back()
