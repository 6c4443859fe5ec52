"""The plain sampler settings of a task: the values that each may have, and the chain that they make."""

from dataclasses import dataclass

from poly_engine.sampling.steps import MinP, Penalties, SamplerChain, Temperature, TopK, TopP, chain

__all__ = [
    "COUNT",
    "LAST_N",
    "MIN_P",
    "PENALTY",
    "REPEAT_PENALTY",
    "TEMPERATURE",
    "TOP_P",
    "Range",
    "from_settings",
]


@dataclass(frozen=True, slots=True)
class Range:
    """The values from `low` to `high`, less `low` itself if `is_open`."""

    low: float
    high: float
    is_open: bool = False

    def check(self, name: str, value: float) -> None:
        """Raise a ValueError that says what `name` must be, unless `value` is in the range."""
        if not (value > self.low if self.is_open else value >= self.low):  # said so, it is true of NaN as well
            raise ValueError(f"{name} must be {'more than' if self.is_open else 'at least'} {self.low}, not {value}")
        if value > self.high:
            raise ValueError(f"{name} must be at most {self.high}, not {value}")


# The upper ends are far beyond what is of use. They keep numbers within the 32 bits that llama.cpp computes with, and
# its ring buffer of the last tokens within 4 MiB.
COUNT = Range(0, 2**31 - 1)
TOP_P = Range(0, 1, is_open=True)
MIN_P = Range(0, 1)
TEMPERATURE = Range(0, 100)
REPEAT_PENALTY = Range(0.01, 100)
LAST_N = Range(0, 2**20)
PENALTY = Range(-2, 2)  # as OpenAI has it


def from_settings(
    *,
    top_k: int,
    top_p: float,
    min_p: float,
    temperature: float,
    repeat_penalty: float,
    repetition_penalty_last_n: int,
    frequency_penalty: float = 0.0,
    presence_penalty: float = 0.0,
) -> SamplerChain:
    """The chain of the plain settings of a task. Raises ValueError that names a setting which is out of range."""
    COUNT.check("top_k", top_k)
    TOP_P.check("top_p", top_p)
    MIN_P.check("min_p", min_p)
    TEMPERATURE.check("temperature", temperature)
    REPEAT_PENALTY.check("repeat_penalty", repeat_penalty)
    LAST_N.check("repetition_penalty_last_n", repetition_penalty_last_n)
    PENALTY.check("frequency_penalty", frequency_penalty)
    PENALTY.check("presence_penalty", presence_penalty)
    penalties = Penalties(repetition_penalty_last_n, repeat_penalty, frequency_penalty, presence_penalty)
    return chain([penalties, TopK(top_k), TopP(top_p), MinP(min_p), Temperature(temperature)])
