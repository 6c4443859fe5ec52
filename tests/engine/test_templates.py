"""Chat templates are programs of strangers: they are run in a sandbox, and whatever they do is an error in words."""

from pathlib import Path

import pytest

from poly_engine.errors import InvalidRequest
from poly_engine.prompts import Answered, Asked, Exchange, Said, Segment, Written
from poly_engine.template import ChatTemplate
from tests.engine.conversation import hear, opened
from tests.gguf_models import make_chain

ROLES = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"


def segments(source: str, prompt: str = "hi", *exchanges: Exchange, system: Written | None = None) -> list[Segment]:
    return ChatTemplate(source, system, {"bos_token": "<s>", "eos_token": "</s>"}).segments(exchanges, Asked(prompt))


def test_a_conversation_is_taken_apart_by_who_said_what() -> None:
    exchange = Exchange("one", "two", (Answered((7, 8)),))
    assert segments(ROLES, "three", exchange, system=Written("be brief")) == [
        Written("[system]"),
        Written("be brief"),
        Written("[user]"),
        Said("one"),
        Written("[assistant]"),
        Answered((7, 8)),
        Written("[user]"),
        Said("three"),
    ]


@pytest.mark.parametrize("prompt", ["{{ 7 * 7 }}", "{% raw %}", "\ufdd00\ufdd1", "\x00", "", "\ud800", "[user]"])
def test_what_is_said_is_never_part_of_the_template(prompt: str) -> None:
    assert segments(ROLES, prompt) == [Written("[user]"), Said(prompt)]


def test_content_may_be_trimmed_indented_and_searched_by_the_template() -> None:
    source = (
        "{% for m in messages %}{% if '<think>' not in m.content %}{{ m['content'] | trim }}{% endif %}{% endfor %}"
    )
    assert segments(source, "  hi ") == [Said("  hi ")]


def test_a_template_finds_what_transformers_gives_it() -> None:
    source = (
        "{{ bos_token }}{{ messages[0].content }}{% if add_generation_prompt %}A:{% endif %}{{ strftime_now('%Y') }}"
    )
    begin, said, end = segments(source)
    assert (begin, said) == (Written("<s>"), Said("hi"))
    assert isinstance(end, Written)
    assert end.text.startswith("A:20")


def test_a_template_may_calculate_and_draw_lines() -> None:
    assert segments("{{ '-' * 10 }}{{ 3 * 4 }}{{ messages[0].content }}") == [Written("-" * 10 + "12"), Said("hi")]


def test_json_keeps_its_characters() -> None:
    assert segments("{{ 'é<' | tojson }}{{ messages | tojson }}", "wörld") == [
        Written('"é<"[{"role": "user", "content": "'),
        Said("wörld"),
        Written('"}]'),
    ]


def test_a_template_may_write_what_we_mark_texts_with() -> None:
    source = "{{ messages[0].content }}\ufdd07\ufdd1\ufdd0" + "9" * 5000 + "\ufdd1"
    assert Said("hi") in segments(source)


def test_a_template_that_raises_refuses_the_conversation() -> None:
    with pytest.raises(InvalidRequest, match="refuses this conversation: only one turn"):
        source = (
            "{% if messages | length > 1 %}{{ raise_exception('only one turn') }}{% endif %}{{ messages[0].content }}"
        )
        segments(source, "hi", Exchange("a", "b", (Said("b"),)))


@pytest.mark.parametrize("source", ["{% for m in messages %}{{ m.role }}{% endfor %}", "", "{{ messages | length }}"])
def test_a_template_that_leaves_out_what_the_user_says_is_refused(source: str) -> None:
    with pytest.raises(InvalidRequest, match="leaves out what the user says"):
        segments(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% for %}",
        "{{ messages[0].content",
        "{% include 'x' %}",
        "{{ " + "(" * 5000 + ")" * 5000 + " }}",
        "".join(f"{{% for a{i} in messages %}}" for i in range(60)) + "{% endfor %}" * 60,
        "{{ 1 | no_such_filter }}",
        "{% extends '/etc/passwd' %}",
    ],
)
def test_a_template_that_does_not_parse_is_refused(source: str) -> None:
    with pytest.raises(InvalidRequest, match="the chat template of the model"):
        segments(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 1 / 0 }}",
        "{{ 1 + 'a' }}",
        "{{ [][3].x.y }}",
        "{{ 'a'.encode('no such codec') }}",
        "{{ 'ä'.encode('ascii') }}",
        "{{ range(10**9) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 2 ** 99999999999999999999.0 }}",
        "{{ 'a' * 999999999999 }}",
        "{{ 999999999999 * [1] }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update(role='x') }}",
        "{{ no_such_thing.attribute }}",
        "{{ '%d' % 'a' }}",
        "{{ strftime_now(1) }}",
    ],
)
def test_whatever_goes_wrong_in_a_template_is_one_line_in_words(source: str) -> None:
    with pytest.raises(InvalidRequest, match="the chat template of the model") as error:
        segments(source + "{{ messages[0].content }}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__[1].__subclasses__()",
        "messages.__class__.__base__.__subclasses__()",
        "raise_exception.__globals__",
        "strftime_now.__globals__['datetime']",
        "cycler.__init__.__globals__.os.popen('id').read()",
        "lipsum.__globals__['os'].system('id')",
        "self.__init__.__globals__",
        "joiner | attr('__init__') | attr('__globals__')",
        "'{0.__class__.__mro__}'.format(1)",
        "('{0.__cla' + 'ss__}').format(messages)",
        "'%s'.format_map({'a': 1}).__class__",
        "namespace(a=1).__class__.__init__.__globals__",
        "messages | map(attribute='__class__') | list | string",
        "({}|attr('__class__')).__base__",
    ],
)
def test_a_template_cannot_look_behind_its_values(expression: str) -> None:
    try:
        parts = segments(f"{{{{ {expression} }}}}{{{{ messages[0].content }}}}")
    except InvalidRequest:
        parts = []
    shown = "".join(part.text for part in parts if isinstance(part, Written))
    assert not any(word in shown for word in ("class", "object", "module", "function", "uid="))


async def test_a_template_that_fails_is_told_when_the_session_opens_or_speaks(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["yes"])
    with pytest.raises(InvalidRequest, match="cannot be used"):
        async with opened(path, template="{% if %}"):
            pass
    async with opened(path, template="{{ raise_exception('no more') }}") as session:
        with pytest.raises(InvalidRequest, match="no more"):
            await hear(session, "hi")
        assert session.turns == ()


async def test_a_task_can_bring_a_template_of_its_own(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "m.gguf", ["yes"])
    async with opened(path, template="{% for m in messages %}{{ m.content }}{% endfor %}>") as session:
        heard = await hear(session, "hi")
    assert heard.text == "yes"
    assert heard.done.usage.prompt_tokens == len("hi>")
