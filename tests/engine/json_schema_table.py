"""`python -m tests.engine.json_schema_table` rewrites the table of the README that says how much is enforced."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.engine.json_schema_cases import Outcome, keywords, outcomes

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- suite -->\n", "<!-- /suite -->\n"

_UNSUPPORTED = re.compile(r"(?P<subjects>.*): not supported, leave it out")
_SUBJECT = re.compile(r"(?P<head>Unknown format): (?P<subjects>.*)")
_DETAILS = {
    r", got .*": "",
    r"/.*/ and /.*/": "…",
    r"too many digits: \d+": "too many digits",
    r"^\S+ is another document": "… is another document",
}


def main() -> None:
    readme = README.read_text(encoding="utf-8")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")


def table() -> str:
    """Return a row of Markdown for each keyword, and one for all."""
    found = {keyword: outcomes(keyword) for keyword in keywords()}
    rows = [_row(f"`{keyword}`", its, _reasons(its)) for keyword, its in found.items()]
    everything = [outcome for its in found.values() for outcome in its]
    head = ("| keyword | enforced | refused, and why |", "|---|---|---|")
    return "".join(f"{row}\n" for row in (*head, *rows, _row("all", everything, "")))


def _row(name: str, its: Iterable[Outcome], reasons: str) -> str:
    its = list(its)
    n_enforced = sum(outcome.is_enforced for outcome in its)
    n_refused = sum(outcome.refusal is not None for outcome in its)
    n_stricter = len(its) - n_enforced - n_refused
    stricter = f", {n_stricter} more strictly" if n_stricter else ""
    refused = f"{n_refused}: {reasons}" if reasons else f"{n_refused or ''}"
    return f"| {name} | {n_enforced} of {len(its)}{stricter} | {refused} |"


def _reasons(its: Iterable[Outcome]) -> str:
    """The reasons of all refusals, each once and without what only one schema has."""
    unsupported: set[str] = set()
    others: dict[str, set[str]] = {}
    for outcome in its:
        reason = outcome.refusal.reason if outcome.refusal else ""
        if found := _UNSUPPORTED.fullmatch(reason):
            unsupported.update(found["subjects"].split(", "))
        elif found := _SUBJECT.fullmatch(reason):
            others.setdefault(found["head"], set()).add(found["subjects"])
        elif reason:
            others.setdefault(_without_details(reason), set())
    parts = [f"{_listed(unsupported)}: not supported"] if unsupported else []
    parts += [f"{head}: {_listed(subjects)}" if subjects else head for head, subjects in sorted(others.items())]
    return "; ".join(parts)


def _without_details(reason: str) -> str:
    for detail, stand_in in _DETAILS.items():
        reason = re.sub(detail, stand_in, reason)
    return reason


def _listed(subjects: Iterable[str]) -> str:
    return ", ".join(f"`{subject}`" for subject in sorted(subjects))


if __name__ == "__main__":
    main()
