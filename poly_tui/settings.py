"""What all verbs have to know: the options before the verb, and whether there is a terminal."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import click

__all__ = ["Settings", "has_terminal", "pass_settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """`config_file` is what --config names, None if it is not given. `url` is that of the server that does the work in
    place of this machine, if one does, and `key` is what it is told.
    """

    config_file: Path | None
    is_verbose: bool
    url: str | None = None
    key: str | None = field(default=None, repr=False)


pass_settings = click.make_pass_decorator(Settings)
"""Gives a verb the settings as its first argument."""


def has_terminal() -> bool:
    """Whether a person sits at both ends: stdin and stdout are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
