"""The configuration as people and editors see it, and the example that shows all of it."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import jsonschema
import pytest
import tomli
from hypothesis import given, strategies as st

from poly_engine.config import Config, ModelConfig, TaskConfig, load
from poly_engine.config.describe import render, schema, starting_point
from poly_engine.config.section import Section

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example, with the file that it wants to be there."""
    (tmp_path / "cars.schema.json").write_text("{}")
    return Path(shutil.copy(EXAMPLE, tmp_path))


def sections(value: object) -> Iterator[Section]:
    """Every table in a configuration, from the outermost on."""
    if isinstance(value, Section):
        yield value
        for key in type(value).model_fields:
            yield from sections(getattr(value, key))
    elif isinstance(value, Mapping | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from sections(item)


def test_the_example_shows_every_key_of_every_table(example: Path) -> None:
    shown: dict[type[Section], set[str]] = {section: set() for section in Section.__subclasses__()}
    for section in sections(load(example).config):
        shown[type(section)] |= section.model_fields_set
    assert shown == {section: set(section.model_fields) for section in shown}


def test_the_example_is_right_but_for_the_key_that_it_shows_to_be_ignored(example: Path) -> None:
    assert load(example).notes == ("models.qwen.architecture: ignored, the model file says what it is",)


@pytest.mark.parametrize("section", Section.__subclasses__())
def test_every_key_is_described_in_one_sentence(section: type[Section]) -> None:
    for key, field in section.model_fields.items():
        assert field.description is not None, key
        assert field.description.endswith("."), key


def test_the_schema_accepts_what_the_loader_accepts() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(tomli.loads(EXAMPLE.read_text("utf-8")), schema())
    jsonschema.validate({"models": {"m": {"url": "http://h/m", "threads": 2}}}, schema())


@pytest.mark.parametrize(
    "tree",
    [
        {"pubic": True},
        {"tasks": {"t": {}}},
        {"tasks": {"t": {"model": None}}},
        {"tasks": {"t": {"model": "m", "top_p": 0}}},
        {"models": {"m": {}}},
        {"memories": {"l": {"embedding_model": "m", "store": {"hora": 3}}}},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tree: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, schema())


def test_the_schema_is_json_without_null() -> None:
    assert '"null"' not in json.dumps(schema())


def test_what_is_rendered_can_be_read_again_and_means_the_same(example: Path, tmp_path: Path) -> None:
    config = load(example).config
    file = tmp_path / "poly.toml"
    file.write_text(render(config), "utf-8")
    again = load(file).config
    assert (again.tasks, again.bind_address) == (config.tasks, config.bind_address)
    assert again.models == {
        **config.models,
        "qwen": config.models["qwen"].model_copy(update={"architecture": None}),
        "hosted": config.models["hosted"].model_copy(
            update={"api_key": again.models["hosted"].api_key}
        ),  # it is masked
    }


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_being_rendered(text: str) -> None:
    config = Config(models={"m": ModelConfig(model_path="m")}, tasks={"t": TaskConfig(model="m", prelude=text)})
    assert tomli.loads(render(config))["tasks"]["t"]["prelude"] == text


def test_values_that_are_not_set_and_values_by_default_are_rendered() -> None:
    lines = render(load(None).config).splitlines()
    assert "temperature = 0.3" in lines
    assert "top_p = 0.95" in lines
    assert "# seed is not set" in lines


def test_of_a_model_of_a_server_and_its_tasks_only_what_means_something_is_rendered(tmp_path: Path) -> None:
    model = {"engine": "openai", "url": "http://h/v1", "api_key": "hush"}
    config = Config.model_validate({"models": {"m": model}, "tasks": {"t": {"model": "m", "top_p": 0.5}}})
    file = tmp_path / "poly.toml"
    file.write_text(render(config), "utf-8")
    again = load(file).config
    assert "hush" not in file.read_text("utf-8")
    assert again.models["m"].place == "http://h/v1"
    assert again.tasks["t"].model_fields_set >= {"model", "top_p"}
    assert "top_k" not in again.tasks["t"].model_fields_set


def test_settings_without_effect_are_not_rendered() -> None:
    rendered = render(
        Config(models={"m": ModelConfig(model_path="m")}, tasks={"t": TaskConfig(model="m", samplers=())})
    )
    assert "samplers = []" in rendered
    assert "top_k" not in rendered


SECRETIVE = """
allowed_keys = ["hush", { name = "ci", key = "hush" }]
jwt_private_key = { symmetric = "hush" }
[models.m]
url = "https://hush@host/m.gguf?token=hush&x"
[memories.l]
embedding_model = "m"
store = { pgvector = { url = "postgresql://user:hush@host/db?password=hush", table = "t" } }
"""


def test_secrets_are_masked() -> None:
    config = Config.model_validate(tomli.loads(SECRETIVE))
    assert "hush" not in render(config)
    assert "postgresql://********@host/db?password=********" in render(config)


def test_secrets_do_not_get_into_a_log(tmp_path: Path) -> None:
    file = tmp_path / "poly.toml"
    file.write_text(SECRETIVE, "utf-8")
    loaded = load(file)
    assert "hush" not in repr(loaded)


def test_the_starting_point_works_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "poly.toml"
    file.write_text(starting_point(), "utf-8")
    loaded = load(file)
    assert set(loaded.config.tasks) == {"starter", "notes", "brief"}
    assert loaded.notes == ()


def test_the_ideas_in_the_starting_point_work_without_their_comment_signs(tmp_path: Path) -> None:
    before, ideas = starting_point().split("# [models.qwen]")
    file = tmp_path / "poly.toml"
    file.write_text(before + "[models.qwen]" + ideas.replace("\n#", "\n").replace("\n ", "\n"), "utf-8")
    assert set(load(file).config.tasks) == {"starter", "notes", "brief", "chat", "translate"}
