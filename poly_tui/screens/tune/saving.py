"""Writes a draft to its configuration: all of it or nothing, and never what could not be loaded."""

import contextlib
import os
import tempfile
from pathlib import Path

from poly_engine.config.load import loads
from poly_engine.errors import ConfigError
from poly_tui.screens.tune.document import with_task
from poly_tui.screens.tune.draft import Version
from poly_tui.screens.tune.source import ChangedOnDisk, Source, read_source

__all__ = ["draft_text", "replace_file", "save"]

_BOM = "\ufeff"


def draft_text(source: Source, name: str, version: Version) -> str:
    """The text of a configuration with the draft of a task in it. Raises ConfigError if it cannot be written there."""
    bare = source.text.removeprefix(_BOM)
    return (_BOM if source.text != bare else "") + with_task(bare, name, version.values)


def save(source: Source, name: str, saved: Version, version: Version) -> Source:
    """Write a version of a task to the file of `source`, and the text of its schema to a file of its own if it has one;
    return what the file says then. `saved` is what it said before. Nothing is written before all of it was checked.

    Raises ChangedOnDisk if a file is not what it was when it was read, and ConfigError for what could not be loaded.
    """
    _check_unchanged(source.path, source.text if source.is_there else None)
    text = draft_text(source, name, version)
    if mistakes := source.mistakes(name, version):
        raise ConfigError([f"{'.'.join(where)}: {words}" for where, words in mistakes.items()])
    _write_schema_and_check(source, saved, version, text)
    if not source.is_there:
        source.path.parent.mkdir(parents=True, exist_ok=True)
    if text != source.text or not source.is_there:
        replace_file(source.path, text)
    return read_source(source.path)


def _write_schema_and_check(source: Source, saved: Version, version: Version, text: str) -> None:
    """Check that a configuration with this text can be loaded, and write the text of the schema to its own file."""
    path = _schema_to_write(source, saved, version)
    is_new = path is not None and not path.exists()
    if path is not None and is_new:  # else it could not be loaded
        replace_file(path, version.schema_text or "")
    try:
        loads(text.removeprefix(_BOM), source.path)
    except ConfigError:
        if path is not None and is_new:
            path.unlink()
        raise
    if path is not None and not is_new:
        replace_file(path, version.schema_text or "")


def _schema_to_write(source: Source, saved: Version, version: Version) -> Path | None:
    """The file of the schema, if it is to say something else. Raises ChangedOnDisk if that would overwrite what was
    not read here.
    """
    if version.schema_file is None or version.schema_text is None:
        return None
    path = source.schema_path(version.schema_file)
    if version.schema_file == saved.schema_file:
        if version.schema_text == saved.schema_text:
            return None
        _check_unchanged(path, saved.schema_text)
    elif path.exists():
        _check_unchanged(path, version.schema_text)
        return None
    return path


def _check_unchanged(path: Path, text: str | None) -> None:
    """Raise ChangedOnDisk unless a file says `text`; None is that there is none."""
    try:
        found = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        found = None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    if found is None and text is not None:
        raise ChangedOnDisk(f"{path} is gone since it was read")
    if found is not None and text is None:
        raise ChangedOnDisk(f"{path} is there now, which it was not before")
    if found is not None and text is not None and found.removeprefix(_BOM) != text.removeprefix(_BOM):
        raise ChangedOnDisk(f"{path} was changed since it was read")


def replace_file(path: Path, text: str) -> None:
    """Have a file say `text`, or be as it was if that fails or the machine does. Its mode stays, and a link to it does.

    Raises ConfigError if it cannot be written.
    """
    try:
        target = path.resolve()
        before = target.stat() if target.exists() else None
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
                file.write(text.encode())
                file.flush()
                _take_over(descriptor, before)
                os.fsync(descriptor)
            os.replace(name, target)  # noqa: PTH105 - as below
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108 - a name, as mkstemp gives it
            raise
        _sync_folder(target.parent)
    except (OSError, RuntimeError) as error:  # the latter for links that lead in a circle
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError([f"{path}: cannot be written: {reason}"]) from error


def _take_over(descriptor: int, before: os.stat_result | None) -> None:
    """Give a file the mode and the owner of the one that it replaces; a new one those of any other."""
    if before is None:
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(descriptor, 0o666 & ~umask)
        return
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid):
        with contextlib.suppress(PermissionError):  # only root can give files away
            os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, before.st_mode & 0o7777)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
