"""The llama.cpp library as a process-wide thing: started once, its log lines sent to Python's logging."""

import ctypes
import logging
from collections import deque
from functools import cache

from llama_cpp import llama_cpp as c

from poly_engine.gpu import NO_DEVICE, NO_SUPPORT

_log = logging.getLogger(__name__)
_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.INFO, 4: logging.WARNING}  # ggml's: debug info warn error
_ERROR = 4
_GPU_BACKENDS = ("CUDA", "ROCm", "MUSA", "Vulkan", "Metal", "MTL", "SYCL", "OpenCL", "CANN")
_recent_errors: deque[str] = deque(maxlen=8)  # written by C threads; the cause of a failed call is only told there


@c.llama_log_callback
def _on_log(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    line = text.decode("utf-8", "replace").rstrip()
    if not line.strip(". "):
        return
    if level == _ERROR:
        _recent_errors.append(line)
    _log.log(_LEVELS.get(level, logging.DEBUG), "%s", line)


@cache
def start() -> None:
    """Make the library ready; nothing of it is printed from now on."""
    c.llama_log_set(_on_log, ctypes.c_void_p(0))
    c.llama_backend_init()


def take_errors() -> str:
    """Return what the library complained about since the last call, in one line."""
    lines = [line.split(": ", 1)[-1] for line in _recent_errors]
    _recent_errors.clear()
    return "; ".join(dict.fromkeys(lines))


def gpu_obstacle() -> str:
    """Why nothing can be computed on a GPU, in words; "" if it can."""
    start()
    if c.llama_supports_gpu_offload():  # which asks whether there is a device
        return ""
    return NO_DEVICE if any(f"{name} :" in system_info() for name in _GPU_BACKENDS) else NO_SUPPORT


def system_info() -> str:
    """What the build can do, in the library's own words."""
    start()
    return c.llama_print_system_info().decode("utf-8", "replace")
