"""The store in a Qdrant collection when the server is gone, mute, slow, or another program."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TypeAlias

import httpcore
import httpx
import pytest

from poly_engine.errors import InvalidRequest, MemoryUnavailable
from poly_engine.memory.qdrant import QdrantStore
from poly_engine.memory.qdrant.transport import TimedTransport
from tests.memory.qdrant_server import QdrantServer
from tests.memory.stores import MODEL, near, put

TIMEOUT_S = 0.4
IN_TIME_S = TIMEOUT_S + 1  # for a loaded machine; what has no deadline takes minutes

Behaviour: TypeAlias = Callable[[socket.socket, threading.Event], None]
"""What a server does with a connection, of which the request was read; until the event."""


def answering(answer: bytes, status: str = "200 OK", *headers: str) -> Behaviour:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(answer)}", *headers, "", ""]

    def behave(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall("\r\n".join(lines).encode() + answer)

    return behave


def dribbling(beginning: bytes) -> Behaviour:
    def behave(connection: socket.socket, is_over: threading.Event) -> None:
        connection.sendall(beginning)
        while not is_over.wait(TIMEOUT_S / 20):
            connection.sendall(b"x")

    return behave


def mute(_: socket.socket, is_over: threading.Event) -> None:
    is_over.wait()


def resetting(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"result":')
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hanging_up(_: socket.socket, __: threading.Event) -> None: ...


BEHAVIOURS: dict[str, Behaviour] = {
    "mute": mute,
    "hangs up": hanging_up,
    "reset in the middle": resetting,
    "slow body": dribbling(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
    "slow headers": dribbling(b"HTTP/1.1 200 OK\r\nx-long: "),
    "slow status": dribbling(b"HTTP"),
    "no HTTP": lambda connection, _: connection.sendall(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00 SSH-2.0\r\n\r\n"),
    "no JSON": answering(b"<html>Welcome to nginx!</html>"),
    "no text": answering(b"\xff\xfe\x00"),
    "deep JSON": answering(b"[" * 200_000),
    "half of JSON": answering(b'{"result": {"exists": tr'),
    "no result": answering(b'{"status": "ok", "time": 0.1}'),
    "other JSON": answering(b'{"result": [[1, 2]], "status": "ok", "time": 0.1}'),
    "no gzip": answering(b"{}", "200 OK", "content-encoding: gzip"),
    "500": answering(b"\xff oops", "500 Internal Server Error"),
    "503": answering(b'{"status": {"error": "starting"}}', "503 Service Unavailable"),
    "401": answering(b"Must provide an API key or an Authorization bearer token", "401 Unauthorized"),
    "404": answering(b'{"status": "not found"}', "404 Not Found"),
    "429": answering(b"{}", "429 Too Many Requests", "retry-after: 3"),
    "429 at some time": answering(b"[]", "429 Too Many Requests", "retry-after: soon"),
    "elsewhere": answering(b"", "302 Found", "location: http://127.0.0.1:1/"),
}


@contextmanager
def broken_server(url: str, behave: Behaviour) -> Iterator[None]:
    """Listens at `url`, and does the same with every connection."""
    is_over = threading.Event()
    host, port = url.removeprefix("http://").split(":")
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client may have gone
            connection.recv(1 << 20)
            behave(connection, is_over)

    def accept(listener: socket.socket) -> None:
        while not is_over.is_set():
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    with socket.create_server((host, int(port))) as listener:
        listener.settimeout(0.02)
        threads.append(threading.Thread(target=accept, args=(listener,)))
        threads[0].start()
        try:
            yield
        finally:
            is_over.set()
            for thread in threads:
                thread.join()


def assert_unavailable_in_time(store: QdrantStore, url: str) -> None:
    deeds: list[Callable[[], object]] = [
        lambda: QdrantStore(url, "notes", MODEL, timeout_s=TIMEOUT_S),
        lambda: near(store, 0),
        store.documents,
        lambda: put(store, "b.txt", ["two"]),
    ]
    for deed in deeds:
        began = time.monotonic()
        with pytest.raises(MemoryUnavailable, match=f"^the collection notes at {url} "):
            deed()
        assert time.monotonic() - began < IN_TIME_S


@pytest.fixture
def store(qdrant: QdrantServer) -> Iterator[QdrantStore]:
    with closing(QdrantStore(qdrant.url, "notes", MODEL, timeout_s=TIMEOUT_S)) as store:
        put(store, "a.txt", ["one"])
        yield store


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_whatever_a_server_does_is_told_in_time_and_over_when_it_is_well_again(
    name: str, store: QdrantStore, qdrant: QdrantServer
) -> None:
    qdrant.stop()
    with broken_server(qdrant.url, BEHAVIOURS[name]):
        assert_unavailable_in_time(store, qdrant.url)
    qdrant.start()
    assert near(store, 0) == ["one"]
    put(store, "b.txt", ["two"], 1)
    assert near(store, 1) == ["two"]
    assert store.faults() == []


def test_a_server_that_is_not_there_is_told_and_found_when_it_comes_back(
    store: QdrantStore, qdrant: QdrantServer
) -> None:
    qdrant.stop()
    assert_unavailable_in_time(store, qdrant.url)
    qdrant.start()
    assert near(store, 0) == ["one"]


def test_a_server_that_was_started_again_between_two_calls_is_not_noticed(
    store: QdrantStore, qdrant: QdrantServer
) -> None:
    for _ in range(3):
        assert near(store, 0) == ["one"]
        qdrant.stop()
        qdrant.start()


def test_no_message_tells_the_key(qdrant: QdrantServer) -> None:
    qdrant.stop()
    url = qdrant.url.replace("//", "//me:hunter2@") + "?api_key=hunter2"
    with pytest.raises(MemoryUnavailable) as refusal:
        QdrantStore(url, "notes", MODEL, timeout_s=TIMEOUT_S)
    assert "hunter2" not in str(refusal.value)
    qdrant.start()


@pytest.mark.parametrize(
    ("url", "collection"),
    [("http://localhost:port", "notes"), ("ftp://localhost", "notes"), ("http://localhost", "..")],
)
def test_what_can_be_no_collection_is_refused(url: str, collection: str) -> None:
    with pytest.raises(InvalidRequest):
        QdrantStore(url, collection, MODEL)


def test_requests_that_share_their_time_take_no_longer_together_than_one_may() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with broken_server(url, mute), closing(TimedTransport(TIMEOUT_S)) as transport:
        began = time.monotonic()
        with transport.sharing():
            for _ in range(5):
                with pytest.raises(httpcore.TimeoutException):
                    transport.handle_request(httpx.Request("GET", url))
        assert time.monotonic() - began < IN_TIME_S


def test_a_search_takes_no_longer_than_one_request_may(store: QdrantStore, qdrant: QdrantServer) -> None:
    never = threading.Event()
    qdrant.before = lambda _: never.wait(TIMEOUT_S * 0.6)
    with pytest.raises(MemoryUnavailable, match="did not answer in 0"):
        near(store, 0)


def test_a_server_that_takes_nothing_more_does_not_hold_up_who_writes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, closing(TimedTransport(TIMEOUT_S)) as transport:
        request = httpx.Request("PUT", f"http://127.0.0.1:{listener.getsockname()[1]}/", content=b"x" * 50_000_000)
        began = time.monotonic()
        with pytest.raises(httpcore.TimeoutException):
            transport.handle_request(request)
        assert time.monotonic() - began < IN_TIME_S
