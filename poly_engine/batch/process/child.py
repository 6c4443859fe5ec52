"""The process of one model: `python -P -m poly_engine.batch.process.child`, started by `host.py`.

The worker has a thread, as everywhere. The main thread takes commands and says that the process is there, whatever the
worker does meanwhile; questions are answered by a few clerks. When the parent closes its end, or dies, all of it ends.
"""

import ctypes
import faulthandler
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from poly_engine.batch.host import ThreadHost
from poly_engine.batch.messages import Report
from poly_engine.batch.opened import OpenedModel
from poly_engine.batch.process.wire import (
    Answer,
    Ask,
    Facts,
    FromChild,
    Hello,
    Loading,
    Ping,
    Pong,
    Refusal,
    decoded,
    encoded,
    plain,
    put,
    taken,
)
from poly_engine.batch.process.words import EXIT_BUG, MarkedLines
from poly_engine.errors import EngineFailed, PolyError

_log = logging.getLogger(__name__)

_N_CLERKS = 4
_PR_SET_PDEATHSIG = 1
_OOM_SCORE = Path("/proc/self/oom_score_adj")  # of Linux


def main() -> None:
    """Serve until the parent closes its end."""
    commands, reports = _own_pipes()
    messages = _messages(commands)
    hello = next(messages, None)
    if not isinstance(hello, Hello):
        return
    _die_with(hello.parent_id)
    _prepare_for_death(hello.log_level)
    Child(hello, reports).serve(messages)
    os._exit(0)  # whatever the worker is doing: nobody is there to be told


class Child:
    """A worker, and what its parent asks of it."""

    def __init__(self, hello: Hello, descriptor: int) -> None:
        self._descriptor = descriptor
        self._sending = threading.Lock()
        self._clerks = ThreadPoolExecutor(_N_CLERKS, thread_name_prefix="clerk")
        self._methods: Mapping[str, Callable[..., object]] = {}
        self._host = ThreadHost(
            hello.spec,
            on_progress=lambda share: self._send(Loading(share)),
            on_opened=self._tell_opened,
            on_reports=self._tell_reports,
            on_end=_end,
        )

    def serve(self, messages: Iterator[Any]) -> None:
        """Do what the parent says until it closes its end."""
        for message in messages:
            match message:
                case Ping():
                    self._send(Pong(self._host.stuck_s))
                case Ask():
                    self._clerks.submit(self._answer, message)
                case _:
                    self._host.send(message)

    def _tell_opened(self, opened: OpenedModel | PolyError) -> None:
        if isinstance(opened, PolyError):
            self._send(Refusal(opened))
            return
        self._methods = _methods(opened)
        self._send(_facts(opened))

    def _tell_reports(self, reports: list[Report]) -> None:
        self._send(plain(reports))

    def _answer(self, question: Ask) -> None:
        try:
            value = self._methods[question.method](*question.arguments)
        except PolyError as error:
            value = error
        except Exception:  # noqa: BLE001 - the edge of the process: who asks is told
            _log.exception("a question failed: %s", question.method)
            value = EngineFailed("the engine failed; its log says why")
        self._send(Answer(question.id, value))

    def _send(self, message: FromChild) -> None:
        frame = encoded(message)
        try:
            with self._sending:
                put(self._descriptor, frame)
        except OSError:
            os._exit(0)  # the parent is gone


def _methods(opened: OpenedModel) -> Mapping[str, Callable[..., object]]:
    """What can be asked, as `vocabulary.py` asks it."""
    vocabulary = opened.vocabulary
    return {
        "longest_piece": lambda: vocabulary.longest_piece,
        "part_tokens": vocabulary.part_tokens,
        "template_tokens": lambda text, is_first: vocabulary.template_tokens(text, is_first=is_first),
        "plain_tokens": lambda text, is_first: vocabulary.plain_tokens(text, is_first=is_first),
        "texts_tokens": vocabulary.texts_tokens,
        "counts": vocabulary.counts,
        "names": vocabulary.names,
        "spelling": vocabulary.spelling,
        "spellings": vocabulary.spellings,
        "n_least": opened.biases.n_least,
    }


def _facts(opened: OpenedModel) -> Facts:
    vocabulary = opened.vocabulary
    return Facts(
        n_tokens=vocabulary.n_tokens,
        ends=vocabulary.ends,
        first=vocabulary.first,
        last=vocabulary.last,
        special_names=dict(vocabulary.special_names),
        markups=frozenset(filter(vocabulary.is_markup, range(vocabulary.n_tokens))),
        chat_template=opened.chat_template,
        context_size=opened.context_size,
        embedding_size=opened.embedding_size,
        max_embed_tokens=opened.max_embed_tokens,
        can_write=opened.can_write,
        device=opened.device,
        n_gpu_layers=opened.n_gpu_layers,
    )


def _messages(descriptor: int) -> Iterator[Any]:
    return map(decoded, taken(descriptor))


def _own_pipes() -> tuple[int, int]:
    """The pipes for commands and reports, under descriptors that no library knows: what one prints goes to stderr."""
    commands, reports = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return commands, reports


def _die_with(parent_id: int) -> None:
    """End as soon as the parent ends, also while this process is stopped and does not notice that a pipe is closed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_id:  # it died before
        os._exit(0)


def _prepare_for_death(log_level: int) -> None:
    """Have the parent know at once what this process died of, and why."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # which systemd sends to all processes of a service
        signal.signal(number, signal.SIG_IGN)  # they are for the parent, which ends this process when it likes
    faulthandler.enable()
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # a dump of gigabytes would be waited for
    with suppress(OSError):  # where memory runs out, this process is to go, and not its parent
        _OOM_SCORE.write_text("500")
    handler = logging.StreamHandler()
    handler.setFormatter(MarkedLines())
    logging.basicConfig(handlers=[handler], level=log_level)


def _end(why: str) -> None:
    """Called when the worker has ended."""
    os._exit(EXIT_BUG if why else 0)


if __name__ == "__main__":
    main()
