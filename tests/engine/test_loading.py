"""Models are loaded when they are asked for; those that cannot be loaded say why, and do not disturb the others."""

import asyncio
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from poly_engine.batch.host import ThreadHost
from poly_engine.errors import EngineClosed, InvalidRequest, ModelLoadFailed
from poly_engine.interface import Engine
from poly_engine.local import LocalEngine
from tests.conftest import FamilyFile
from tests.engine.conversation import config, engine, hear
from tests.gguf_models import EMBEDDER, cut_in_header, cut_in_tensors, make_chain, make_lora, spoil_magic
from tests.gguf_models.gguf_file import write
from tests.gguf_models.vocabulary import byte_level
from tests.gguf_models.weights import Weights


def missing(_: Path, path: Path) -> Path:
    return path


def made_for_another_family(source: Path, path: Path) -> Path:
    path.write_bytes(source.read_bytes().replace(b"llama", b"mamba"))
    return path


def of_no_known_family(source: Path, path: Path) -> Path:
    path.write_bytes(source.read_bytes().replace(b"llama", b"xxxxx"))
    return path


DAMAGES = (missing, cut_in_header, cut_in_tensors, spoil_magic, made_for_another_family, of_no_known_family)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_model_that_cannot_be_loaded_says_why_in_one_line(
    damage: Callable[[Path, Path], Path], family_file: FamilyFile, tmp_path: Path
) -> None:
    path = damage(family_file("llama"), tmp_path / "m.gguf")
    async with engine(path) as home:
        with pytest.raises(ModelLoadFailed) as error:
            await home.load("m")
        model = (await home.models())[0]
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert (model.state, model.problem) == ("failed", str(error.value))


async def test_a_model_that_cannot_be_loaded_does_not_disturb_the_others(
    family_file: FamilyFile, tmp_path: Path
) -> None:
    bad = cut_in_tensors(family_file("llama"), tmp_path / "bad.gguf")
    models = {"bad": {"model_path": str(bad)}, "good": {"model_path": str(make_chain(tmp_path / "m.gguf", ["yes"]))}}
    tasks = {name: {"model": name, "template": "none"} for name in models}
    async with LocalEngine(config(models, tasks)) as home:
        failing = [asyncio.create_task(home.load("bad")) for _ in range(3)]
        async with home.session("good") as session:
            text = (await hear(session, ">")).text
        errors = await asyncio.gather(*failing, return_exceptions=True)
        with pytest.raises(ModelLoadFailed):
            await home.session("bad").open()
    assert text == "yes"
    assert all(isinstance(error, ModelLoadFailed) for error in errors)


async def test_a_file_that_was_mended_can_be_loaded_after_all(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    async with engine(path, template="none") as home:
        with pytest.raises(ModelLoadFailed, match="does not exist"):
            await home.load("m")
        make_chain(path, ["yes"])
        assert (await home.load("m")).state == "loaded"
        async with home.session("t") as session:
            assert (await hear(session, ">")).text == "yes"


async def test_a_model_stays_usable_when_its_file_goes_away(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["yes"])
    async with engine(path, template="none") as home:
        await home.load("m")
        path.unlink()
        async with home.session("t") as session:
            assert (await hear(session, ">")).text == "yes"
        assert (await home.models())[0].state == "loaded"


async def test_more_context_than_the_model_has_positions_for_is_refused(family_file: FamilyFile) -> None:
    async with engine(family_file("gpt2"), {"context_size": 513}) as home:
        with pytest.raises(ModelLoadFailed, match="has 512 positions; context_size = 513 is more than that"):
            await home.load("m")
        assert [model.state for model in await home.models()] == ["failed"]
    async with engine(family_file("gpt2"), {"context_size": 512}) as home:
        assert (await home.load("m")).context_size == 512


async def test_a_rotary_model_may_have_more_context_than_it_was_trained_on(family_file: FamilyFile) -> None:
    async with engine(family_file("llama"), {"context_size": 600}, template="none", max_tokens=2) as home:
        async with home.session("t") as session:
            heard = await hear(session, "x" * 550)
    assert heard.done.usage.prompt_tokens > 512


async def test_a_model_without_a_vocabulary_is_refused(family_file: FamilyFile, tmp_path: Path) -> None:
    content = family_file("qwen2").read_bytes().replace(string("gpt2"), string("none"))
    n_entries = int.from_bytes(content[16:24], "little") + 1
    n_tokens = string("qwen2.vocab_size") + struct.pack("<II", 4, 388)  # 32 bytes, so that the tensors stay aligned
    path = tmp_path / "m.gguf"
    path.write_bytes(content[:16] + struct.pack("<Q", n_entries) + n_tokens + content[24:])
    async with engine(path) as home:
        with pytest.raises(ModelLoadFailed, match=r"is a model without a vocabulary \(qwen2\)"):
            await home.load("m")


def string(text: str) -> bytes:
    """A string in a GGUF file."""
    return struct.pack("<Q", len(text)) + text.encode()


async def test_a_recurrent_model_is_refused(tmp_path: Path) -> None:
    async with engine(make_mamba(tmp_path / "m.gguf")) as home:
        with pytest.raises(ModelLoadFailed, match=r"is a recurrent model \(mamba\), which Poly cannot run yet"):
            await home.load("m")


def make_mamba(path: Path) -> Path:
    """A recurrent model of one layer."""
    vocabulary = byte_level("gpt-2", {"<|endoftext|>": ["bos", "eos", "unknown", "padding"]})
    n_embd, n_inner, n_state, rank = 32, 64, 8, 4
    weights = Weights(0)
    weights.normal("token_embd.weight", (len(vocabulary.tokens), n_embd))
    weights.norm("blk.0.attn_norm", n_embd)
    weights.linear("blk.0.ssm_in", n_embd, 2 * n_inner)
    weights.normal("blk.0.ssm_conv1d.weight", (n_inner, 4))
    weights.normal("blk.0.ssm_conv1d.bias", (n_inner,))
    weights.linear("blk.0.ssm_x", n_inner, rank + 2 * n_state)
    weights.linear("blk.0.ssm_dt", rank, n_inner, has_bias=True)
    weights.normal("blk.0.ssm_a", (n_inner, n_state), 0.1, mean=-1.0)
    weights.normal("blk.0.ssm_d", (n_inner,))
    weights.linear("blk.0.ssm_out", n_inner, n_embd)
    weights.norm("output_norm", n_embd)
    sizes = {"conv_kernel": 4, "inner_size": n_inner, "state_size": n_state, "time_step_rank": rank}
    figures = {"context_length": 512, "embedding_length": n_embd, "feed_forward_length": 0, "block_count": 1}
    metadata = {f"mamba.{key}": value for key, value in figures.items()}
    metadata |= {f"mamba.ssm.{key}": value for key, value in sizes.items()}
    epsilon = {"mamba.attention.layer_norm_rms_epsilon": 1e-5, "mamba.attention.head_count": 0}
    return write(path, "mamba", {**metadata, **epsilon}, weights.tensors, vocabulary)


async def test_a_file_with_an_odd_name_is_loaded(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "mödel \U0001f600.gguf", ["yes"])
    async with engine(path) as home:
        assert (await home.load("m")).state == "loaded"


async def test_a_model_that_only_embeds_does_not_chat(family_file: FamilyFile) -> None:
    async with engine(family_file(EMBEDDER), {"context_size": None}) as home:
        with pytest.raises(InvalidRequest, match="model m of task t computes embeddings only"):
            await home.session("t").open()
        with pytest.raises(InvalidRequest, match="model m of task t computes embeddings only"):
            await hear(home.session("t"), "hello")


async def test_an_adapter_that_is_none_is_an_error_in_one_line(family_file: FamilyFile, tmp_path: Path) -> None:
    lora = make_lora(tmp_path / "lora.gguf")
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"GGUF" + bytes(100))
    pairs = [("qwen2", lora), ("llama", junk), ("llama", tmp_path / "no.gguf"), ("llama", family_file("gpt2"))]
    for family, adapter in pairs:
        async with engine(family_file(family), {"lora_adapters": [str(adapter)]}) as home:
            with pytest.raises(ModelLoadFailed, match=adapter.name) as error:
                await home.load("m")
            assert "\n" not in str(error.value)


async def test_an_adapter_changes_what_is_written(family_file: FamilyFile, tmp_path: Path) -> None:
    lora = str(make_lora(tmp_path / "lora.gguf"))
    texts = []
    for adapters in ([], [lora], [lora, lora]):
        async with engine(family_file("llama"), {"lora_adapters": adapters}, template="none", max_tokens=8) as home:
            async with home.session("t") as session:
                texts.append((await hear(session, "Hello world")).text)
    assert len(set(texts)) == 3


async def test_an_adapter_takes_memory_too(family_file: FamilyFile, tmp_path: Path) -> None:
    lora = make_lora(tmp_path / "lora.gguf")
    sizes = []
    for adapters in ([], [str(lora)]):
        async with engine(family_file("llama"), {"lora_adapters": adapters}) as home:
            sizes.append((await home.load("m")).memory_bytes or 0)
    assert sizes[1] - sizes[0] == lora.stat().st_size


async def test_who_stops_waiting_for_a_model_does_not_stop_the_others(family_file: FamilyFile) -> None:
    async with engine(family_file("llama")) as home:
        told: list[float] = []
        impatient = asyncio.create_task(home.load("m", told.append))
        patient = asyncio.create_task(home.load("m"))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert (await patient).state == "loaded"


class HeldHost(ThreadHost):
    """A host that never gets anywhere until it is stopped."""

    def _run(self) -> None:
        while not self._is_stopping:
            self._commands.get()
        self._on_end("")


async def test_an_engine_can_be_closed_while_it_loads(family_file: FamilyFile) -> None:
    home = LocalEngine(config({"m": {"model_path": str(family_file("llama"))}}), HeldHost)
    waiting = [asyncio.create_task(home.load("m")) for _ in range(2)]
    while (await home.models())[0].state != "loading":
        pass
    await home.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [EngineClosed, EngineClosed]


async def test_an_engine_that_is_closed_at_once_gives_up_loading(family_file: FamilyFile) -> None:
    for n_turns_of_the_loop in range(6):
        home = engine(family_file("llama"))
        loading = asyncio.create_task(home.load("m"))
        for _ in range(n_turns_of_the_loop):
            await asyncio.sleep(0)
        await home.close()
        with pytest.raises(EngineClosed):
            await loading


async def test_a_listener_hears_of_its_own_load_only(family_file: FamilyFile) -> None:
    async with engine(family_file("llama")) as home:
        first: list[float] = []
        await home.load("m", first.append)
        n_heard = len(first)
        again: list[float] = []
        await home.load("m", again.append)
    assert first[-1] == 1
    assert len(first) == n_heard
    assert again in ([], [1.0])


async def test_two_engines_do_not_know_of_each_other(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["yes"])

    async def ask(home: Engine) -> str:
        async with home.session("t") as session:
            return (await hear(session, ">")).text

    async with engine(path, template="none") as one:
        async with engine(path, template="none") as other:
            answers = await asyncio.gather(ask(one), ask(other), ask(one), ask(other))
        assert set(answers) == {"yes"}
        assert await ask(one) == "yes"


async def test_many_loads_of_a_bad_file_leave_nothing_behind(tmp_path: Path) -> None:
    async with engine(tmp_path / "no.gguf") as home:
        for _ in range(100):
            with pytest.raises(ModelLoadFailed):
                await home.load("m", lambda _: None)
        assert not any(served._listeners for served in home._served.values())


async def test_a_model_can_be_unloaded_while_it_is_being_loaded(family_file: FamilyFile) -> None:
    async with engine(family_file("llama")) as home:
        for n_turns_of_the_loop in range(6):
            loading = asyncio.create_task(home.load("m"))
            for _ in range(n_turns_of_the_loop):
                await asyncio.sleep(0)
            await home.unload("m")
            results = await asyncio.gather(loading, return_exceptions=True)
            assert isinstance(results[0], EngineClosed) == (n_turns_of_the_loop > 0)
            await home.unload("m")
            assert [model.state for model in await home.models()] == ["unloaded"]


async def test_who_waits_for_a_model_that_is_unloaded_hears_that(family_file: FamilyFile) -> None:
    async with LocalEngine(config({"m": {"model_path": str(family_file("llama"))}}), HeldHost) as home:
        waiting = asyncio.create_task(home.load("m"))
        while (await home.models())[0].state != "loading":
            pass
        await home.unload("m")
        with pytest.raises(EngineClosed, match="the model was unloaded"):
            await waiting
        assert (await home.models())[0].state == "unloaded"


async def test_a_model_is_opened_again_only_when_the_memory_of_the_last_one_is_free(family_file: FamilyFile) -> None:
    async with LocalEngine(config({"m": {"model_path": str(family_file("llama"))}}), CountedHost) as home:
        await home.load("m")
        unloading = asyncio.create_task(home.unload("m"))
        again = await asyncio.gather(home.load("m"), home.load("m"))
        await unloading
        assert [model.state for model in again] == ["loaded", "loaded"]
        assert CountedHost.most_at_once == 1


class CountedHost(ThreadHost):
    """Counts how many models are open at the same time."""

    n_open = most_at_once = 0

    def _run(self) -> None:
        CountedHost.n_open += 1
        CountedHost.most_at_once = max(CountedHost.most_at_once, CountedHost.n_open)
        on_end, self._on_end = self._on_end, self._note
        super()._run()
        CountedHost.n_open -= 1
        on_end(self._why)

    def _note(self, why: str) -> None:
        self._why = why
