"""The process that reads documents: `python -P -m poly_engine.extract.child [--warm]`.

It has one thread and forks for every document, so that each is read by a process that knows no other document, has
limits of its own, and costs no start of Python:

    parent  -- pipes -->  child, waits  -- forks -->  reader: takes the document, answers, ends

With --warm the libraries are loaded before the first document, not once in every reader. If a reader dies of what it
reads, the child ends with a status that says of what, and the parent starts another one when it needs one.
"""

import importlib
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.limits import Limits, out_of_memory
from poly_engine.extract.wire import LENGTH, Request, encode_error, encode_extracted

EXIT_CRASHED, EXIT_NO_MEMORY, EXIT_NO_TIME = 10, 11, 12
_WARM = ("reading", "pdf", "pypdf_text", "docx", "html", "plain")


def main() -> None:
    """Serve until the parent closes its end."""
    if "--warm" in sys.argv:
        for module in _WARM:
            importlib.import_module(f"poly_engine.extract.{module}")
    while (length := _take(LENGTH.size)) is not None:
        request = Request.decode(_take(*LENGTH.unpack(length)) or b"")
        _fork(request)


def _fork(request: Request) -> None:
    process_id = os.fork()
    if not process_id:
        _read(request)
    _, status, usage = os.wait4(process_id, 0)
    if status:
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        sys.exit(_exit_code(os.waitstatus_to_exitcode(status), peak_bytes, request.limits))


def _exit_code(code: int, peak_bytes: int, limits: Limits) -> int:
    """What a reader died of. Libraries in C end themselves in many ways when they get no memory; that they had used
    half of what they may is as near as one gets, as the rest of the address space need not be resident.
    """
    if -code == signal.SIGXCPU:
        return EXIT_NO_TIME
    if code == EXIT_NO_MEMORY or -code == signal.SIGKILL or peak_bytes > limits.memory_bytes // 2:
        return EXIT_NO_MEMORY
    return EXIT_CRASHED


def _read(request: Request) -> None:
    """Be the reader: take the document, answer, end. Never returns."""
    try:
        _limit(request.limits)
        for part in _answer(request, b"" if request.path else _take(request.size) or b""):
            _put(part)
        os._exit(0)
    except MemoryError:
        os._exit(EXIT_NO_MEMORY)
    except BaseException:  # noqa: BLE001 - the edge of the process; the parent learns it from the status
        os._exit(EXIT_CRASHED)


def _limit(limits: Limits) -> None:
    _set_limit(resource.RLIMIT_AS, limits.memory_bytes)
    _set_limit(resource.RLIMIT_CPU, limits.cpu_s)
    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_FSIZE, 0)  # a reader has nothing to write but its answer


def _set_limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(kind, (value, hard))
    except (OSError, ValueError):  # macOS does not know all of them
        return


def _answer(request: Request, content: bytes) -> tuple[bytes, ...]:
    # Loaded here, as a child without --warm loads for a document what that needs, and no more.
    from poly_engine.extract.reading import read

    try:
        content = content or _file(request)
        return encode_extracted(read(content, request.name, request.media_type, request.password, request.limits))
    except UnreadableDocument as error:
        return (encode_error(error),)
    except MemoryError:
        return (encode_error(out_of_memory(request.limits)),)
    except RecursionError:
        return (encode_error(UnreadableDocument("damaged", "things in it are nested without end")),)
    except Exception as error:  # noqa: BLE001 - whatever a library raises at a hostile file
        reason = f"the library that reads it fails at it ({type(error).__name__}): save it anew, or as another type"
        return (encode_error(UnreadableDocument("damaged", reason), traceback.format_exc()),)


def _file(request: Request) -> bytes:
    assert request.path is not None
    try:
        with Path(request.path).open("rb") as file:
            return file.read(request.limits.file_bytes)
    except OSError as error:
        raise UnreadableDocument("damaged", f"the file cannot be opened ({error.strerror})") from error


def _take(size: int) -> bytes | None:
    """Read exactly `size` bytes from the parent, without a buffer that a fork would copy; None where it hung up."""
    content = bytearray(size)
    view, n_read = memoryview(content), 0
    while n_read < size:
        n = os.readv(0, [view[n_read:]])
        if not n:
            return None
        n_read += n
    view.release()
    return bytes(content)


def _put(part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[os.write(1, view[: 1 << 20]) :]


if __name__ == "__main__":
    main()
