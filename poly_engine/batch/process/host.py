"""The parent's side of the process of a model: it starts it, talks with it, and buries it."""

import logging
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue

from poly_engine.batch.messages import Command, Report
from poly_engine.batch.opened import ModelSpec, OpenedModel
from poly_engine.batch.process.questions import Questions
from poly_engine.batch.process.start import start_child
from poly_engine.batch.process.vocabulary import DistantBiases, DistantVocabulary
from poly_engine.batch.process.wire import (
    Answer,
    Facts,
    Frames,
    Hello,
    Loading,
    Ping,
    Pong,
    Refusal,
    Senseless,
    ToChild,
    checked,
    encoded,
    put,
    restored,
)
from poly_engine.batch.process.words import LastWords, cause_of_death
from poly_engine.errors import PolyError

__all__ = ["ProcessHost", "Pulse"]

_log = logging.getLogger(__name__)
_READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Pulse:
    """When a process that does not answer counts as dead.

    Whenever it was silent for `interval_s`, it is asked whether it is there; a thread of it answers even during the
    longest decode. After `n_missed` questions without an answer it is stopped, or hangs as a whole, and is ended; until
    it has said something for the first time, after `n_missed_at_start`. So it is if its worker was in one and the same
    step for `longest_step_s`.
    """

    interval_s: float = 2.0
    n_missed: int = 15
    n_missed_at_start: int = 60
    longest_step_s: float = 600.0


class Hangs(Exception):
    """A process does not answer, or gets no further."""


class ProcessHost:
    """Runs the worker of one model in a process of its own: see `MakeHost`.

    One thread, the keeper, starts the process, hears it, and waits for its end; it lives as long, because Linux ends
    the process with the thread that started it. Another one writes to it, so that `send` never blocks.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        on_progress: Callable[[float], None],
        on_opened: Callable[[OpenedModel | PolyError], None],
        on_reports: Callable[[list[Report]], None],
        on_end: Callable[[str], None],
        pulse: Pulse = Pulse(),
    ) -> None:
        self._spec = spec
        self._on_progress = on_progress
        self._on_opened = on_opened
        self._on_reports = on_reports
        self._on_end = on_end
        self._pulse = pulse
        self._messages: SimpleQueue[ToChild | None] = SimpleQueue()
        self._messages.put(Hello(spec, os.getpid(), logging.getLogger("poly_engine").getEffectiveLevel()))
        self._questions = Questions(self._messages)
        self._words = LastWords(spec.header.path.name)
        self._embedding_size = 0
        self._is_refused = False  # the model cannot be opened, which was said
        self._starting = threading.Lock()  # so that a process is not started after it was to be stopped
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = False
        self._keeper = threading.Thread(target=self._keep, name=f"poly-{spec.header.path.stem}", daemon=True)
        self._keeper.start()

    def send(self, command: Command) -> None:
        """Hand a command to the worker. Never blocks."""
        self._messages.put(command)

    def stop(self, reason: str) -> None:
        """End the process at once: it has nothing to put in order, and the system gives its memory back."""
        del reason  # which who waits is told by the client
        with self._starting:
            self._is_stopping = True
            if self._process is not None:
                self._process.kill()

    def _keep(self) -> None:
        why = ""
        try:
            why = self._live()
        except OSError as error:
            why = f"no process can be started for the model: {error}"
        except Exception:  # noqa: BLE001 - the edge of the thread: whoever waits is told by on_end
            _log.exception("the keeper of a process failed")
            why = "the engine failed; its log says why"
        finally:
            why = "" if self._is_told else why
            self._questions.end(why)
            self._on_end(why)

    def _live(self) -> str:
        """Start the process and hear it to its end; return what ended it."""
        with self._starting:
            if self._is_stopping:
                return ""
            process = self._process = start_child()
        with process:
            name = f"{self._keeper.name}-writer"
            writer = threading.Thread(target=self._write, args=(process,), name=name, daemon=True)
            writer.start()
            try:
                verdict = self._hear(process)
            finally:
                process.kill()
                self._messages.put(None)
                writer.join()
                self._words.hear_out(process)
        why = verdict or cause_of_death(process.returncode, self._words.text)
        if not self._is_told:
            _log.error("%s: %s", self._spec.header.path.name, why)
        return why

    @property
    def _is_told(self) -> bool:
        """Whether the end of the process is nothing that has to be told."""
        return self._is_stopping or self._is_refused

    def _write(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        while (message := self._messages.get()) is not None:
            try:
                put(process.stdin.fileno(), encoded(message))
            except OSError:  # it died, which the keeper notices
                return

    def _hear(self, process: "subprocess.Popen[bytes]") -> str:
        """Hear the process until it closes its end; return for what it has to be ended, or ""."""
        assert process.stdout is not None
        frames, descriptor = Frames(), process.stdout.fileno()
        try:
            for _ in self._signs_of_life(process):
                if not (piece := os.read(descriptor, _READ_BYTES)):
                    break
                for frame in frames.feed(piece):
                    self._take(checked(frame))
        except Senseless as error:
            return f"the process of the model said what makes no sense ({error!s:.80}), and was ended"
        except Hangs as error:
            return str(error)
        return ""

    def _signs_of_life(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        """Yield whenever there is something to be read. Raises Hangs as `Pulse` says."""
        assert process.stdout is not None
        pulse, poller = self._pulse, select.poll()
        poller.register(process.stdout, select.POLLIN)
        self._words.register(process, poller)
        n_missed, n_allowed, last_ping = 0, pulse.n_missed_at_start, time.monotonic()
        while True:
            ready = {descriptor for descriptor, _ in poller.poll(pulse.interval_s * 1000)}
            if not ready:  # counted, and not measured: if this process was itself stopped, nothing was missed
                n_missed += 1
                if n_missed > n_allowed:
                    silent_s = n_allowed * pulse.interval_s
                    raise Hangs(f"the process of the model did not answer for {silent_s:g} s, and was ended")
            if time.monotonic() - last_ping >= pulse.interval_s:
                last_ping = time.monotonic()
                self._messages.put(Ping())
            self._words.hear(ready, poller)
            if process.stdout.fileno() in ready:
                n_missed, n_allowed = 0, pulse.n_missed
                yield

    def _take(self, message: object) -> None:
        match message:
            case list():
                self._on_reports(restored(message, self._embedding_size))
            case Answer():
                self._questions.answer(message)
            case Pong(stuck_s):
                if stuck_s > self._pulse.longest_step_s:
                    raise Hangs(f"the model was at the same step for {stuck_s:.0f} s, and was ended")
            case Loading(share):
                self._on_progress(share)
            case Refusal(error):
                self._is_refused = True
                self._on_opened(error)
            case Facts():
                self._embedding_size = message.embedding_size
                self._on_opened(self._opened(message))
            case _:
                raise Senseless(type(message).__name__)

    def _opened(self, facts: Facts) -> OpenedModel:
        return OpenedModel(
            DistantVocabulary(facts, self._questions),
            facts.chat_template,
            facts.context_size,
            facts.embedding_size,
            facts.max_embed_tokens,
            DistantBiases(self._questions),
            can_write=facts.can_write,
            device=facts.device,
            n_gpu_layers=facts.n_gpu_layers,
        )
