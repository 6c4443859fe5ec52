"""What requests of OpenAI's clients may hold that Poly does not do: it is refused by its name, never left out unsaid.

Each name stands with the values that ask for nothing, which many clients send anyway; null is always one of them. What
is in no table is unknown, and ignored.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from aiohttp import web

from poly_serve.inputs import InvalidParameter, json_of

__all__ = ["CHAT", "COMPLETION", "EMBEDDING", "TOKENIZE", "Unsupported", "Values", "refuse_unsupported"]

Values: TypeAlias = Mapping[str, Sequence[object]]
"""Names, each with the values that ask for nothing."""

_GENERATION: Values = {
    # llama.cpp
    "dry_multiplier": (0,),
    "dynatemp_range": (0,),
    "id_slot": (-1,),
    "lora": ([],),
    "min_keep": (0,),
    "mirostat": (0,),
    "n_cmpl": (1,),
    "n_indent": (0,),
    "n_keep": (0,),
    "post_sampling_probs": (False,),
    "return_tokens": (False,),
    "samplers": ([],),
    "t_max_predict_ms": (0,),
    "top_n_sigma": (-1, 0),
    "typical_p": (1,),
    "xtc_probability": (0,),
    # vLLM
    "guided_choice": (),
    "guided_grammar": (),
    "guided_json": (),
    "guided_regex": (),
    "min_tokens": (0,),
    "prompt_logprobs": (),
    "stop_token_ids": ([],),
    "structured_outputs": (),
    "use_beam_search": (False,),
}
CHAT: Values = {
    **_GENERATION,
    "audio": (),
    "chat_template": (),
    "chat_template_kwargs": ({},),
    "function_call": ("none",),
    "functions": ([],),
    "modalities": (["text"],),
    "moderation": (),
    "prediction": (),
    "reasoning_effort": ("none",),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "verbosity": ("medium",),
    "web_search_options": (),
}
COMPLETION: Values = {
    **_GENERATION,
    "best_of": (1,),
    "suffix": ("",),
}
EMBEDDING: Values = {"embd_normalize": (2,)}
TOKENIZE: Values = {"parse_special": (False,)}


class Unsupported(InvalidParameter):
    """A parameter is known, and Poly cannot do what it asks for."""

    code = "unsupported_parameter"


async def refuse_unsupported(request: web.Request, table: Values) -> None:
    """Raise Unsupported for the first parameter of a body that is in the table and asks for something."""
    for name, value in (await json_of(request)).items():
        if name in table and value is not None and value not in table[name]:
            raise Unsupported(name, "is not supported: leave it out")
