"""The inspector: what went on behind an answer, in figures, sources, the prompt as it was sent, and tokens."""

from poly_tui.inspector.inspector import Inspector, Page
from poly_tui.inspector.records import Records

__all__ = ["Inspector", "Page", "Records"]
