"""The log of the server on stderr, for people or for machines."""

import json
import logging
import sys
import time

__all__ = ["log_to_stderr"]


def log_to_stderr(form: str, level: int = logging.INFO) -> None:
    """Write what Poly logs to stderr: a line for each event, in `form` text or json."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonFormatter() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    for package in ("poly_engine", "poly_serve"):
        logger = logging.getLogger(package)
        logger.setLevel(level)
        logger.addHandler(handler)


class _JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
