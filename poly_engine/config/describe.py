"""The configuration for people and editors: its JSON schema, the values in effect, and a file to begin with."""

import re
from collections.abc import Mapping

import tomlkit
from pydantic import SecretStr
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from tomlkit import TOMLDocument
from tomlkit.items import Table

from poly_engine.config.load import BUILTIN
from poly_engine.config.models import ModelConfig
from poly_engine.config.root import Config
from poly_engine.config.section import Section, second_names
from poly_engine.config.tasks import PLAIN_SETTINGS, TaskConfig

__all__ = ["render", "schema", "starting_point"]


def schema() -> dict[str, object]:
    """The JSON schema of a configuration file, by which an editor can complete and check it."""
    described = Config.model_json_schema(schema_generator=_TomlSchema)
    for section in Section.__subclasses__():
        properties = described["$defs"].get(section.__name__, described)["properties"]
        properties.update({second: properties[first] for second, first in second_names(section).items()})
    return {"$schema": GenerateJsonSchema.schema_dialect, **described}


class _TomlSchema(GenerateJsonSchema):
    """TOML has no null: a key without a value is left out."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - the interface
        return False  # titles would only repeat the keys


def render(config: Config) -> str:
    """Every value that is in effect, as TOML with the secrets masked. What is not set appears as a comment."""
    document = tomlkit.document()
    _add_values(document, config, config)
    for kind in ("models", "tasks", "memories"):
        tables = tomlkit.table(is_super_table=True)
        for name, section in getattr(config, kind).items():
            table = tomlkit.table()
            _add_values(table, section, config)
            tables.add(name, table)
        if tables:
            document.add(kind, tables)
    return tomlkit.dumps(document)


def _add_values(table: TOMLDocument | Table, section: Section, config: Config) -> None:
    for key in _effective_keys(section, config):
        value = getattr(section, key)
        if value is None:
            table.add(tomlkit.comment(f"{key} is not set"))
        else:
            table.add(key, _toml(value, key))


def _effective_keys(section: Section, config: Config) -> list[str]:
    ineffective = {"models", "tasks", "memories", "architecture"}  # the first three are rendered as tables
    if isinstance(section, TaskConfig) and section.samplers is not None:
        ineffective.update(PLAIN_SETTINGS)
    if isinstance(section, TaskConfig) and config.models[section.model].is_remote:
        ineffective.update(set(PLAIN_SETTINGS) - section.model_fields_set)  # the server decides
    if isinstance(section, ModelConfig):
        ineffective.update(section.ineffective)
    return [key for key in type(section).model_fields if key not in ineffective]


def _toml(value: object, key: str) -> object:
    if isinstance(value, SecretStr):
        return _MASK
    if isinstance(value, Section):
        inner = {key: getattr(value, key) for key in type(value).model_fields}
        return _toml({key: value for key, value in inner.items() if value is not None}, key)
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update({name: _toml(item, name) for name, item in value.items()})
        return inline
    if isinstance(value, list | tuple):
        return [_toml(item, key) for item in value]
    if isinstance(value, str) and key == "url":
        return _masked_url(value)
    return value


_MASK = "********"


def _masked_url(url: str) -> str:
    """A URL less the user before the host and the values after the question mark: either may hold a password."""
    without_user = re.sub(r"//[^/?#]*@", f"//{_MASK}@", url)
    return re.sub(r"(?<==)[^&#]+", _MASK, without_user)


def starting_point() -> str:
    """A configuration to begin with, which works as it is."""
    ideas = "".join(f"# {line}".rstrip() + "\n" for line in _IDEAS.splitlines())
    return "\n".join([_INTRODUCTION, BUILTIN.read_text("utf-8"), _EXAMPLE, ideas])


_INTRODUCTION = """\
# The configuration of Poly. `poly config check` says what is wrong with it, `poly config show` what is in effect,
# and config.example.toml, in Poly's repository, shows every key.
"""

_EXAMPLE = """\
# A task is a model used in one specific way. This one is answered by `poly run brief "What is a memory?"`.
[tasks.brief]
model = "starter"
description = "Short answers, the same ones each time."
temperature = 0
repeat_penalty = 1.0
max_tokens = 40
"""

_IDEAS = """\
A real model: `poly model add qwen3-4b` fetches one and puts it here. Or take away the "# " before these lines, and name
the file that you have.

[models.qwen]
model_path = "~/models/qwen2.5-7b-instruct-q4_k_m.gguf"
use_gpu = true

[tasks.chat]
model = "qwen"
system = "You answer briefly, and say so when you do not know."
repeat_penalty = 1.05

[tasks.translate]
model = "qwen"
system = "Translate what the user says into English. Answer with the translation alone."
temperature = 0.2
repeat_penalty = 1.0
"""
