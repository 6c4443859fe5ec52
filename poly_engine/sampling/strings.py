"""Sampler strings: `["topk:k=20", "temperature:0.5"]` as the original Poly reads them, made into a chain.

Names, options, defaults and order are those of the crate llm-samplers in the chain that rustformers/llm builds. That
chain has no place for minp, which runs after topp here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from poly_engine.errors import suggestion
from poly_engine.sampling.settings import COUNT, LAST_N, MIN_P, REPEAT_PENALTY, TEMPERATURE, TOP_P, Range
from poly_engine.sampling.steps import (
    GREEDY_BELOW,
    Dry,
    MinP,
    MirostatV1,
    MirostatV2,
    Penalties,
    SamplerChain,
    SamplerStep,
    Temperature,
    TopK,
    TopP,
    Typical,
    chain,
)

__all__ = ["parse"]


def parse(strings: Sequence[str]) -> SamplerChain:
    """The chain that sampler strings describe.

    An entry is `name:option=value:option=value`; several may share a string, separated by `/` or spaces. Case does
    not matter, nor do `_` and `-` in a name; an option may be abbreviated, and left out where it is the only one.
    The steps run in a fixed order, whatever the order of the entries. A repetition penalty and a temperature are
    always there; top-k and top-p are unless there is a mirostat.

    Raises ValueError with a sentence that says what is wrong, in which entry, and what would be right.
    """
    given: _Given = {}
    for text in strings:
        for entry in text.replace("/", " ").lower().split():
            _add(entry, given)
    _refuse_beside_mirostat(given)
    for name in _WITH_MIROSTAT if _mirostats(given) else _WITHOUT_MIROSTAT:
        given.setdefault(name, [_defaults(name)])
    steps = [_step(name, values) for name in _SAMPLERS for values in given.get(name, ())]
    return chain([step for step in steps if step is not None])


_Values: TypeAlias = dict[str, float]
_Given: TypeAlias = dict[str, list[_Values]]


@dataclass(frozen=True, slots=True)
class _Option:
    default: float | None
    range: Range
    is_whole: bool = False

    def read(self, name: str, text: str) -> float:
        try:
            value = int(text) if self.is_whole else float(text)
        except ValueError:
            kind = "a whole number" if self.is_whole else "a number"
            raise ValueError(f"{name} must be {kind}, not {_quoted(text)}") from None
        self.range.check(name, value)
        return value


_STRENGTH = Range(-100, 100)
_LAST_64 = _Option(64, LAST_N, is_whole=True)
_MIN_KEEP = _Option(1, COUNT, is_whole=True)
_MIROSTAT = {"tau": _Option(5, Range(0, 100)), "eta": _Option(0.1, Range(0, 10)), "mu": _Option(None, Range(0, 200))}

_SAMPLERS: Mapping[str, Mapping[str, _Option]] = {
    "repetition": {"penalty": _Option(1.30, REPEAT_PENALTY), "last_n": _LAST_64},
    "freqpresence": {
        "frequency_penalty": _Option(0, _STRENGTH),
        "presence_penalty": _Option(0, _STRENGTH),
        "last_n": _LAST_64,
    },
    "seqrepetition": {
        "flat_penalty": _Option(0, Range(0, 100)),
        "stacking_penalty": _Option(0, _STRENGTH),
        "min_length": _Option(4, Range(2, LAST_N.high), is_whole=True),
        "tolerance": _Option(0, COUNT, is_whole=True),
        "max_merge": _Option(1, COUNT, is_whole=True),
        "last_n": _LAST_64,
    },
    "topk": {"k": _Option(40, COUNT, is_whole=True), "min_keep": _MIN_KEEP},
    "tailfree": {"z": _Option(1, Range(0, 1)), "min_keep": _MIN_KEEP},
    "locallytypical": {"p": _Option(1, TOP_P), "min_keep": _MIN_KEEP},
    "topp": {"p": _Option(0.95, TOP_P), "min_keep": _MIN_KEEP},
    "minp": {"p": _Option(0.05, MIN_P), "min_keep": _MIN_KEEP},
    "temperature": {"temperature": _Option(0.80, TEMPERATURE)},
    "mirostat1": {
        **_MIROSTAT,
        "m": _Option(100, Range(2, COUNT.high), is_whole=True),
        "n_vocab": _Option(None, COUNT, is_whole=True),  # no longer used: the model knows better
    },
    "mirostat2": _MIROSTAT,
}
_REPEATABLE = ("repetition", "freqpresence", "seqrepetition")
_WITH_MIROSTAT = ("repetition", "temperature")
_WITHOUT_MIROSTAT = ("repetition", "topk", "topp", "temperature")


def _add(entry: str, given: _Given) -> None:
    """Read one entry into `given`. A sampler that cannot be repeated collects the options of all its entries."""
    text, *options = entry.split(":")
    try:
        name = _sampler_named(text)
        found = given.setdefault(name, [])
        if name in _REPEATABLE or not found:
            found.append(_defaults(name))
        found[-1].update(_read_option(name, option) for option in options if option)
        _refuse_what_llama_lacks(name, found[-1])
    except ValueError as error:
        raise ValueError(f"{_quoted(entry)}: {error}") from None


def _sampler_named(text: str) -> str:
    name = text.replace("_", "").replace("-", "")
    if name == "topa":
        raise ValueError('llama.cpp has no such sampler; "minp:p=0.05" serves the same end')
    if name not in _SAMPLERS:
        raise ValueError(f"there is no sampler {_quoted(text)}{suggestion(name, _SAMPLERS)}")
    return name


def _defaults(name: str) -> _Values:
    options = _SAMPLERS[name].items()
    return {option: spec.default for option, spec in options if spec.default is not None}


def _read_option(name: str, text: str) -> tuple[str, float]:
    key, _, value = text.rpartition("=")
    options = _SAMPLERS[name]
    matches = [key] if key in options else [option for option in options if option.startswith(key)]
    if len(matches) == 1:
        return matches[0], options[matches[0]].read(matches[0], value)
    if not key:
        raise ValueError(f"say which option {_quoted(value)} is, such as {next(iter(options))}={value}")
    if matches:
        raise ValueError(f"option {_quoted(key)} may mean {' or '.join(matches)}")
    raise ValueError(f"there is no option {_quoted(key)}{suggestion(key, options)}")


def _refuse_what_llama_lacks(name: str, values: _Values) -> None:
    if name == "tailfree" and values["z"] != 1:
        raise ValueError('llama.cpp no longer has this sampler; "minp:p=0.05" serves the same end')
    if name == "seqrepetition" and (values["stacking_penalty"] or values["tolerance"] or values["max_merge"] > 1):
        raise ValueError("llama.cpp can do flat_penalty, min_length and last_n, but nothing else of this sampler")
    if name in ("mirostat1", "mirostat2") and values.get("mu", 2 * values["tau"]) != 2 * values["tau"]:
        raise ValueError("llama.cpp always begins with a mu of twice tau: leave mu out")


def _refuse_beside_mirostat(given: _Given) -> None:
    mirostats = _mirostats(given)
    if len(mirostats) > 1:
        raise ValueError("mirostat1 and mirostat2 exclude each other: leave one of them out")
    narrowing = [name for name in ("topk", "tailfree", "locallytypical", "topp", "minp") if name in given]
    if mirostats and narrowing:
        raise ValueError(f"{mirostats[0]} narrows the choice by itself: leave out {' and '.join(narrowing)}")
    if mirostats and any(values["temperature"] < GREEDY_BELOW for values in given.get("temperature", ())):
        raise ValueError(f"{mirostats[0]} draws at random and temperature 0 never does: leave one of them out")


def _mirostats(given: _Given) -> list[str]:
    return [name for name in ("mirostat1", "mirostat2") if name in given]


def _step(name: str, values: _Values) -> SamplerStep | None:
    """The step that the options of a sampler stand for, or None for one that never has an effect."""
    min_keep = int(values.get("min_keep", 0))
    match name:
        case "repetition":
            return Penalties(int(values["last_n"]), repeat=values["penalty"])
        case "freqpresence":
            frequency, presence = values["frequency_penalty"], values["presence_penalty"]
            return Penalties(int(values["last_n"]), frequency=frequency, presence=presence)
        case "seqrepetition":
            return Dry(values["flat_penalty"], 1.0, int(values["min_length"]), int(values["last_n"]))
        case "topk":
            return TopK(max(int(values["k"]), min_keep) if values["k"] else 0)
        case "locallytypical":
            return Typical(values["p"], min_keep)
        case "topp":
            return TopP(values["p"], min_keep)
        case "minp":
            return MinP(values["p"], min_keep)
        case "temperature":
            return Temperature(values["temperature"])
        case "mirostat1":
            return MirostatV1(values["tau"], values["eta"], int(values["m"]))
        case "mirostat2":
            return MirostatV2(values["tau"], values["eta"])
        case _:  # tailfree with z = 1 keeps every token
            return None


def _quoted(text: str) -> str:
    return json.dumps(text if len(text) <= 60 else f"{text[:60]}…", ensure_ascii=False)
