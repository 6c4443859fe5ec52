"""Servers that do not do what they should, and what becomes of a turn: an error in words, and nothing is remembered."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from poly_engine.errors import (
    ContextExceeded,
    EngineClosed,
    EngineFailed,
    EngineUnreachable,
    InvalidRequest,
    InvalidSchema,
    ModelLoadFailed,
    Overloaded,
    PolyError,
)
from poly_engine.interface import Session
from poly_engine.types import Bias, Overrides, Thinking, Token, Turn
from tests.engine.conversation import hear
from tests.openai.misbehaving import (
    Answer,
    chunk,
    json_answer,
    openai_server,
    plain_answer,
    saying,
    stream,
)
from tests.openai.steps import engine, opened

PAGE = "<html><body><h1>It broke</h1></body></html>"
BUSY = json_answer({"error": {"message": "slow down"}}, 429, **{"Retry-After": "7"})
CASES: list[tuple[Answer, type[PolyError], str]] = [
    (stream(chunk("one"), chunk(" two"), is_whole=False), EngineUnreachable, "was lost before all was said"),
    (stream(chunk("one")), EngineUnreachable, "the answer has no end"),
    (stream(), EngineUnreachable, "the answer has no end"),
    (BUSY, Overloaded, "429: slow down"),
    (json_answer({"error": "loading"}, 503), Overloaded, "503: loading"),
    (plain_answer(PAGE, 500), EngineFailed, "answers 500: Internal Server Error$"),
    (plain_answer("upstream is gone", 502, "text/plain"), EngineUnreachable, "answers 502: upstream is gone"),
    (plain_answer("", 404, "text/plain"), EngineFailed, "answers 404: Not Found"),
    (json_answer({"detail": "Invalid API key"}, 401), EngineFailed, "401: Invalid API key; api_key or api_key_env"),
    (json_answer({"detail": [{"msg": "bad"}]}, 422), InvalidRequest, "422: .*bad"),
    (json_answer({}, 307, Location="http://else/"), EngineFailed, "sends us to http://else/, which is not followed"),
    (stream(chunk("one"), "{no json"), EngineFailed, "what it says is no JSON"),
    (stream("[1]"), EngineFailed, "what it says is no object"),
    (stream({"choices": [{"delta": {"content": 3}}]}), EngineFailed, "makes no sense in OpenAI's protocol"),
    (stream({"choices": [{"logprobs": {"content": 3}}]}), EngineFailed, "makes no sense in OpenAI's protocol"),
    (stream({"choices": 3}), EngineFailed, "makes no sense in OpenAI's protocol"),
    (stream(chunk("one"), {"error": {"message": "out of memory"}}), EngineFailed, "gave up: out of memory"),
    (stream(chunk("one"), chunk("", "content_filter")), EngineFailed, "for a reason of its own: content_filter"),
    (json_answer({"choices": []}), EngineFailed, "does not stream its answers"),
    (json_answer({"error": {"message": "no luck"}}), EngineFailed, "gave up: no luck"),
    (plain_answer(PAGE, 200), EngineFailed, "what it says is no JSON"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), CASES)
async def test_what_goes_wrong_is_told_in_words_and_not_remembered(
    answer: Answer, kind: type[PolyError], words: str
) -> None:
    async with openai_server(answer) as server, opened(server.url) as session:
        with pytest.raises(kind, match=words) as error:
            await hear(session, "hello")
        assert type(error.value) is kind
        assert session.turns == ()
        server.answers = [saying("well")]
        assert (await hear(session, "again")).text == "well"


async def test_a_busy_server_says_when_to_try_again() -> None:
    async with openai_server(BUSY) as server, opened(server.url) as session:
        with pytest.raises(Overloaded) as error:
            await hear(session, "hello")
    assert error.value.retry_after_s == 7
    assert len(server.asked) == 1


@pytest.mark.parametrize("pieces", [(), ("one",)])
async def test_a_server_that_says_nothing_more_is_given_up(pieces: tuple[str, ...]) -> None:
    async with openai_server() as server, opened(server.url, {"timeout": 0.2}) as session:
        server.answers = [server.held(*pieces)]
        with pytest.raises(EngineUnreachable, match="it does not answer in time"):
            await hear(session, "hello")
        assert session.turns == ()


async def test_where_there_is_no_server_the_model_is_not_loaded_and_says_why() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        async with engine(url) as home:
            with pytest.raises(ModelLoadFailed, match="cannot be reached: Connection refused"):
                await home.load("m")
            (model,) = await home.models()
    assert (model.state, model.path) == ("failed", url)
    assert model.problem is not None
    assert "cannot be reached" in model.problem


async def test_a_server_that_comes_back_is_used_again() -> None:
    async with openai_server(saying("well")) as server, engine(server.url) as home:
        server.list_models = plain_answer("", 502)
        with pytest.raises(ModelLoadFailed, match="502"):
            await home.load("m")
        server.list_models = None
        assert (await home.load("m")).state == "loaded"
        async with home.session("t") as session:
            assert (await hear(session, "hello")).text == "well"


async def test_a_server_without_counts_is_estimated() -> None:
    async with openai_server(saying("well")) as server, opened(server.url) as session:
        usage = (await hear(session, "four letters each")).done.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.context_size) == (5, 4, 0)


async def test_counts_are_those_of_the_server() -> None:
    counts = {"prompt_tokens": 40, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 32}}
    async with openai_server(saying("well", usage=counts)) as server:
        async with opened(server.url, {"context_size": 100}) as session:
            usage = (await hear(session, "hello")).done.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (40, 32, 3)
    assert (usage.context_tokens, usage.context_size) == (43, 100)


async def test_leaving_closes_the_connection_and_keeps_what_came() -> None:
    async with openai_server() as server, opened(server.url) as session:
        server.answers = [server.held("one", " two")]
        async with session.send("hello") as events:
            async for event in events:
                if isinstance(event, Token) and event.text == " two":
                    break
        await asyncio.wait_for(server.left.wait(), 10)
        assert session.turns == (Turn("hello", "one two"),)


async def test_closing_the_engine_ends_a_turn_that_the_server_did_not_begin() -> None:
    async with openai_server() as server, engine(server.url) as home:
        has_come = asyncio.Event()

        async def silent(_: web.Request) -> web.StreamResponse:
            has_come.set()
            await server.released.wait()
            raise web.HTTPNotFound

        server.answers = [silent]
        async with home.session("t") as session:
            asking = asyncio.create_task(hear(session, "hello"))
            await has_come.wait()
            await home.close()
            with pytest.raises(EngineClosed):
                await asking


async def test_closing_a_session_ends_a_turn_that_the_server_did_not_begin() -> None:
    async with openai_server() as server, engine(server.url) as home:
        has_come = asyncio.Event()

        async def silent(_: web.Request) -> web.StreamResponse:
            has_come.set()
            await server.released.wait()
            raise web.HTTPNotFound

        server.answers = [silent]
        session = home.session("t")
        await session.open()
        asking = asyncio.create_task(hear(session, "hello"))
        await has_come.wait()
        await session.close()
        with pytest.raises(EngineClosed, match="session was closed"):
            await asking


@pytest.mark.parametrize(
    "record", [{"code": "context_length_exceeded"}, {"message": "too much for the context window"}]
)
async def test_where_the_server_does_not_say_how_long_the_prompt_is_its_words_do(record: dict[str, object]) -> None:
    async with openai_server(json_answer({"error": record}, 400)) as server, opened(server.url) as session:
        with pytest.raises(ContextExceeded, match="does not fit the context of the model: ") as error:
            await hear(session, "hello")
    assert (error.value.n_tokens, error.value.context_size) == (0, 0)


TOO_LONG = [
    {"message": "This model's maximum context length is 64 tokens. However, your messages resulted in 99 tokens."},
    {"message": "the request exceeds the available context size", "n_prompt_tokens": 99, "n_ctx": 64},
    {"message": "the prompt has 99 tokens and the context of the model holds 64", "code": "context_length_exceeded"},
]


@pytest.mark.parametrize("error", TOO_LONG)
async def test_a_prompt_that_the_server_finds_too_long_is_said_to_be(error: dict[str, object]) -> None:
    async with openai_server(json_answer({"error": error}, 400)) as server, opened(server.url) as session:
        with pytest.raises(ContextExceeded) as raised:
            await hear(session, "hello")
    assert (raised.value.n_tokens, raised.value.context_size) == (99, 64)


async def test_turns_are_left_out_until_the_server_finds_the_prompt_short_enough() -> None:
    history = [Turn(f"question {number}", f"answer {number}") for number in range(8)]
    refused = json_answer({"error": TOO_LONG[0]}, 400)
    async with openai_server(refused, refused, saying("well")) as server, engine(server.url) as home:
        async with home.session("t", history=history) as session:
            heard = await hear(session, "and now?")
            assert len(session.turns) == 9
            await hear(session, "and then?")
    assert heard.truncated is not None
    assert heard.truncated.n_turns == 6
    assert [len(asked["messages"]) for asked in server.asked] == [17, 9, 5, 7]
    assert server.asked[2]["messages"][0] == {"role": "user", "content": "question 6"}


async def test_turns_are_left_out_beforehand_where_the_context_is_known() -> None:
    history = [Turn("a question of forty letters, " * 4, "an answer") for _ in range(8)]
    async with openai_server(saying("well")) as server, engine(server.url) as home:
        server.models = [{"id": "big", "max_model_len": 200}]
        async with home.session("t", history=history) as session:
            heard = await hear(session, "and now?")
        assert (await home.models())[0].context_size == 200
    assert heard.truncated is not None
    assert len(server.asked) == 1
    assert len(server.asked[0]["messages"]) == 17 - 2 * heard.truncated.n_turns


SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (saying('{"age": "old"}'), r"\$\.age: 'old' is not of type 'integer'"),
        (saying("I am 42."), "it is not JSON"),
        (saying('{"age": 4', reason="length"), "was cut off at the limit of tokens"),
        (saying(""), "it is not JSON"),
    ],
)
async def test_an_answer_that_does_not_fit_its_schema_is_an_error(answer: Answer, words: str) -> None:
    async with openai_server(answer) as server, opened(server.url) as session:
        with pytest.raises(EngineFailed, match=f"told to make the answer fit, and it .*{words}"):
            async with session.send("hello", schema=SCHEMA) as events:
                async for _ in events:
                    pass
        assert session.turns == ()
    assert server.asked[0]["response_format"]["json_schema"]["schema"] == SCHEMA


async def test_an_answer_that_fits_its_schema_is_one_however_it_is_written() -> None:
    async with openai_server(saying('\n{ "age" : 42 }')) as server, opened(server.url) as session:
        async with session.send("hello", schema=SCHEMA) as events:
            text = "".join([event.text async for event in events if isinstance(event, Token)])
    assert text == '\n{ "age" : 42 }'


PATTERN = {"type": "string", "pattern": "^[a-z]{2}-[0-9]{2}$"}


async def bound(session: Session, bias: Bias) -> str:
    """An answer that the server was told to make fit."""
    async with session.send("hello", schema=bias) as events:
        return "".join([event.text async for event in events if isinstance(event, Token)])


@pytest.mark.parametrize("text", ['"AB-12"', '"(ab-12)"'])
async def test_patterns_are_checked_too(text: str) -> None:
    async with openai_server(saying(text)) as server, opened(server.url) as session:
        with pytest.raises(EngineFailed, match="does not match"):
            await bound(session, Bias.of_schema(PATTERN))
        server.answers = [saying('"ab-12"')]
        assert await bound(session, Bias.of_schema(PATTERN)) == '"ab-12"'


async def test_a_server_that_refuses_to_bind_its_answer_is_quoted() -> None:
    refused = json_answer({"error": {"message": "response_format: unknown"}}, 400)
    async with openai_server(refused) as server, opened(server.url) as session:
        with pytest.raises(InvalidRequest, match="400: response_format: unknown"):
            async with session.send("hello", schema=SCHEMA):
                pass


@pytest.mark.parametrize("kind", ["regex", "lark", "gbnf", "choice"])
async def test_what_no_server_can_be_told_is_refused_in_words(kind: str) -> None:
    sources = {"regex": "a+", "lark": 'start: "a"', "gbnf": 'root ::= "a"', "choice": '["a"]'}
    async with openai_server(saying("a")) as server, opened(server.url) as session:
        with pytest.raises(InvalidSchema, match=f"cannot be told to bind an answer by {kind}"):
            async with session.send("hello", schema=Bias(kind, sources[kind])):  # type: ignore[arg-type]  # one of them
                pass
        assert server.asked == []


GBNF = Bias("gbnf", 'root ::= "a"+ "b"')


@pytest.mark.parametrize("text", ["aa", "aabb", ""])
async def test_a_grammar_is_told_to_a_server_that_knows_them_and_checked(text: str) -> None:
    async with openai_server(saying(text)) as server, opened(server.url, {"server": "llama-server"}) as session:
        with pytest.raises(EngineFailed, match="does not fit the gbnf"):
            await bound(session, GBNF)
        server.answers = [saying("aab")]
        assert await bound(session, GBNF) == "aab"
    assert server.asked[0]["grammar"] == GBNF.source


async def test_what_a_model_thinks_is_no_part_of_its_answer() -> None:
    thoughts = [{"choices": [{"delta": {"reasoning_content": text}}]} for text in ("hm", "mm")]
    answer = stream(*thoughts, chunk("well"), chunk("", "stop"))
    async with openai_server(answer) as server, opened(server.url) as session:
        heard = await hear(session, "hello")
        assert session.turns == (Turn("hello", "well"),)
    assert [event.text for event in heard.events if isinstance(event, Thinking)] == ["hm", "mm"]
    assert heard.done.usage.thinking_tokens == 2


async def test_a_stop_sequence_ends_an_answer_although_the_server_goes_on() -> None:
    async with openai_server() as server, opened(server.url, stop_sequences=["END"]) as session:
        server.answers = [server.held("well", " EN", "D and so on")]
        heard = await hear(session, "hello")
        await asyncio.wait_for(server.left.wait(), 10)
    assert heard.text == "well "
    assert heard.done.finish_reason == "stop"
    assert server.asked[0]["stop"] == ["END"]


async def test_private_texts_are_not_shown() -> None:
    async with openai_server(saying("a <secret>b")) as server:
        async with opened(server.url, private_tokens=["<secret>"]) as session:
            assert (await hear(session, "hello")).text == "a b"


async def test_tokens_bring_their_log_probabilities() -> None:
    top = [{"token": "we", "logprob": -0.5, "bytes": None}, {"token": "I", "logprob": -1.5, "bytes": [73]}]
    content = [{"token": "we", "logprob": -0.5, "bytes": [119, 101], "top_logprobs": top}]
    content.append({"token": "ll", "logprob": -0.25, "bytes": None, "top_logprobs": []})
    answer = stream(chunk("well", logprobs={"content": content}), chunk("", "stop"))
    async with openai_server(answer) as server, opened(server.url) as session:
        heard = await hear(session, "hello", Overrides(logprobs=2))
    tokens = [event for event in heard.events if isinstance(event, Token)]
    assert [(token.text, token.logprobs and token.logprobs.logprob) for token in tokens] == [
        ("we", -0.5),
        ("ll", -0.25),
    ]
    assert tokens[0].logprobs is not None
    assert [(one.text, one.piece) for one in tokens[0].logprobs.alternatives] == [("we", (119, 101)), ("I", (73,))]
    assert server.asked[0]["top_logprobs"] == 2
