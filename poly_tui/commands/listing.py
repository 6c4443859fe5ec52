"""Rows and records on stdout: a table on a terminal, tab-separated values elsewhere, or JSON.

A value is what JSON holds, and says itself how people like to read it: see `Bytes` and `Count`.
"""

import json
import sys
from collections.abc import Mapping, Sequence

import click

__all__ = ["Bytes", "Count", "Seconds", "compact_json", "print_json", "print_record", "print_rows"]

_UNITS = ("", "k", "M", "G", "T", "P")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Count(int):
    """A number that people read rounded: 2.2 M."""

    def __str__(self) -> str:
        return _rounded(self).rstrip()


class Bytes(int):
    """A size that people read rounded: 2.2 MB."""

    def __str__(self) -> str:
        return f"{_rounded(self)}B"


class Seconds(int):
    """A time that people read rounded: 25 min."""

    def __str__(self) -> str:
        for unit, size in (("h", 3600), ("min", 60)):
            if self >= size:
                return f"{self / size:.2g} {unit}" if self < 10 * size else f"{self // size} {unit}"
        return f"{int(self)} s"


def _rounded(number: int) -> str:
    value, power = float(number), 0
    while value >= 999.5 and power < len(_UNITS) - 1:
        value /= 1000
        power += 1
    return f"{value:.3g} {_UNITS[power]}" if power else f"{int(number)} "


def print_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Print things of one kind, which all have the same keys. Elsewhere than on a terminal there is no header."""
    if as_json:
        print_json(rows)
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        for row in rows:
            click.echo("\t".join(map(_raw, row.values())))


def print_record(record: Mapping[str, object], *, as_json: bool) -> None:
    """Print one thing, a line for each key."""
    if as_json:
        print_json(record)
    elif sys.stdout.isatty():
        width = max(map(len, record))
        for key, value in record.items():
            indented = _shown(value).replace("\n", "\n" + " " * (width + 2))
            click.echo(f"{click.style(_title(key).ljust(width), bold=True)}  {indented}")
    else:
        for key, value in record.items():
            click.echo(f"{key}\t{_raw(value)}")


def print_json(value: object) -> None:
    """Print `value` as JSON: indented on a terminal, in one line elsewhere."""
    if sys.stdout.isatty():
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))
    else:
        click.echo(compact_json(value))


def compact_json(value: object) -> str:
    """`value` as JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _print_table(rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    cells = [[_shown(value).replace("\n", " ") for value in row.values()] for row in rows]
    titles = [_title(key).upper() for key in rows[0]]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    click.secho(_aligned(titles, widths), bold=True)
    for line in cells:
        click.echo(_aligned(line, widths))


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def _title(key: str) -> str:
    return key.removesuffix("_bytes").removesuffix("_s").replace("_", " ")


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(_shown, value)) or "-"
        case _:
            return str(value)


def _raw(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value.translate(_ESCAPES)
        case _:
            return compact_json(value)
