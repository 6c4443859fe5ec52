"""What a model is good for, as far as its file tells."""

from poly_engine.models.gguf import GgufHeader

__all__ = ["first_task", "is_embedder"]


def is_embedder(header: GgufHeader) -> bool:
    """Whether it computes embeddings: one that says how it makes one vector of all its tokens is made for that."""
    return not header.is_causal or header.number("pooling_type") > 0


def first_task(header: GgufHeader) -> dict[str, object]:
    """The settings of a task to begin with. A model without a chat template only goes on with the text it is given."""
    settings: dict[str, object] = {} if "tokenizer.chat_template" in header.metadata else {"template": "none"}
    return {**settings, "repeat_penalty": 1.05}
