"""Starting the process of a model."""

import os
import re
import subprocess
import sys

__all__ = ["start_child"]

_SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)


def start_child() -> "subprocess.Popen[bytes]":
    """Start a process for a model that imports what we import. Raises OSError.

    It has a session of its own, so that neither Ctrl-C nor a terminal that is closed ends it before its parent does;
    and it knows no secrets of our environment.
    """
    variables = {key: value for key, value in os.environ.items() if not _SECRET.search(key)}
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    variables["GGML_NO_BACKTRACE"] = "1"  # else llama.cpp waits for a debugger before it aborts, for seconds
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "poly_engine.batch.process.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=variables,
        start_new_session=True,
    )
