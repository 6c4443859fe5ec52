"""The section of the server: start one or look at one, see what it does, watch and end its requests, read its log."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from poly_engine.errors import InvalidRequest, PolyError
from poly_tui.backend import Backend
from poly_tui.screens.section import SectionScreen
from poly_tui.screens.server.advice import advice
from poly_tui.screens.server.cards import KeyCard, LeaveCard, SecretCard, TokenCard
from poly_tui.screens.server.charts import Charts
from poly_tui.screens.server.log_view import LogView
from poly_tui.screens.server.stream_pane import StreamPane
from poly_tui.screens.server.summary import Summary, note
from poly_tui.screens.server.tables import RequestList, TaskTable
from poly_tui.serving.credentials import new_key, new_token
from poly_tui.serving.curl import as_curl
from poly_tui.serving.link import Phase, ServerLink
from poly_tui.serving.local import LocalServers, state_folder
from poly_tui.serving.seam import Servers
from poly_tui.transcript.clean import clean

__all__ = ["ServerScreen"]

_POLL_S = 1.0
_SOON_S = 0.2
_NOTHING_YET = (Phase.LOOKING, Phase.NONE, Phase.FOUND)
_CAN_START = (Phase.NONE, Phase.STOPPED, Phase.DIED)


class ServerScreen(SectionScreen):
    """Looks after one server, and asks it how it is while the section is shown, with a `pause` of seconds between."""

    SECTION = "server"
    CSS_PATH = "server.tcss"
    AUTO_FOCUS = None

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start_or_stop", "start/stop", id="server.start_stop"),
        Binding("enter", "look_at", "look", id="server.look_at"),
        Binding("x", "cancel", "cancel", id="server.cancel"),
        Binding("o", "copy_curl", "copy curl", id="server.copy_curl"),
        Binding("k", "make_key", "new key", id="server.new_key"),
        Binding("t", "make_token", "new token", id="server.new_token"),
        Binding("slash", "filter_log", "filter", id="server.filter_log", key_display="/"),
        Binding("l", "next_level", "level", id="server.level"),
        Binding("f", "follow", "follow", id="server.follow"),
        Binding("a", "give_key", "give key", id="server.give_key"),
        Binding("r", "reload", "reload", id="server.reload"),
        Binding("u", "copy_url", "copy URL", id="server.copy_url", show=False),
        Binding("escape", "back", "back", id="server.back", show=False),
    ]

    def __init__(
        self,
        backend: Backend,
        servers: Servers | None = None,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(backend)
        self._servers = servers or LocalServers(lambda: backend.config_file, state_folder())
        self.link = ServerLink(self._servers, backend.url, backend.key)
        self._pause = pause
        self._charts = Charts(clock)
        self._is_starting = False
        self._offered: tuple[object, ...] = ()
        """What the keys that can be pressed depend on, as it was."""
        self._summary = Summary(self.link, self._charts)
        self._advice = Static(id="advice")
        self._tasks = TaskTable()
        self._live = Static(classes="heading")
        self._requests = RequestList()
        self._log_heading = Static(classes="heading")
        self._log = LogView()
        self._stream = StreamPane()
        self._filter = Input(placeholder="words to look for in the log", compact=True, id="log-filter")

    def compose_body(self) -> ComposeResult:
        """Figures; tasks and requests; the log, or a stream that is watched."""
        yield self._summary
        with Container(id="server-body"):
            with Vertical(id="server-tables"):
                yield self._tasks
                yield self._live
                yield self._requests
            yield self._advice
            with Vertical(id="server-pane"):
                yield self._log_heading
                yield self._log
                yield self._filter
            yield self._stream

    def on_mount(self) -> None:
        """Show that nothing is known yet."""
        self._show()

    def on_screen_resume(self) -> None:
        """Ask how it is, again and again."""
        self._poll()

    def on_screen_suspend(self) -> None:
        """Ask no more while something else is shown."""
        self.workers.cancel_group(self, "server.poll")

    def on_resize(self) -> None:
        """Fit the headings."""
        self._show()

    async def may_quit(self) -> bool:
        """Ask what becomes of a server that was started here."""
        if not self.link.is_ours:
            return True
        if self.link.phase is not Phase.STOPPING:
            leaving = await self.app.push_screen_wait(LeaveCard(self.link.place))
            if leaving is None:
                return False
            if leaving == "stop":
                self.link.stop()
        await self.link.close()
        return True

    # What is shown

    @work(group="server.poll", exclusive=True)
    async def _poll(self) -> None:
        if self.link.watch is None and self.link.phase in _NOTHING_YET:
            await self.link.look()
        while True:
            await self.link.poll()
            if self.link.report is not None:
                self._charts.add(self.link.report)
            self._show()
            await self._pause(_SOON_S if self.link.phase is Phase.STARTING else _POLL_S)

    def _show(self) -> None:
        link = self.link
        self.title_bar.note = note(link)
        has_log = link.is_ours or bool(link.log)
        self.set_class(link.phase.is_shown, "-shown")
        self.set_class(has_log, "-logged")
        self._summary.refresh()
        self._tasks.show(link.tasks)
        self._requests.show(link.requests)
        self._log.show(link.log, link.n_logged)
        self._advice.update(advice(link, self._source))
        self._show_headings()
        if link.phase.is_shown and self.focused is None:
            self._requests.focus()
        elif not link.phase.is_shown and self.focused is self._requests:
            self.set_focus(None)  # or it would take Enter for itself
        offered = (link.phase, link.is_ours, has_log, bool(link.requests))
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def _show_headings(self) -> None:
        width = self._requests.size.width or self.size.width
        n = len(self.link.requests)
        live = Content.assemble(("live requests ", "bold"), (f"{n}" if n else "none", "$text-muted"))
        lost = Content.styled(f"  {clean(self.link.words)}", "$text-error") if self.link.phase is Phase.LOST else ""
        titles = Content.styled(f"\n{self._requests.titles}"[: width + 1], "$text-muted") if n else ""
        self._live.update(Content.assemble(live, lost, titles))
        state = "following" if self._log.is_following else "f follow"
        words = f" · {clean(self._log.words)}" if self._log.words else ""
        log = Content.assemble(("log ", "bold"), (f"{self._log.level} and graver{words} · {state}", "$text-muted"))
        self._log_heading.update(log)

    @property
    def _source(self) -> str:
        file = self.backend.config_file
        return "the built-in one" if file is None else str(file)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done as things stand."""
        del parameters
        phase, is_shown = self.link.phase, self.link.phase.is_shown
        match action:
            case "start_or_stop":
                return phase in _CAN_START or self.link.is_ours
            case "look_at":
                return phase in (*_CAN_START, Phase.FOUND, Phase.REFUSED)
            case "cancel":
                return is_shown and bool(self.link.requests)
            case "copy_curl" | "copy_url":
                return is_shown
            case "filter_log" | "next_level" | "follow":
                return self.has_class("-logged")
            case "give_key":
                return phase in (Phase.FOUND, Phase.REFUSED)
            case "reload":
                return self.link.is_ours and phase is Phase.RUNNING
            case "make_key" | "make_token":
                return self.backend.url is None
        return True

    # Starting and stopping

    def action_start_or_stop(self) -> None:
        """Start a server, or have the one that was started here stop; once more ends it at once."""
        if not self.link.is_ours:
            if self.link.phase in _CAN_START and not self._is_starting:
                self._is_starting = True
                self._start()
            return
        if self.link.phase is Phase.STOPPING:
            self.notify("it is ended at once", markup=False)
        else:
            self.notify("it waits for what is under way; once more ends it at once", markup=False)
        self.link.stop()
        self._show()

    @work(group="server.begin")
    async def _start(self) -> None:
        try:
            await self.link.start()
        except PolyError as error:
            self.tell_error(error)
        finally:
            self._is_starting = False
        self._charts.forget()
        self._poll()

    def action_reload(self) -> None:
        """Have the server read its configuration again."""
        if self.link.daemon is not None:
            self.link.daemon.reload()
            self.notify("it reads its configuration again; its log says what came of it", markup=False)

    @work(group="server.start", exclusive=True)
    async def action_give_key(self) -> None:
        """Ask for a key, and look at the server with it."""
        key = await self.app.push_screen_wait(KeyCard(self.link.place))
        if key is not None:
            await self._look(key)

    # Requests

    @on(OptionList.OptionSelected, "#requests")
    def action_look_at(self) -> None:
        """Watch the request that is highlighted; or look at the server that was found."""
        request = self._requests.chosen
        if self.link.phase is Phase.FOUND:
            self._look_again()
        elif self.link.phase in (*_CAN_START, Phase.REFUSED):
            self._look_anew()
        elif request is not None and self.link.watch is not None:
            self._stream.begin(self.link.watch, request)
            self.add_class("-watching")
            self._stream.focus_text()

    @work(group="server.start", exclusive=True)
    async def _look_anew(self) -> None:
        await self.link.look()
        self._poll()

    @work(group="server.start", exclusive=True)
    async def _look_again(self) -> None:
        await self._look(self.backend.key)

    async def _look(self, key: str | None) -> None:
        await self.link.connect(self.link.place, key)
        self._charts.forget()
        self._poll()

    @work(group="server.cancel")
    async def action_cancel(self) -> None:
        """End the request that is watched, or highlighted."""
        watched = self._stream.request if self.has_class("-watching") else None
        request, watch = watched or self._requests.chosen, self.link.watch
        if request is None or watch is None:
            return
        try:
            await watch.cancel(request.number)
            self.notify(f"request {request.number} is cancelled; its client is told so", markup=False)
        except PolyError as error:
            self.tell_error(error)

    def action_copy_curl(self) -> None:
        """Copy what asks the task of the highlighted request, or any."""
        request = self._requests.chosen
        names = [request.task] if request is not None and request.task else [task.name for task in self.link.tasks]
        self.app.copy_to_clipboard(as_curl(self.link.place, names[0] if names else "TASK"))

    def action_copy_url(self) -> None:
        """Copy where the server is."""
        self.app.copy_to_clipboard(self.link.place)

    # Keys and tokens

    def action_make_key(self) -> None:
        """Make a key, and show it once."""
        made = new_key()
        file = self.backend.config_file
        where = f"Write this into {'a configuration' if file is None else file}, and have the server read it again (r):"
        self.app.push_screen(SecretCard("New key · shown only now", made.key, where, made.setting))

    @work(group="server.token", exclusive=True)
    async def action_make_token(self) -> None:
        """Ask what a token is for, and show it once."""
        try:
            config = await asyncio.to_thread(self._servers.configuration)
            if config.jwt_private_key is None:
                remedy = 'write [jwt_private_key] symmetric = "…" into it, 32 characters at least'
                raise InvalidRequest(f"tokens are signed with jwt_private_key of the configuration: {remedy}")
            wanted = await self.app.push_screen_wait(TokenCard(list(config.tasks)))
            if wanted is not None:
                token = new_token(config, wanted.subject, wanted.hours, wanted.limits)
                names = ", ".join(wanted.limits["tasks"]) or "everything"
                words = f"For {clean(wanted.subject)}, valid for {wanted.hours:g} h, for {clean(names)}."
                self.app.push_screen(SecretCard("New token · shown only now", token, words))
        except PolyError as error:
            self.tell_error(error)

    # The log

    def action_filter_log(self) -> None:
        """Type words to look for."""
        self.add_class("-filtering")
        self._filter.focus()

    @on(Input.Changed, "#log-filter")
    def look_for(self, message: Input.Changed) -> None:
        """Show the lines that have the words."""
        self._log.words = message.value
        self._show()

    @on(Input.Submitted, "#log-filter")
    def leave_filter(self) -> None:
        """Go on reading the lines that were found."""
        self._log.focus()

    def action_next_level(self) -> None:
        """Show only what is graver, or everything again."""
        self._log.next_level()
        self._show()

    def action_follow(self) -> None:
        """Go to the end of the log, and follow it."""
        self._log.follow()
        self._show()

    def action_back(self) -> None:
        """One level back: from a stream, or from looking for words."""
        if self.has_class("-watching"):
            self._stream.leave()
            self.remove_class("-watching")
            self._requests.focus()
        elif self.has_class("-filtering"):
            self._filter.value = ""
            self.remove_class("-filtering")
            self._log.focus()
