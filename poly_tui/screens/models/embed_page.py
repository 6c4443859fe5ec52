"""How alike texts are, by the vectors that a model gives them."""

from collections.abc import Iterable, Sequence

from textual.content import Content

from poly_engine.interface import Engine
from poly_engine.types import Embeddings
from poly_tui.screens.models.writing_page import WritingPage

__all__ = ["EmbedPage", "likeness_shown"]

MOST_TEXTS = 12
FEW_VALUES, MANY_VALUES = 4, 8
NARROW = 76


class EmbedPage(WritingPage):
    """Embeds each line, and compares them."""

    def __init__(self) -> None:
        super().__init__("embed", "One text a line: two or more are compared")

    async def result(self, engine: Engine, model: str, text: str) -> Content:
        """The cosines of all pairs of lines."""
        texts = [line for line in text.splitlines() if line.strip()]
        if not texts:
            return Content("")
        n_values = FEW_VALUES if self.size.width < NARROW else MANY_VALUES
        return likeness_shown(await engine.embed(model, texts[:MOST_TEXTS]), len(texts), n_values)


def likeness_shown(found: Embeddings, n_texts: int, n_values: int) -> Content:
    """The size of the vectors, the cosines as a table, and the first values of each vector."""
    n_shown, size = found.vectors.shape
    counts = f"{size} dimensions · {found.n_tokens} tokens"
    if n_texts > n_shown:
        counts += f" · the first {n_shown} of {n_texts} lines"
    cosines: Sequence[Sequence[float]] = (found.vectors @ found.vectors.T).tolist()
    lines = [Content.styled(counts, "bold")]
    if n_shown > 1:
        lines += [Content.styled("cosine" + "".join(f"{number:6}" for number in range(1, n_shown + 1)), "dim")]
        lines += [_cosine_row(number, row) for number, row in enumerate(cosines, 1)]
    lines.append(Content.styled("values", "dim"))
    firsts: Sequence[Sequence[float]] = found.vectors[:, :n_values].tolist()
    lines += [_values_row(number, values, is_all=size <= n_values) for number, values in enumerate(firsts, 1)]
    return Content("\n").join(lines)


def _cosine_row(number: int, row: Iterable[float]) -> Content:
    cells = [(f"{cosine:6.2f}", _style(cosine) if place != number else "dim") for place, cosine in enumerate(row, 1)]
    return Content.assemble((f"{number:6}", "dim"), *cells)


def _values_row(number: int, values: Iterable[float], *, is_all: bool) -> Content:
    more = "" if is_all else (" …", "dim")
    return Content.assemble((f"{number:6}", "dim"), " ", " ".join(f"{value:+.3f}" for value in values), more)


def _style(cosine: float) -> str:
    return "$text-success" if cosine > 0.7 else "$text-warning" if cosine > 0.4 else ""
