"""A GPU that is asked for and not there is never passed over in silence. These tests run where llama.cpp has none."""

from __future__ import annotations

import logging

import pytest

from poly_engine.batch.process.host import ProcessHost
from poly_engine.errors import ModelLoadFailed
from poly_engine.llama import library
from poly_engine.local import LocalEngine
from tests.conftest import FamilyFile
from tests.engine.conversation import config, engine

pytestmark = pytest.mark.skipif(not library.gpu_obstacle(), reason="this machine has a GPU")
CPU = f"cpu ({library.gpu_obstacle()})"


async def test_a_model_that_was_to_use_a_gpu_says_that_it_does_not_and_why(
    family_file: FamilyFile, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "poly_engine"):
        async with engine(family_file("llama"), {"use_gpu": True}) as home:
            assert (await home.models())[0].device == "gpu"
            loaded = await home.load("m")
    assert (loaded.device, loaded.n_gpu_layers) == (CPU, 0)
    assert (loaded.n_layers or 0) > 1
    assert "is computed on the CPU although use_gpu is set" in caplog.text


async def test_a_model_in_a_process_of_its_own_says_so_too(family_file: FamilyFile) -> None:
    models = {"m": {"model_path": str(family_file("llama")), "use_gpu": True, "gpu_layers": "all"}}
    async with LocalEngine(config(models), ProcessHost) as home:
        assert (await home.load("m")).device == CPU


@pytest.mark.parametrize("host", [None, ProcessHost])
async def test_a_model_that_requires_a_gpu_is_not_loaded_without_one(
    family_file: FamilyFile, host: type[ProcessHost] | None
) -> None:
    models = {"m": {"model_path": str(family_file("llama")), "require_gpu": True}}
    async with LocalEngine(config(models), host) as home:
        with pytest.raises(ModelLoadFailed, match=r"require_gpu is set, and .*-DGGML_CUDA=on"):
            await home.load("m")
        assert (await home.models())[0].state == "failed"


async def test_a_model_without_layers_for_the_gpu_is_computed_on_the_cpu(family_file: FamilyFile) -> None:
    async with engine(family_file("llama"), {"use_gpu": True, "gpu_layers": 0}) as home:
        assert (await home.load("m")).device == "cpu"
