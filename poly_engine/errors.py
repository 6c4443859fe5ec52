"""Every error that a user can cause or must see, as one tree with stable codes.

    PolyError
    ├── ConfigError               config_invalid          the configuration cannot be used
    ├── InvalidRequest            invalid_request         the caller asked for something impossible
    │   ├── IllegalToken          illegal_token           a prompt holds a private token
    │   ├── InvalidSchema         invalid_schema          a schema or grammar cannot be enforced
    │   ├── LimitTooLow           limit_too_low           what a schema demands does not fit the limit of tokens
    │   ├── ContextExceeded       context_length_exceeded a prompt does not fit the context
    │   └── UnreadableDocument    unreadable_document     a document yields no text, for one of a few causes
    ├── AccessDenied
    │   ├── Unauthorized          unauthorized            who asks is not known
    │   └── Forbidden             forbidden               who asks may not use what was asked for
    ├── NotFound
    │   ├── TaskNotFound          task_not_found
    │   ├── ModelNotFound         model_not_found
    │   ├── MemoryNotFound        memory_not_found
    │   ├── SessionNotFound       session_not_found       a server does not keep a session (any more)
    │   └── RequestNotFound       request_not_found       a server does not work on a request (any more)
    ├── MemoryFailed
    │   ├── MemoryDamaged         memory_damaged          the file of a memory cannot be used
    │   ├── MemoryMismatch        memory_mismatch         a memory is of another embedding model
    │   ├── MemoryUnavailable     memory_unavailable      the server that keeps a memory does not answer
    │   └── MemoryUnwritable      memory_unwritable       nothing can be written to a memory
    ├── Overloaded                overloaded              more is asked for than can be answered soon
    ├── RequestCancelled          request_cancelled       who runs a server ended a request of it
    ├── SessionBusy               session_busy            a session takes one turn at a time
    ├── ModelLoadFailed           model_load_failed       a model file cannot be loaded
    │   └── PullFailed            pull_failed             it cannot be fetched from where it is said to be
    ├── EngineFailed              engine_failed           llama.cpp gave up in the middle of the work
    │   └── EngineUnreachable     engine_unreachable      the connection to a server was lost, or there is none
    └── EngineClosed              engine_closed           the engine was shut down

A message is one sentence that says what was wrong, where, and what would be right. `code` is part of the
interface: clients may switch on it, messages may change.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import ClassVar, Literal

__all__ = [
    "AccessDenied",
    "ConfigError",
    "ContextExceeded",
    "EngineClosed",
    "EngineFailed",
    "EngineUnreachable",
    "Forbidden",
    "IllegalToken",
    "InvalidRequest",
    "InvalidSchema",
    "LimitTooLow",
    "MemoryDamaged",
    "MemoryFailed",
    "MemoryMismatch",
    "MemoryNotFound",
    "MemoryUnavailable",
    "MemoryUnwritable",
    "ModelLoadFailed",
    "ModelNotFound",
    "NotFound",
    "Overloaded",
    "PolyError",
    "PullFailed",
    "RequestCancelled",
    "RequestNotFound",
    "SessionBusy",
    "SessionNotFound",
    "TaskNotFound",
    "Unauthorized",
    "UnreadableDocument",
    "suggestion",
]

Cause = Literal["encrypted", "no_text", "damaged", "unsupported_type", "too_large", "too_slow"]
"""Why a document could not be read."""


class PolyError(Exception):
    """The root of everything that Poly raises on purpose."""

    code: ClassVar[str] = "error"


class ConfigError(PolyError):
    """The configuration cannot be used; `problems` names each mistake with its path."""

    code = "config_invalid"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class InvalidRequest(PolyError):
    """The caller asked for something that cannot be done as asked."""

    code = "invalid_request"


class IllegalToken(InvalidRequest):
    """A prompt holds a token that the task keeps private."""

    code = "illegal_token"


class InvalidSchema(InvalidRequest):
    """A schema or a grammar cannot be enforced, for a `reason`. `where` is the path to what is wrong, in keys and
    indices: () is the schema as a whole, and None says that the reason speaks for itself.
    """

    code = "invalid_schema"

    def __init__(self, reason: str, where: Sequence[str | int] | None = None) -> None:
        super().__init__(reason if where is None else f"the schema cannot be enforced: {json_path(where)}: {reason}")
        self.reason = reason
        self.where = tuple(where or ())


class LimitTooLow(InvalidRequest):
    """The shortest text that fits a schema takes `n_least` tokens, and there is room for fewer."""

    code = "limit_too_low"

    def __init__(self, n_least: int, n_room: int) -> None:
        super().__init__(
            f"the shortest answer that fits the schema takes {n_least} tokens, and there is room for {n_room}: "
            "raise max_tokens, shorten the prompt, or demand less"
        )
        self.n_least = n_least
        self.n_room = n_room


class ContextExceeded(InvalidRequest):
    """A prompt is longer than the context of its model."""

    code = "context_length_exceeded"

    def __init__(self, n_tokens: int, context_size: int) -> None:
        super().__init__(
            f"the prompt has {n_tokens} tokens and the context of the model holds {context_size}: "
            "shorten the prompt or raise context_size"
        )
        self.n_tokens = n_tokens
        self.context_size = context_size


class UnreadableDocument(InvalidRequest):
    """No text came out of the document `name`, for a `cause`; `reason` says what was wrong, where, and what would
    help.
    """

    code = "unreadable_document"

    def __init__(self, cause: Cause, reason: str, name: str = "") -> None:
        super().__init__(f"{name or 'the document'} cannot be read: {reason}")
        self.cause: Cause = cause
        self.reason = reason
        self.name = name


class AccessDenied(PolyError):
    """A server does not let somebody in."""

    code = "access_denied"


class Unauthorized(AccessDenied):
    """A server wants a key or a token, and got none that it accepts."""

    code = "unauthorized"


class Forbidden(AccessDenied):
    """A key or a token does not reach as far as what was asked for."""

    code = "forbidden"


class NotFound(PolyError):
    """A name that the configuration does not define."""

    code = "not_found"
    kind: ClassVar[str] = "name"

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"{self.kind} not found: {name}{suggestion(name, known)}")
        self.name = name


class TaskNotFound(NotFound):
    """No task of that name is configured."""

    code = "task_not_found"
    kind = "task"


class ModelNotFound(NotFound):
    """No model of that name is configured."""

    code = "model_not_found"
    kind = "model"


class MemoryNotFound(NotFound):
    """No memory of that name is configured."""

    code = "memory_not_found"
    kind = "memory"


class SessionNotFound(NotFound):
    """A server keeps no session of that id for who asks: open one anew, with what was said before."""

    code = "session_not_found"
    kind = "session"


class RequestNotFound(NotFound):
    """A server works on no request of that number: it has come to its end, or there was none."""

    code = "request_not_found"
    kind = "request"


class MemoryFailed(PolyError):
    """A memory cannot do what it is asked for."""

    code = "memory_failed"


class MemoryDamaged(MemoryFailed):
    """The file of a memory is damaged, or it is another program's."""

    code = "memory_damaged"


class MemoryMismatch(MemoryFailed):
    """The vectors of a memory are of another embedding model than the one that is configured."""

    code = "memory_mismatch"

    def __init__(self, path: object, stored: str, configured: str) -> None:
        other = "another file of that name" if configured == stored else configured
        super().__init__(
            f"{path} holds vectors of the model {stored}, and {other} is configured: vectors of different models "
            "cannot be compared; configure the former, or embed all anew with poly memory reindex"
        )


class MemoryUnavailable(MemoryFailed):
    """The server that keeps a memory cannot be reached, does not answer in time, or answers what it should not."""

    code = "memory_unavailable"


class MemoryUnwritable(MemoryFailed):
    """Nothing can be written to a memory: the disk is full or broken, or somebody else does not stop writing."""

    code = "memory_unwritable"


class Overloaded(PolyError):
    """More is asked for than can be answered soon; `retry_after_s` says in how many seconds to try again."""

    code = "overloaded"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RequestCancelled(PolyError):
    """Whoever runs a server ended a request that it worked on. Asking again may lead to the same."""

    code = "request_cancelled"


class SessionBusy(PolyError):
    """A session takes one turn at a time, and this one is in the middle of one."""

    code = "session_busy"


class ModelLoadFailed(PolyError):
    """A model file is missing, damaged, of an unknown kind, or too large for the machine."""

    code = "model_load_failed"


class PullFailed(ModelLoadFailed):
    """The file of a model cannot be fetched from where it is said to be. What had come of it is kept, as far as another
    attempt can go on with it.
    """

    code = "pull_failed"


class EngineFailed(PolyError):
    """The inference library failed in the middle of the work; the request is lost, the engine may go on."""

    code = "engine_failed"


class EngineUnreachable(EngineFailed):
    """There is no connection to the server that has the engine, or it was lost in the middle of the work. The server
    may be well, and the same request may succeed when it is made again.
    """

    code = "engine_unreachable"


class EngineClosed(PolyError):
    """The engine was shut down before the work was done."""

    code = "engine_closed"


def json_path(where: Sequence[str | int]) -> str:
    """A path into JSON as JSONPath writes it (RFC 9535): $.properties.tags.items[0]."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" if key.isidentifier() else f"[{key!r}]" for key in where]
    return "$" + "".join(parts)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return what to add to a "no such name" message: the nearest known name, or all of them, or nothing."""
    names = sorted(known)
    near = get_close_matches(name[:80], names, n=1)
    if near:
        return f" (did you mean {near[0]}?)"
    return f" (there is: {', '.join(names[:20])})" if names else ""
