"""The pane that watches a request: whose it is, and what is written."""

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from poly_engine.errors import PolyError
from poly_engine.types import Calling, Done, Event, Thinking, Token
from poly_serve.reports import RequestReport, SoFar, Written
from poly_tui.screens.server.stream_view import StreamView
from poly_tui.serving.seam import Watch
from poly_tui.transcript.clean import clean

__all__ = ["StreamPane"]


class StreamPane(Vertical):
    """Watches one request, read-only, from what was written so far."""

    def __init__(self) -> None:
        super().__init__()
        self.request: RequestReport | None = None
        self._heading = Static(classes="heading")
        self._view = StreamView()

    def compose(self) -> ComposeResult:
        """The heading over the text."""
        yield self._heading
        yield self._view

    def focus_text(self) -> None:
        """Let the text be scrolled."""
        self._view.focus()

    @work(group="server.watch", exclusive=True)
    async def begin(self, server: Watch, request: RequestReport) -> None:
        """Show what is written, to the end, and why it ended."""
        self.request = request
        self._entitle(f"request {request.number}", f"{request.task or request.model} · {request.subject}")
        self._view.begin()
        try:
            async with server.watch(request.number) as events:
                async for event in events:
                    self._show(event)
        except PolyError as error:
            self._view.end(str(error))

    def leave(self) -> None:
        """Watch no more."""
        self.request = None
        self.workers.cancel_group(self, "server.watch")

    def _show(self, event: SoFar | Event) -> None:
        match event:
            case SoFar(written=written, is_cut=is_cut):
                if is_cut:
                    self._view.add(Written("thinking", "… what came before is not kept\n"))
                for piece in written:
                    self._view.add(piece)
            case Token(text=text):
                self._view.add(Written("token", text))
            case Thinking(text=text):
                self._view.add(Written("thinking", text))
            case Calling(arguments=text):
                self._view.add(Written("calling", text))
            case Done(finish_reason=reason, usage=usage):
                self._view.end(f"ended: {reason}, {usage.completion_tokens} tokens")

    def _entitle(self, name: str, whose: str) -> None:
        words = ("watching ", "bold"), (name, "bold"), (f"  {clean(whose)}", "$text-muted")
        self._heading.update(Content.assemble(*words, ("  esc back · x cancel", "$text-muted")))
