"""What a configuration holds when it is right: defaults, places of files, and what the original Poly could say."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from poly_engine import starter
from poly_engine.config import (
    Biaser,
    Config,
    FileStore,
    LoadedConfig,
    Memorization,
    MemoryConfig,
    ModelConfig,
    Store,
    TaskConfig,
    load,
)
from poly_engine.config.cores import usable_cores, usable_memory_bytes


def loaded(tmp_path: Path, toml: str) -> LoadedConfig:
    file = tmp_path / "poly.toml"
    file.write_text(toml, "utf-8")
    return load(file)


def test_the_server_is_private_and_on_the_loopback_interface_by_default() -> None:
    config = Config()
    assert (config.bind_address, config.max_concurrent) == ("127.0.0.1:3000", 8)
    assert (config.public, config.allowed_keys, config.jwt_private_key) == (False, (), None)


def test_a_model_uses_the_cores_that_there_are_by_default() -> None:
    model = ModelConfig(model_path="m.gguf")
    assert (model.threads_per_session, model.parallel, model.batch_size) == (usable_cores(), 16, 2048)
    assert (model.context_size, model.cache_size, model.use_gpu, model.gpu_layers) == (None, None, False, None)


@pytest.mark.parametrize(
    ("keep_alive", "seconds"),
    [(0, 0), (90, 90), (1.5, 1.5), ("90", 90), ("90s", 90), ("30m", 1800), ("1.5h", 5400), ("forever", math.inf)],
)
def test_a_model_stays_as_long_as_it_says(keep_alive: object, seconds: float) -> None:
    assert ModelConfig.model_validate({"model_path": "m", "keep_alive": keep_alive}).keep_alive_s == seconds


def test_a_model_stays_for_half_an_hour_by_default_and_a_warm_one_for_ever() -> None:
    assert ModelConfig(model_path="m").keep_alive_s == 1800
    assert ModelConfig(model_path="m", warm=True).keep_alive_s == math.inf
    assert ModelConfig(model_path="m", warm=True, keep_alive=60).keep_alive_s == 60


def test_the_memory_for_models_is_bytes_or_a_share_of_what_there_is() -> None:
    total = usable_memory_bytes()
    budgets = {amount: Config(max_memory=amount).memory_budget_bytes for amount in (1000, "8GB", "1.5 GiB", "50%")}
    assert budgets == {1000: 1000, "8GB": 8 * 10**9, "1.5 GiB": 3 << 29, "50%": total // 2}
    assert Config().memory_budget_bytes is None


def test_a_task_draws_as_the_original_does_by_default() -> None:
    task = TaskConfig(model="m")
    assert (task.top_k, task.top_p, task.min_p, task.temperature) == (40, 0.95, 0.0, 0.80)
    assert (task.repeat_penalty, task.repetition_penalty_last_n) == (1.30, 64)
    assert (task.template, task.max_tokens, task.seed, task.samplers) == ("auto", None, None, None)


def test_a_memory_is_a_file_and_cuts_text_as_the_original_does_by_default() -> None:
    memory = MemoryConfig(embedding_model="m")
    assert memory.store.file == FileStore()
    assert (memory.chunk_separators, memory.chunk_max_tokens, memory.dimensions) == ((" ",), 255, None)
    assert memory.pre_filter == (r"[\r\t]", r"[\ \n._|-]{2,}", r"^[\r\n\ ._|-]+")
    assert memory.post_filter == ("\n",)


def test_threads_is_another_name_for_threads_per_session(tmp_path: Path) -> None:
    config = loaded(tmp_path, "[models.m]\nmodel_path = 'm'\nthreads = 3").config
    assert config.models["m"].threads_per_session == 3


def test_whole_numbers_are_numbers(tmp_path: Path) -> None:
    config = loaded(tmp_path, "[models.m]\nmodel_path = 'm'\n[tasks.t]\nmodel = 'm'\ntemperature = 1").config
    assert config.tasks["t"].temperature == 1


def test_the_cores_are_at_least_one_and_no_more_than_the_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr("poly_engine.config.cores._QUOTA", quota)
    without = usable_cores()
    quota.write_text("max 100000\n")
    assert usable_cores() == without >= 1
    quota.write_text("50000 100000\n")
    assert usable_cores() == 1


@pytest.mark.parametrize(
    ("location", "file"),
    [
        ("/models/m.gguf", "/models/m.gguf"),
        ("m.gguf", "{folder}/m.gguf"),
        ("./sub/m.gguf", "{folder}/sub/m.gguf"),
        ("~/m.gguf", "{home}/m.gguf"),
        ("@m.gguf", "{data}/m.gguf"),
        ("poly:starter", str(starter.path())),
    ],
)
def test_a_file_is_found_from_where_the_configuration_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, file: str
) -> None:
    places = {"folder": tmp_path, "home": tmp_path / "home", "data": tmp_path / "data"}
    monkeypatch.setenv("HOME", str(places["home"]))
    monkeypatch.setenv("POLY_DATA_DIR", str(places["data"]))
    config = loaded(tmp_path, f"[models.m]\nmodel_path = '{location}'\nlora_adapters = ['{location}']").config
    monkeypatch.chdir("/")
    assert config.models["m"].file == Path(file.format(**places))
    assert config.models["m"].adapter_files == (Path(file.format(**places)),)


def test_files_that_a_program_names_are_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ModelConfig(model_path="m.gguf").file == tmp_path / "m.gguf"
    assert ModelConfig(url="https://example.com/m.gguf").file is None


def test_a_configuration_cannot_be_changed() -> None:
    config = load(None).config
    with pytest.raises(ValidationError):
        config.public = True
    with pytest.raises(ValidationError):
        config.tasks["starter"].temperature = 2.0


ORIGINAL = """
bind_address = "0.0.0.0:3000"
max_concurrent = 5
allowed_origins = ["https://localhost:3000"]
allowed_keys = ["foo"]
jwt_private_key = { symmetric = "bar" }

[models.mpt_chat]
model_path = "mpt-7b-chat.gguf"
lora_adapters = []
architecture = "mpt"
threads_per_session = 8
context_size = 512
batch_size = 8

[memories.test]
embedding_model = "mpt_chat"
dimensions = 4096
store = { hora = { path = "test.index" } }
chunk_separators = ["."]
chunk_max_tokens = 255

[memories.qtest]
store = { qdrant = { url = "http://localhost:6334", collection = "test" } }
dimensions = 4096
embedding_model = "mpt_chat"

[tasks."Assistant 7B"]
model = "mpt_chat"
prelude = ""
prefix = "<|im_start|>user\\n"
postfix = "<|im_end|><|im_start|>assistant\\n"
private_tokens = ["<|im_start|>", "<|im_end|>"]
stop_sequences = ["<|im_end|>", " stop"]
memorization = { memory = "test", store_prompts = true, retrieve = 2 }

[tasks.cars]
model = "mpt_chat"
bias_prompt = "As JSON:"
biaser = { json_schema = { type = "object", required = ["n"], properties.n = { type = "number", max_decimals = 2 } } }
temperature = 1

[tasks.mirostat]
model = "mpt_chat"
samplers = ["mirostat1:n_vocab=32000"]
"""
CARS: dict[str, object] = {
    "type": "object",
    "required": ["n"],
    "properties": {"n": {"type": "number", "max_decimals": 2}},
}


def test_a_configuration_of_the_original_poly_is_read(tmp_path: Path) -> None:
    original = loaded(tmp_path, ORIGINAL)
    memory, task, cars = (
        original.config.memories["test"],
        original.config.tasks["Assistant 7B"],
        original.config.tasks["cars"],
    )
    assert memory.store == Store(file=FileStore(path=str(tmp_path / "test.index")))
    assert (task.prelude, task.memorization) == ("", Memorization(memory="test", store_prompts=True, retrieve=2))
    assert cars.biaser == Biaser(json_schema=CARS)
    assert original.notes == ("models.mpt_chat.architecture: ignored, the model file says what it is",)


def test_a_bias_prompt_without_a_biaser_is_noted(tmp_path: Path) -> None:
    notes = loaded(tmp_path, "[models.m]\nmodel_path = 'm'\n[tasks.'a b']\nmodel = 'm'\nbias_prompt = 'x'").notes
    assert notes == ('tasks."a b".bias_prompt: ignored, the task has no biaser',)


@pytest.mark.parametrize("module", ["llama_cpp", "numpy", "tomlkit", "jinja2", "psutil"])
def test_importing_the_configuration_brings_nothing_heavy(module: str) -> None:
    code = f"import sys, poly_engine.config; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
