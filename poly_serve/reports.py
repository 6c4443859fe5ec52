"""What a server tells of itself: the requests that it works on, what its tasks have done, and how it is."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["RequestReport", "RequestState", "ServerReport", "SoFar", "TaskReport", "Written"]

RequestState: TypeAlias = Literal["waiting", "reading", "writing"]
"""A request waits for its place, or the model reads what was sent, or writes the answer."""


@dataclass(frozen=True, slots=True)
class RequestReport:
    """One request that a server works on, or one answer of it, if it asks for several; one turn of a chat.

    `id` is what the log calls the request. `task` is "" where a model is asked without one. `context_tokens` is how
    much of the context is taken, as far as that is known.
    """

    number: int
    id: str
    method: str
    route: str
    task: str
    model: str
    subject: str
    state: RequestState
    n_tokens: int
    tokens_per_s: float
    context_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Written:
    """A text that was written to a client: of the answer, of what is thought before it, or the arguments of a call."""

    type: Literal["token", "thinking", "calling"]
    text: str


@dataclass(frozen=True, slots=True)
class SoFar:
    """What a request had come to when somebody began to watch it. If it `is_cut`, only the end is told."""

    request: RequestReport
    written: tuple[Written, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What a task has done since the server started. The times to the first token are of its latest turns."""

    name: str
    cycles: int
    prompt_tokens: int
    prompt_s: float
    predict_tokens: int
    predict_s: float
    first_token_p50_s: float
    first_token_p95_s: float

    @property
    def prompt_tokens_per_s(self) -> float:
        """How fast its prompts were read."""
        return self.prompt_tokens / self.prompt_s if self.prompt_s > 0 else 0.0

    @property
    def tokens_per_s(self) -> float:
        """How fast its answers were written."""
        return self.predict_tokens / self.predict_s if self.predict_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ServerReport:
    """How a server is. `n_tokens` were written since it started, also those of answers that are not at their end, and
    `n_errors` requests failed for a reason that is the server's. `rss_bytes` is the memory of all its processes. The
    times to the first token are of the latest turns of all tasks.
    """

    version: str
    uptime_s: float
    is_draining: bool
    n_requests: int
    n_errors: int
    n_admitted: int
    n_waiting: int
    n_parked: int
    n_tokens: int
    rss_bytes: int
    first_token_p50_s: float
    first_token_p95_s: float
