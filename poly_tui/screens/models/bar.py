"""A bar that says how far something is, in one row."""

from textual.content import Content

__all__ = ["bar"]


def bar(share: float, n_cells: int = 12) -> Content:
    """`share`, 0 to 1, as a bar and a percentage."""
    n_full = min(n_cells, max(0, int(share * n_cells)))
    return Content.assemble(
        ("█" * n_full, "$text-accent"), ("░" * (n_cells - n_full), "dim"), f"{share:4.0%}".replace("%", " %")
    )
