"""What is known of the models of a configuration, wherever they are computed."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["ModelInfo", "ModelState"]

ModelState: TypeAlias = Literal["unloaded", "loading", "loaded", "failed"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a configured model. Figures that only the loaded file tells are None before. `memory_bytes` is
    about what it takes once it is loaded: weights, cache, and room to compute. `quantization` is how its weights are
    stored, such as Q4_K_M; `n_running` is how many requests it is working on, and `problem` why it failed.
    `idle_s` is for how long nobody has used it while it is in memory, and `expires_in_s` when it leaves unless somebody
    does; both are None while it is in use, and the latter if it stays. `device` is what computes it, such as "gpu", or
    "cpu (this build of llama.cpp has no GPU support)" where a GPU was to; before it is loaded, what is to compute it.
    The GPU computes `n_gpu_layers` of its `n_layers`, which count the one that writes as llama.cpp does.

    If it `is_remote`, a server has it: `path` is the URL of that, `device` is "remote" and where, and it is loaded when
    the server answered last. What only a file tells, and what is about the memory of this machine, is None.
    """

    name: str
    path: str
    state: ModelState
    size_bytes: int | None = None
    architecture: str | None = None
    n_params: int | None = None
    context_size: int | None = None
    train_context_size: int | None = None
    embedding_size: int | None = None
    device: str | None = None
    memory_bytes: int | None = None
    quantization: str | None = None
    n_running: int = 0
    problem: str | None = None
    is_remote: bool = False
    idle_s: float | None = None
    expires_in_s: float | None = None
    n_layers: int | None = None
    n_gpu_layers: int | None = None
