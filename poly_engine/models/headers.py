"""The headers of model files that are looked at again and again: a large vocabulary takes 0.2 s to read."""

from pathlib import Path

from poly_engine.models.gguf import GgufHeader, read_header
from poly_engine.models.shards import with_others

__all__ = ["Headers"]


class Headers:
    """Reads each file once, and again when it has changed."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int], GgufHeader]] = {}

    def read(self, path: Path) -> GgufHeader:
        """The header of a model, as `with_others` joins it. Raises ModelLoadFailed."""
        try:
            stat = path.stat()
        except OSError:
            return read_header(path)  # which knows how to say it, and raises
        version = (stat.st_mtime_ns, stat.st_size)
        known = self._read.get(path)
        if known is None or known[0] != version:
            known = self._read[path] = version, with_others(read_header(path))
        return known[1]
