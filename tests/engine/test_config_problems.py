"""Every mistake in a configuration is named at once: where it is, what is wrong, and what would be right."""

from pathlib import Path

import pytest
import tomli
from hypothesis import given, strategies as st
from pydantic import ValidationError

from poly_engine.config import Config, MemoryConfig, ModelConfig, Store, TaskConfig, load
from poly_engine.errors import ConfigError

GOOD = """
[models.m]
model_path = "m.gguf"
[tasks.t]
model = "m"
[memories.l]
embedding_model = "m"
"""


def problems(tmp_path: Path, toml: str) -> tuple[str, ...]:
    file = tmp_path / "poly.toml"
    file.write_text(toml, "utf-8")
    with pytest.raises(ConfigError) as error:
        load(file)
    return error.value.problems


def test_a_model_of_a_server_needs_its_url(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "[models.m]\nengine = 'openai'")
    assert problem.startswith("models.m: needs url, where the server is")


@pytest.mark.parametrize(
    ("key", "value"),
    [("keep_alive", "'5m'"), ("warm", "true"), ("require_gpu", "true"), ("gpu_split", "'row'"), ("main_gpu", "1")],
)
def test_a_model_of_a_server_is_not_held_in_the_memory_of_this_machine(tmp_path: Path, key: str, value: str) -> None:
    (problem,) = problems(tmp_path, f"[models.m]\nengine = 'openai'\nurl = 'http://h/v1'\n{key} = {value}")
    assert problem.startswith(f"models.m.{key}: is for a file that this machine computes, and engine")


def test_three_mistakes_are_all_named(tmp_path: Path) -> None:
    toml = """
        [models.qwen]
        model_path = "q.gguf"
        use_gpu = "yes"
        [tasks.chat]
        model = "qwem"
        temprature = 0.5
    """
    assert problems(tmp_path, toml) == (
        "models.qwen.use_gpu: must be true or false, not text in quotes",
        "tasks.chat.temprature: unknown key (did you mean temperature?)",
        "tasks.chat.model: there is no model of that name (did you mean qwen?)",
    )


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("bind_adress = ':1'", "bind_adress: unknown key (did you mean bind_address?)"),
        ("[model.m]", "model: unknown key (did you mean models?)"),
        ("[models.m]\nurl = 'http://h/m'\nmodl_path = 'm'", "modl_path: unknown key (did you mean model_path?)"),
        ("[models.m]\nurl = 'http://h/m'\nthread = 2", "models.m.thread: unknown key (did you mean threads?)"),
        ("[tasks.t]\nmodel = 'm'\nprefx = 'x'", "tasks.t.prefx: unknown key (did you mean prefix?)"),
        ("[tasks.t]\nmodel = 'm'\nbiaser = { json_shema = {} }", "json_shema: unknown key (did you mean json_schema"),
        ("[tasks.t]\nmodel = 'm'\nmemorization = { retrive = 3 }", "retrive: unknown key (did you mean retrieve?)"),
        ("[memories.'a b']\nchunk_size = 3", 'memories."a b".chunk_size: unknown key (did you mean '),
        ("[memories.l]\nstore = { qdrent = {} }", "memories.l.store.qdrent: unknown key (did you mean qdrant?)"),
        ("[memories.l]\nstore = { file = { pth = '' } }", "store.file.pth: unknown key (did you mean path?)"),
        ("jwt_private_key = { symetric = 's' }", "jwt_private_key.symetric: unknown key (did you mean symmetric?)"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path, toml: str, problem: str) -> None:
    assert any(problem in line for line in problems(tmp_path, toml))


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("max_memory = '8 gigs'", 'max_memory: must be bytes, a text such as "8GB" or "512MiB", or a share'),
        ("max_memory = '120%'", "max_memory: must be bytes"),
        ("max_memory = 0", "max_memory: must be bytes"),
        ("[models.m]\nurl = 'http://h/m'\nkeep_alive = 'ever'", 'keep_alive: must be seconds, a text such as "90s"'),
        ("[models.m]\nurl = 'http://h/m'\nkeep_alive = -1", 'keep_alive: must be seconds, a text such as "90s"'),
        (
            "[models.m]\nurl = 'http://h/m'\ngpu_layers = 'many'",
            'models.m.gpu_layers: must be a number of layers, from 0 on, or "all"',
        ),
        (
            "[models.m]\nurl = 'http://h/m'\nrequire_gpu = true\nuse_gpu = false",
            "models.m.use_gpu: must not be false where require_gpu is set",
        ),
        ("[models.m]\nurl = 'http://h/m'\nkeep_alive = true", 'keep_alive: must be seconds, a text such as "90s"'),
        ("[models.m]\nurl = 'http://h/m'\ngpu_split = 'both'", "models.m.gpu_split: must be 'layer', 'row' or 'none'"),
    ],
)
def test_what_a_model_cannot_be_held_by_is_said_in_words(tmp_path: Path, toml: str, problem: str) -> None:
    (told,) = problems(tmp_path, toml)
    assert problem in told


@pytest.mark.parametrize(
    ("table", "line", "problem"),
    [
        ("models.m", "context_size = 4", "context_size: must be at least 8, not 4"),
        ("models.m", "context_size = 8.5", "context_size: must be a whole number, not one with a decimal point"),
        ("models.m", "parallel = 300", "parallel: must be at most 256, not 300"),
        ("models.m", "lora_adapters = 'a'", "lora_adapters: must be a list, not text in quotes"),
        ("models.m", "lora_adapters = ['a', 3]", "lora_adapters[1]: must be text in quotes, not a whole number"),
        ("models.m", "url = 'ftp://h/m'", "url: must be a URL that begins with https:// or http://"),
        ("models.m", "threads = 0", "threads: must be at least 1, not 0"),
        ("models.m", "threads = 2\nthreads_per_session = 2", "threads: is another name for threads_per_session"),
        ("models.m", "api_key = 'k'", 'api_key: is for models of a server: add engine = "openai", or leave it out'),
        (
            "models.m",
            "engine = 'openai'",
            'model_path: is for a file that this machine computes, and engine = "openai"',
        ),
        ("models.m", "engine = 'ollama'", "engine: must be 'llama.cpp' or 'openai'"),
        ("models.m", "engine = 'openai'\nurl = 'hf:a/b'", "url: must be the URL of a server, such as http://127"),
        ("models.m", "engine = 'openai'\nurl = 'http://u:p@h/v1'", "url: must hold neither a user nor a query"),
        ("models.m", "engine = 'openai'\napi_key = 'k'\napi_key_env = 'K'", "api_key_env: takes the place of api_key"),
        ("models.m", "engine = 'openai'\nurl = 'http://h/v1'\nuse_gpu = true", "use_gpu: is for a file that this"),
        ("tasks.t", "max_tokens = 0", "max_tokens: must be at least 1, not 0"),
        ("tasks.t", "max_tokens = true", "max_tokens: must be a whole number, not true"),
        ("tasks.t", "temperature = 'hot'", "temperature: must be a number, not text in quotes"),
        ("tasks.t", "temperature = -0.1", "temperature: must be at least 0, not -0.1"),
        ("tasks.t", "temperature = nan", "temperature: must be a number that is neither infinite nor nan"),
        ("tasks.t", "top_p = 0", "top_p: must be more than 0, not 0"),
        ("tasks.t", "top_p = 1.5", "top_p: must be at most 1, not 1.5"),
        ("tasks.t", "repeat_penalty = 0", "repeat_penalty: must be at least 0.01, not 0"),
        ("tasks.t", "seed = 4294967295", "seed: must be at most 4294967294, not 4294967295"),
        ("tasks.t", "stop_sequences = ['a', '']", "stop_sequences[1]: must not be empty"),
        ("tasks.t", "private_tokens = ['']", "private_tokens[0]: must not be empty"),
        ("tasks.t", "template = 'chatml'", 'template: must be "auto", "none", or a jinja2 template'),
        ("tasks.t", "template = '{{ x }}'\nprefix = ''", "template: cannot be used beside prefix, by"),
        ("tasks.t", "system = 's'\nprelude = 'p'\npostfix = 'p'", "system: cannot be used beside prelude and postfix"),
        ("tasks.t", "system = 's'\ntemplate = 'none'", 'system: is for chat templates, and template = "none"'),
        ("tasks.t", "samplers = []\ntop_k = 40\nmin_p = 0", "samplers: takes the place of top_k and min_p"),
        ("tasks.t", "samplers = ['topk', 'tpk']", 'samplers[1]: "tpk": there is no sampler "tpk" (did you mean'),
        ("tasks.t", "samplers = ['mirostat2', 'topk']", "samplers: mirostat2 narrows the choice by itself"),
        ("tasks.t", "biaser = {}", "biaser: needs exactly one of json_schema, json_schema_file, choice"),
        (
            "tasks.t",
            "biaser = { json_schema = {}, json_schema_file = 'f' }",
            "biaser: needs exactly one of json_schema,",
        ),
        (
            "tasks.t",
            "biaser = { json_schema = { items = { not = {} } } }",
            "biaser.json_schema.items: not: not supported",
        ),
        ("tasks.t", "biaser = { json_schema = { max_length = -1 } }", "biaser.json_schema"),
        ("tasks.t", "biaser = { json_schema_file = 'nowhere.json' }", "biaser.json_schema_file: "),
        ("tasks.t", "biaser = { regex = '(' }", "biaser.regex: "),
        ("tasks.t", "biaser = { lark = 'start: nothing' }", "biaser.lark: "),
        ("tasks.t", "biaser = { gbnf = 'root ::= (' }", "biaser.gbnf: "),
        ("tasks.t", "biaser = { choice = [] }", "biaser.choice: a choice is a list of texts"),
        ("tasks.t", "biaser = { json_schema = { const = 2020-01-01 } }", "biaser.json_schema: holds a date or time"),
        ("tasks.t", "biaser = { json_schema = { const = inf } }", "biaser.json_schema: holds a number that is inf"),
        ("tasks.t", "memorization = { memory = 'k' }", "memorization.memory: there is no memory of that name"),
        ("tasks.t", "memorization = {}", "memorization.memory: is missing"),
        ("memories.l", "pre_filter = ['a', '(']", "pre_filter[1]: is not a regular expression of Python: missing )"),
        ("memories.l", "pre_filter = ['[[:alpha:]]']", "pre_filter[0]: is not a regular expression of Python"),
        ("memories.l", "store = {}", "store: needs exactly one of file, qdrant and pgvector"),
        ("memories.l", "store = { hora = {}, file = {} }", "store.hora: is another name for file"),
        ("memories.l", "store = { hora = {}, qdrant = {} }", "store.qdrant.collection: is missing"),
        ("memories.l", "store = { pgvector = { url = 'http://h' } }", "store.pgvector.url: must be a URL that begins"),
    ],
)
def test_a_wrong_value_is_named_in_words(tmp_path: Path, table: str, line: str, problem: str) -> None:
    found = problems(tmp_path, GOOD.replace(f"[{table}]", f"[{table}]\n{line}"))
    assert any(line.startswith(f"{table}.{problem}") for line in found), found


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("bind_address = '3000'", "bind_address: must be host and port, such as"),
        ("bind_address = '::1:3000'", "bind_address: must be host and port, such as"),
        ("bind_address = 'h:99999'", "bind_address: must be host and port, such as"),
        ("max_concurrent = 0", "max_concurrent: must be at least 1, not 0"),
        ("allowed_keys = ['']", "allowed_keys[0]: must not be empty"),
        ("allowed_keys = [{ name = '', key = 'k' }]", "allowed_keys[0].name: must not be empty"),
        ("allowed_keys = [{ name = 'ci', kye = 'k' }]", "allowed_keys[0].kye: unknown key (did you mean key?)"),
        ("jwt_private_key = { symmetric = '' }", "jwt_private_key.symmetric: must not be empty"),
        ("tasks = 3", "tasks: must be a table, not a whole number"),
        ("[[tasks]]", "tasks: must be a table, not a list"),
        ("[tasks]\nt = 3", "tasks.t: must be a table, not a whole number"),
        ("[models.m]", "models.m: needs model_path, the path of a GGUF file, or url"),
        ("[models.m]\nmodel_path = 'poly:big'", 'models.m.model_path: "poly:starter" is the only model'),
        ("[models.m]\nmodel_path = ''", "models.m.model_path: must be the path of a file"),
        ("[models.m]\nmodel_path = '~nobody-of-that-name/m'", "the home folder of ~nobody-of-that-name is not known"),
        ("[models.'']\nmodel_path = 'm'", 'models."": is no name'),
        ("[tasks.t]", "tasks.t.model: is missing"),
        ("[memories.l]\nembedding_model = 'm'", "memories.l.embedding_model: there is no model of that name"),
    ],
)
def test_a_wrong_table_is_named_in_words(tmp_path: Path, toml: str, problem: str) -> None:
    assert any(problem in line for line in problems(tmp_path, toml))


def test_names_that_do_not_exist_are_named_even_where_the_values_are_wrong(tmp_path: Path) -> None:
    toml = """
        [models.m]
        parallel = 0
        [tasks.t]
        model = "n"
        top_k = "x"
        samplers = ["tpk"]
    """
    assert [line.split(":")[0] for line in problems(tmp_path, toml)] == [
        "models.m.parallel",
        "models.m",
        "tasks.t.top_k",
        "tasks.t.samplers",
        "tasks.t.samplers[0]",
        "tasks.t.model",
    ]


def test_a_key_that_is_no_text_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    assert problems(tmp_path, "allowed_keys = [123456]") == (
        "allowed_keys[0]: must be text in quotes, not a whole number",
    )


def test_each_problem_is_one_line_even_if_a_name_has_several(tmp_path: Path) -> None:
    assert all("\n" not in line for line in problems(tmp_path, '[tasks."a\\nb"]\n"c\\nd" = 1'))


def test_what_a_program_builds_is_checked_like_a_file() -> None:
    model = ModelConfig(model_path="m.gguf")
    assert Config(models={"m": model}, tasks={"t": TaskConfig(model="m")}).tasks["t"].model == "m"
    with pytest.raises(ValidationError, match="there is no model of that name"):
        Config(models={"m": model}, tasks={"t": TaskConfig(model="n")})
    with pytest.raises(ValidationError, match="takes the place of top_k"):
        TaskConfig(model="m", samplers=("topk",), top_k=3)


SECTIONS = (Config, ModelConfig, TaskConfig, MemoryConfig, Store)
KEYS = st.sampled_from(["x", "hora", *(key for section in SECTIONS for key in section.model_fields)])
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.dates() | st.sampled_from(["m", "topk"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES | st.dictionaries(st.just("m"), st.dictionaries(KEYS, VALUES)), max_size=5))
def test_whatever_a_file_holds_is_a_configuration_or_told_in_our_own_words(tree: dict[str, object]) -> None:
    try:
        Config.model_validate(tree, context=Path("/"))
    except ValidationError as error:
        for details in error.errors(include_url=False):
            assert details["type"] == "in_words"
            assert not details["msg"].startswith(("Input should", "Value error"))


def test_the_good_file_is_good() -> None:
    assert Config.model_validate(tomli.loads(GOOD)).memories["l"].embedding_model == "m"
