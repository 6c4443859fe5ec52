"""Models in several files are used as one, and one that lacks a file says so."""

from functools import partial
from pathlib import Path

import pytest
from gguf import GGUFWriter

from poly_engine.errors import ModelLoadFailed
from poly_engine.local import LocalEngine
from poly_engine.models.gguf import read_header
from poly_engine.models.shards import with_others
from tests.engine.conversation import config, engine, hear
from tests.gguf_models import gguf_file, make_chain
from tests.pull.hub_server import HubServer


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files of a model that says yes."""
    folder = tmp_path / "made"
    folder.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(gguf_file, "GGUFWriter", partial(GGUFWriter, split_max_tensors=5))
        make_chain(folder / "m.gguf", ["yes"])
    return sorted(folder.iterdir())


async def test_a_model_in_several_files_of_the_hub_answers(hub: HubServer, shards: list[Path]) -> None:
    hub.publish("acme/split", {path.name: path.read_bytes() for path in shards})
    tasks = {"t": {"model": "m", "template": "none"}}

    async with LocalEngine(config({"m": {"url": "hf:acme/split"}}, tasks)) as home, home.session("t") as session:
        text = (await hear(session, ">")).text
        model = (await home.models())[0]

    assert len(shards) == 3
    assert text == "yes"
    assert model.size_bytes == sum(path.stat().st_size for path in shards)


def test_it_is_as_large_as_all_of_its_files(shards: list[Path], tmp_path: Path) -> None:
    whole = read_header(make_chain(tmp_path / "whole.gguf", ["yes"]))

    joined = with_others(read_header(shards[0]))

    assert (joined.n_tensors, joined.n_params) == (whole.n_tensors, whole.n_params)
    assert joined.size_bytes == sum(path.stat().st_size for path in shards)


async def test_a_file_that_is_missing_is_named(shards: list[Path]) -> None:
    shards[1].unlink()

    async with engine(shards[0]) as home:
        with pytest.raises(ModelLoadFailed, match=rf"{shards[1].name} does not exist"):
            await home.load("m")


async def test_another_file_than_the_first_is_refused(shards: list[Path]) -> None:
    async with engine(shards[1]) as home:
        with pytest.raises(ModelLoadFailed, match="is one of several files of a model: name the first"):
            await home.load("m")


async def test_a_file_that_was_renamed_is_told_what_it_has_to_be_called(shards: list[Path], tmp_path: Path) -> None:
    renamed = shards[0].rename(tmp_path / "renamed.gguf")

    async with engine(renamed) as home:
        with pytest.raises(ModelLoadFailed, match="is the first of 3 files: its name must end in"):
            await home.load("m")
