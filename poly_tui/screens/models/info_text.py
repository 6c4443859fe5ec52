"""What there is to know of a model, as lines: whether it fits, who uses it, and what its file says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from textual.content import Content

from poly_engine import ModelInfo
from poly_engine.models.gguf import GgufHeader, Value
from poly_tui.commands.listing import Bytes, Count
from poly_tui.screens.models.facts import ModelFacts
from poly_tui.screens.models.fit import Fit
from poly_tui.transcript.clean import clean

__all__ = ["Known", "info_lines"]

NAME_CELLS = 13
LEAST_CELLS = 12
LONGEST_VALUE = 120
LONGEST_LIST = 16


@dataclass(frozen=True, slots=True)
class Known:
    """A model, with what its file says and whether it fits; `unread` is why the file could not be read."""

    model: ModelFacts
    header: GgufHeader | None = None
    fit: Fit | None = None
    unread: str = ""


def info_lines(known: Known, width: int) -> list[Content]:
    """All of it in `width` cells. What takes more than one line goes on under where it began."""
    fields = [*_problem(known), *_memory(known), *_facts(known.model)]
    lines = [line for name, words in fields for line in _hanging(name, words, width)]
    if known.header is not None:
        lines += [Content(""), Content.styled(f"What the file says, of {known.header.n_tensors} tensors:", "dim")]
        lines += [
            Content.assemble((f"{_line(key)}  ", "dim"), _value(value))
            for key, value in sorted(known.header.metadata.items())
        ]
    return lines


def _hanging(name: str, words: Content, width: int) -> Iterator[Content]:
    for place, line in enumerate(words.wrap(max(width - NAME_CELLS, LEAST_CELLS))):
        yield Content.assemble(("" if place else name).ljust(NAME_CELLS), line).stylize("dim", 0, NAME_CELLS)


def _problem(known: Known) -> Iterator[tuple[str, Content]]:
    model = known.model
    if model.problem:
        yield "Problem", Content.styled(clean(model.problem), "$text-error")
    elif known.unread:  # a model that is loaded can do without
        yield "Problem", Content.styled(clean(known.unread), "dim" if model.is_loaded else "$text-error")


def _memory(known: Known) -> Iterator[tuple[str, Content]]:
    fit, is_loaded = known.fit, known.model.is_loaded
    if fit is None:
        if known.model.info.memory_bytes is not None:
            yield "Memory", Content(f"about {Bytes(known.model.info.memory_bytes)} when it is loaded")
        return
    needs = fit.needs
    total = f"{'takes' if is_loaded else 'would take'} about {Bytes(needs.total_bytes)}"
    if needs.is_on_gpu:
        yield "Memory", Content(f"{total} on the GPU; what is free there is not known here")
        return
    mark = ("✓ fits", "$text-success") if fit.is_enough else ("✗ does not fit", "$text-error")
    yield "Memory", Content.assemble(f"{total} of {Bytes(max(fit.free_bytes, 0))} free ", mark)
    yield "", Content(f"weights {Bytes(needs.weights_bytes)}, cache and computing {Bytes(needs.cache_bytes)}")
    if fit.warning:
        yield "", Content.styled(fit.warning, "$text-warning")
    if needs.token_bytes:
        yield "", Content(f"1k tokens of context take {Bytes(needs.token_bytes * 1024)}")
        yield "One chat of", Content("   ").join(_size(*one) for one in fit.contexts())


def _size(n_tokens: int, n_bytes: int, fits: bool) -> Content:  # noqa: FBT001 - a row of Fit.contexts
    name = f"{n_tokens // 1024}k" if n_tokens % 1024 == 0 else str(n_tokens)
    mark, style = ("✓", "dim") if fits else ("✗", "$text-error")
    return Content.assemble(f"{name}\u00a0", (f"{Bytes(n_bytes)}\u00a0{mark}".replace(" ", "\u00a0"), style))


def _facts(model: ModelFacts) -> Iterator[tuple[str, Content]]:
    info = model.info
    is_here = info.size_bytes is not None or info.is_remote
    later = "" if is_here or model.problem else ", fetched when it is first loaded"
    yield "Server" if info.is_remote else "File", Content(clean(info.path) + later)  # whole, to be copied
    parts = [
        info.architecture and _line(info.architecture),
        info.n_params and f"{Count(info.n_params)} parameters",
        info.quantization and _line(info.quantization),
        info.size_bytes and str(Bytes(info.size_bytes)),
        info.embedding_size and f"{info.embedding_size} dimensions",
        info.device and not info.is_remote and f"on the {_line(info.device).upper()}",
    ]
    yield "Model", Content(" · ".join(part for part in parts if part) or _not_known(info))
    yield "Context", Content(_context(model))
    yield "Used by", Content(_line(model.users) or "nothing")
    if info.n_running:
        yield "At work on", Content(f"{info.n_running} request{'' if info.n_running == 1 else 's'}")
    if model.seen.load_s is not None:
        yield "Loaded in", Content(f"{model.seen.load_s:.1f} s")


def _context(model: ModelFacts) -> str:
    info = model.info
    if info.context_size is None:
        return _not_known(info)
    trained = f", of {info.train_context_size} that it was trained on" if info.train_context_size else ""
    return f"{info.context_size} tokens{trained}"


def _not_known(info: ModelInfo) -> str:
    return "the server does not tell" if info.is_remote and info.state == "loaded" else "not known before it is loaded"


def _value(value: Value) -> str:
    """A value of the header, of a long list its length."""
    if isinstance(value, tuple) and len(value) > LONGEST_LIST:
        return f"{len(value)} values"
    return _line(str(value))


def _line(text: str) -> str:
    """A text in one line, not too long, safe for a terminal."""
    line = " ".join(clean(text[: LONGEST_VALUE * 4]).split())
    return line if len(line) <= LONGEST_VALUE else f"{line[:LONGEST_VALUE]}…"
