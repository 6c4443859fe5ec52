"""How the next token is chosen: the steps of a sampler chain, and the two ways in which a task writes one down.

This package knows no library: `poly_engine.llama` turns each step into the llama.cpp sampler of that name.
"""

from poly_engine.sampling.settings import from_settings
from poly_engine.sampling.steps import (
    Dist,
    Dry,
    Greedy,
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
)
from poly_engine.sampling.strings import parse

__all__ = [
    "Dist",
    "Dry",
    "Greedy",
    "MinP",
    "MirostatV1",
    "MirostatV2",
    "Penalties",
    "SamplerChain",
    "SamplerStep",
    "Temperature",
    "TopK",
    "TopP",
    "Typical",
    "from_settings",
    "parse",
]
