"""Which files of a repository are one model, and which of its models is meant."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from poly_engine.errors import PullFailed

__all__ = ["Named", "Variant", "choose", "quant_of", "sibling_names", "variants"]

_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_QUANT = re.compile(
    r"(?:^|[-._/])((?:UD-)?(?:I?Q[1-8](?:_[0-9A-Z]+)*|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32))(?=[-._/]|$)",
    re.IGNORECASE,
)
_COMPANION = re.compile(r"(?:^|[-._/])(?:mmproj|imatrix|lora|adapter|vocab|draft|mtp)(?=[-._/]|$)", re.IGNORECASE)
_BITS = (4, 5, 6, 8, 3, 2, 16, 32, 1)
_KINDS = ("_K_M", "_K_L", "_K_XL", "_K_S", "_NL", "_XS", "_K", "_0", "_1")
_MOST_LISTED = 30


class Named(Protocol):
    """A file with a path in its repository, and a size if it is known."""

    @property
    def name(self) -> str: ...
    @property
    def size_bytes(self) -> int | None: ...


F = TypeVar("F", bound=Named)


@dataclass(frozen=True, slots=True)
class Variant(Generic[F]):
    """A model in one quantisation: its files in order. `quant` is in capitals, empty if the name does not say it."""

    name: str
    quant: str
    files: tuple[F, ...]
    is_whole: bool

    def __str__(self) -> str:
        sizes = [file.size_bytes for file in self.files]
        known = [size for size in sizes if size is not None]
        size = f", {sum(known) / 1e6:,.0f} MB" if len(known) == len(sizes) else ""
        return f"{self.name} ({self.quant or 'no quantisation named'}{size})"


def quant_of(name: str) -> str:
    """The quantisation that the name of a file tells, in capitals: Q4_K_M, F16; empty if it tells none."""
    stem = name.removesuffix(name[-5:]) if name.lower().endswith(".gguf") else name
    found = _QUANT.findall(stem)
    quant = found[-1].upper() if found else ""
    return {"FP16": "F16", "FP32": "F32"}.get(quant, quant)


def sibling_names(name: str) -> Sequence[str]:
    """The names of all files of a model of which one is called `name`."""
    match = _SHARD.fullmatch(name)
    if match is None:
        return [name]
    return [f"{match['stem']}-{number:05}-of-{match['count']}.gguf" for number in range(1, int(match["count"]) + 1)]


def variants(files: Iterable[F]) -> Sequence[Variant[F]]:
    """The models among some files. What belongs to a model without being one is left out, such as its eyes (mmproj)."""
    groups: dict[str, dict[int, F]] = {}
    counts: dict[str, int] = {}
    for file in files:
        if not file.name.lower().endswith(".gguf") or _COMPANION.search(file.name[:-5]):
            continue
        match = _SHARD.fullmatch(file.name)
        name = f"{match['stem']}.gguf" if match else file.name
        groups.setdefault(name, {})[int(match["number"]) if match else 1] = file
        counts[name] = int(match["count"]) if match else 1
    return [
        Variant(name, quant_of(name), tuple(group[number] for number in sorted(group)), len(group) == counts[name])
        for name, group in sorted(groups.items())
    ]


def choose(found: Sequence[Variant[F]], quant: str | None, file: str | None, where: str) -> Variant[F]:
    """The one that is meant: the one that `file` is of, the one of that quantisation, or the nearest to Q4_K_M.

    Raises PullFailed that lists what there is if that is none, several, or not whole. `where` is how messages call the
    place.
    """
    if file is not None:
        fitting = [one for one in found if one.name == file or any(part.name == file for part in one.files)]
    elif quant is not None:
        fitting = [one for one in found if one.quant == quant.upper()]
    else:
        best = min((_rank(one.quant) for one in found), default=None)
        fitting = [one for one in found if _rank(one.quant) == best]
    if not found:
        raise PullFailed(f"{where} has no model in GGUF format: look for a repository whose name ends in GGUF")
    if not fitting:
        raise PullFailed(f"{where} has no {file or quant}. There is: {_listed(found)}")
    if len(fitting) > 1:
        raise PullFailed(f"{where} has several of them: name one as {where}/FILE. There is: {_listed(fitting)}")
    if not fitting[0].is_whole:
        raise PullFailed(f"{where} has only some of the files of {fitting[0].name}: choose another quantisation")
    return fitting[0]


def _rank(quant: str) -> tuple[int, int, str]:
    """The smaller, the nearer to Q4_K_M: four bits are the least that loses little, and more of them do no harm."""
    digits = re.search(r"\d+", quant)
    bits = int(digits[0]) if digits else 0
    kinds = [place for place, kind in enumerate(_KINDS) if quant.endswith(kind)]
    return (_BITS.index(bits) if bits in _BITS else len(_BITS), kinds[0] if kinds else len(_KINDS), quant)


def _listed(some: Sequence[Variant[F]]) -> str:
    more = f" and {len(some) - _MOST_LISTED} more" if len(some) > _MOST_LISTED else ""
    return ", ".join(map(str, some[:_MOST_LISTED])) + more
