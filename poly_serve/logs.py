"""The log of the server on stderr, for people or for machines."""

import json
import logging
import sys
import time

from aiohttp.http_exceptions import HttpProcessingError

__all__ = ["FACTS", "log_to_stderr"]

FACTS = "facts"
"""What a record may carry beside its message: a mapping, whose keys machines are told as keys of the line."""


def log_to_stderr(form: str, level: int = logging.INFO) -> None:
    """Write what Poly logs to stderr: a line for each event, in `form` text or json."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonFormatter() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    for package in ("poly_engine", "poly_serve", "aiohttp"):
        logger = logging.getLogger(package)
        logger.setLevel(level)
        logger.addHandler(handler)
    logging.getLogger("aiohttp.server").addFilter(_shorten)


def _shorten(record: logging.LogRecord) -> bool:
    """Tell of a request that is no HTTP in one line, without its bytes: anybody can send them, and a secret may be in
    them.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args = "a request was no HTTP: %s", (type(error).__name__,)
        record.exc_info, record.exc_text = None, None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


class _JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FACTS, {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
