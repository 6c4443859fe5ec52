"""What several parts say of GPUs: how they share a model, why there is none, and how to get one."""

from typing import Literal, TypeAlias

__all__ = ["NO_DEVICE", "NO_SUPPORT", "REMEDY", "GpuSplit"]

GpuSplit: TypeAlias = Literal["layer", "row", "none"]
"""How several GPUs share a model: whole layers each, rows of every layer, or one of them has it alone."""

NO_SUPPORT = "this build of llama.cpp has no GPU support"
NO_DEVICE = "llama.cpp finds no GPU"
REMEDY = 'CMAKE_ARGS="-DGGML_CUDA=on" pip install --force-reinstall --no-cache-dir llama-cpp-python'
"""Builds llama.cpp for NVIDIA; other GPUs have other flags."""
