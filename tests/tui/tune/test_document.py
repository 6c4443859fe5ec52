"""A configuration with another table for one task."""

import tomli
from hypothesis import given, strategies as st

from poly_tui.screens.tune.document import task_excerpt, with_task

FILE = '''\
# My configuration.
bind_address = "127.0.0.1:3000"   # local

[models.m]
model_path="x.gguf"   # odd spacing

# the lawyer
[tasks.legal]
model = "m"   # the model
temperature = 0.30 # low
stop_sequences = [
  "a", # first
  "b",
]

# what the lawyer reads
[tasks.legal.memorization]
memory = "laws"   # all of them

# the cook
[tasks.cook]
model = 'm'
prelude = """
You are a cook.
"""

[memories.laws]
embedding_model = "m"
'''

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=30)
LISTS = st.lists(TEXT.filter(bool), max_size=4)
SCHEMAS = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer"])}),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(TEXT, inner, max_size=3), "required": LISTS}
    ),
    max_leaves=6,
)
VALUES = st.fixed_dictionaries(
    {"model": TEXT},
    optional={
        "prelude": TEXT,
        "temperature": st.floats(0, 2) | st.integers(0, 2),
        "top_k": st.integers(0, 2**31 - 1),
        "stop_sequences": LISTS,
        "biaser": st.fixed_dictionaries({"json_schema": SCHEMAS}) | st.fixed_dictionaries({"regex": TEXT}),
        "memorization": st.fixed_dictionaries({"memory": TEXT}, optional={"retrieve": st.integers(1, 9)}),
    },
)
FAR_APART = """\
[tasks.legal]
model = "m"
# c
[models.m]
model_path = "x"

[tasks.cook]
model = "m" # x
[tasks.legal.biaser.json_schema]
type = "object" # s
[tasks.legal.biaser.json_schema.properties]
b = { type = "string" }
a = { type = "string" } # t
"""
LAYOUTS = [
    FILE,
    FILE.removesuffix("\n"),
    FILE.replace("\n", "\r\n"),
    # a table within one line
    '[models.m]\nmodel_path = "x"\n\n[tasks]\nlegal = { model = "m", top_k = 3 } # short\ncook = { model = "m" } # x\n',
    # dotted keys
    '[tasks]\nlegal.model = "m" # c\nlegal.memorization.memory = "laws"\ncook.model = "m" # x\n\n[models.m] # y\n',
    FAR_APART,
    # the task is not there yet
    '[models.m]\nmodel_path = "x"\n\n[tasks.cook]\nmodel = "m" # x\n# the end',
    'tasks = { cook = { model = "m" } } # x\n',
    "",
]


@given(st.sampled_from(LAYOUTS), VALUES)
def test_what_is_written_is_read_again_and_nothing_else_changes(text: str, values: dict[str, object]) -> None:
    changed = with_task(text, "legal", values)
    before, after = tomli.loads(text), tomli.loads(changed)
    assert repr(_inner(after["tasks"]["legal"])) == repr(_inner(values))
    before.setdefault("tasks", {}).pop("legal", None)
    after["tasks"].pop("legal")
    assert after == before


@given(VALUES, VALUES)
def test_lines_of_other_tables_stay_byte_for_byte_with_their_comments(
    first: dict[str, object], second: dict[str, object]
) -> None:
    head, tail = FILE.split("# the lawyer\n", maxsplit=1)[0], FILE[FILE.index("# the cook") :]
    changed = FILE
    for values in (first, second):
        changed = with_task(changed, "legal", values)
        assert changed.startswith(f"{head}# the lawyer\n[tasks.legal]\n")
        assert changed.endswith(tail)
        assert "# the model" in changed


@given(st.sampled_from(LAYOUTS))
def test_a_task_that_is_as_it_was_leaves_the_text_as_it_was(text: str) -> None:
    task = tomli.loads(text).get("tasks", {}).get("legal")
    if task is not None:
        assert with_task(text, "legal", task) == text


def test_a_changed_value_keeps_its_comment_and_its_place() -> None:
    task = tomli.loads(FILE)["tasks"]["legal"]
    changed = with_task(FILE, "legal", {**task, "temperature": 0.5})
    assert changed == FILE.replace("temperature = 0.30 # low", "temperature = 0.5 # low")


def test_a_new_key_comes_behind_the_others_and_before_the_comment_on_what_follows() -> None:
    task = tomli.loads(FILE)["tasks"]["legal"]
    changed = with_task(FILE, "legal", {**task, "top_k": 4})
    assert changed == FILE.replace('  "b",\n]\n', '  "b",\n]\ntop_k = 4\n')


def test_a_list_keeps_the_comments_of_what_stays() -> None:
    task = tomli.loads(FILE)["tasks"]["legal"]
    changed = with_task(FILE, "legal", {**task, "stop_sequences": ["a", "x", "b"]})
    assert '  "a", # first\n  "x",\n  "b",\n' in changed


def test_a_new_value_in_a_table_of_its_own_goes_there() -> None:
    task = tomli.loads(FILE)["tasks"]["legal"]
    changed = with_task(FILE, "legal", {**task, "memorization": {"memory": "laws", "retrieve": 3}})
    assert changed == FILE.replace("# all of them\n", "# all of them\nretrieve = 3\n")


def test_the_order_of_the_properties_of_a_schema_is_kept() -> None:
    schema = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}
    swapped = {"type": "object", "properties": dict(reversed(schema["properties"].items()))}  # type: ignore[attr-defined]
    task = {"model": "m", "biaser": {"json_schema": schema}}
    changed = with_task(with_task(FILE, "legal", task), "legal", {"model": "m", "biaser": {"json_schema": swapped}})
    assert list(tomli.loads(changed)["tasks"]["legal"]["biaser"]["json_schema"]["properties"]) == ["a", "b"]


def test_a_long_text_is_written_over_several_lines() -> None:
    changed = with_task(FILE, "cook", {"model": "m", "prelude": 'You cook.\n"Well", \\ you do.'})
    assert 'prelude = """\nYou cook.\n"Well", \\\\ you do."""\n' in changed


def test_an_excerpt_has_the_tables_of_the_task_and_their_comments() -> None:
    assert task_excerpt(FILE, "cook") == '[tasks.cook]\nmodel = \'m\'\nprelude = """\nYou are a cook.\n"""\n'
    assert task_excerpt(FILE, "legal").startswith('[tasks.legal]\nmodel = "m"   # the model\n')
    assert "[tasks.legal.memorization]\n" in task_excerpt(FILE, "legal")
    assert "cook" not in task_excerpt(FILE, "legal").replace("# the cook", "")


def _inner(value: object) -> object:
    """Tables in the order of their keys, but for the properties of schemas."""
    if isinstance(value, dict):
        return {key: value[key] if key == "properties" else _inner(value[key]) for key in sorted(value)}
    return [_inner(item) for item in value] if isinstance(value, list) else value
