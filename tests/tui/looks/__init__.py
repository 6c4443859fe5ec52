"""What screens look like: their rows, compared with those that were kept. POLY_SNAP=1 keeps them anew."""

import os
from difflib import unified_diff
from pathlib import Path

from textual.pilot import Pilot

from tests.tui.steps import screen_rows

LOOKS = Path(__file__).parent


def assert_looks(pilot: Pilot[None], name: str) -> None:
    """Compare the painted rows with those of the file of that name."""
    rows = "\n".join(row.rstrip() for row in screen_rows(pilot)) + "\n"
    path = LOOKS / f"{name}.txt"
    if os.environ.get("POLY_SNAP"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rows, encoding="utf-8")
    assert path.exists(), f"nobody has kept what {name} looks like: look at it, and keep it with `just snap`"
    kept = path.read_text(encoding="utf-8")
    assert rows == kept, f"{name} looks different; if that is meant: `just snap`\n{_difference(kept, rows)}"


def _difference(kept: str, rows: str) -> str:
    return "\n".join(unified_diff(kept.split("\n"), rows.split("\n"), "kept", "painted", n=0, lineterm=""))
