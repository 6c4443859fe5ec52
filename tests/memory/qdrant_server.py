"""A Qdrant server for tests: as much of its REST interface as Poly uses, over its own engine.

Every request has to fit the model that is generated from Qdrant's OpenAPI, which knows no other fields, and every
answer is made of such models: what does not fit is kept in `mistakes`.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError
from qdrant_client.http import models

from tests.memory.qdrant_shard import Shard

Reply: TypeAlias = tuple[int, bytes] | None
"""A status and JSON, or nothing: the connection is cut off."""

_IN_MEMORY = Path("/dev/shm")
_DONE = models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


@dataclass(frozen=True)
class Seen:
    """A request, without the name of the collection."""

    method: str
    path: str
    body: Any  # JSON
    api_key: str | None

    @property
    def is_write(self) -> bool:
        return self.method in ("PUT", "DELETE") or self.path.startswith("/points/delete")


@dataclass(frozen=True)
class Route:
    """What a request carries, what its answer is, and who gives it."""

    body: TypeAdapter[Any] | None
    result: TypeAdapter[Any]
    answer: Callable[[Shard, Any], object]


def _route(body: Any, result: Any, answer: Callable[[Shard, Any], object]) -> Route:
    """`body` and `result` are types; no annotation can say that of unions."""
    return Route(None if body is None else TypeAdapter(body), TypeAdapter(result), answer)


def _done(change: Callable[[Shard, Any], None]) -> Callable[[Shard, Any], object]:
    def answer(shard: Shard, body: Any) -> object:  # Any, a model of any kind
        change(shard, body)
        return _DONE

    return answer


ROUTES = {
    ("GET", ""): _route(None, models.CollectionInfo, lambda shard, _: shard.info()),
    ("PUT", "/index"): _route(models.CreateFieldIndex, models.UpdateResult, _done(Shard.create_index)),
    ("PUT", "/points"): _route(models.PointsList, models.UpdateResult, _done(Shard.upsert)),
    ("POST", "/points"): _route(models.PointRequest, list[models.Record], Shard.retrieve),
    ("POST", "/points/delete"): _route(models.PointsSelector, models.UpdateResult, _done(Shard.delete)),
    ("POST", "/points/scroll"): _route(models.ScrollRequest, models.ScrollResult, Shard.scroll),
    ("POST", "/points/count"): _route(models.CountRequest, models.CountResult, Shard.count),
    ("POST", "/points/query/batch"): _route(
        models.QueryRequestBatch,
        list[models.QueryResponse],
        lambda shard, batch: [shard.query(one) for one in batch.searches],
    ),
}


class QdrantServer:
    """Serves collections on a port of its own. It can be stopped and started again, and is to be closed.

    With `builds_graphs`, `optimize` builds a graph of as few vectors as there are.
    """

    def __init__(self, *, builds_graphs: bool = False) -> None:
        # The engine waits for the disk a dozen times when a collection is made: a second on a slow one.
        self._files = tempfile.TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None)
        self._folder = Path(self._files.name)
        self._builds_graphs = builds_graphs
        self._lock = threading.Lock()
        self._port = 0
        self._n_writes_left: int | None = None
        self._does_last_write = False
        self._said_of_writes: tuple[Reply, bool] | None = None
        self.before: Callable[[Seen], object] = lambda _: None
        self.requests: list[Seen] = []
        self.mistakes: list[str] = []
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._shards = {path.name: self._open(path) for path in sorted(self._folder.iterdir())}
        self._http = _HttpServer(self._port, self._reply)
        self._port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        with self._lock:
            for shard in self._shards.values():
                shard.close()

    def close(self) -> None:
        self.stop()
        self._files.cleanup()

    def optimize(self, collection: str) -> None:
        """Do at once what a server does in the background."""
        self._shards[collection].optimize()

    def die_at_write(self, number: int, *, does_it: bool) -> None:
        """Answer nothing any more from the write on that is `number`th from now. That one is done, or it is not."""
        self._n_writes_left = number
        self._does_last_write = does_it

    def live(self) -> None:
        """Answer again."""
        self._n_writes_left = None

    def say_of_writes(self, status: int, answer: object, *, does_them: bool) -> None:
        """Say this of all writes from now on, whether they are done or not."""
        self._said_of_writes = (status, json.dumps(answer).encode()), does_them

    def meanwhile(self, is_meant: Callable[[Seen], bool], act: Callable[[], object]) -> None:
        """Act when the first request that is meant has come, before it is answered."""

        def before(seen: Seen) -> None:
            if is_meant(seen):
                self.before = lambda _: None
                act()

        self.before = before

    def _open(self, folder: Path) -> Shard:
        return Shard(folder, builds_graphs=self._builds_graphs)

    def _reply(self, method: str, path: str, body: bytes, api_key: str | None) -> Reply:
        found = re.fullmatch(r"/collections/([^/?]+)([^?]*)(\?.*)?", path)
        assert found, path
        seen = Seen(method, found[2], json.loads(body) if body else None, api_key)
        self.before(seen)
        with self._lock:
            self.requests.append(seen)
            if self._n_writes_left is not None and (seen.is_write or not self._n_writes_left):
                self._n_writes_left -= bool(self._n_writes_left)
                if not self._n_writes_left:
                    if self._does_last_write:
                        self._does_last_write = False
                        self._answer(seen, found[1], found[3] or "")
                    return None
            if self._said_of_writes and seen.is_write:
                if self._said_of_writes[1]:
                    self._answer(seen, found[1], found[3] or "")
                return self._said_of_writes[0]
            return self._answer(seen, found[1], found[3] or "")

    def _answer(self, seen: Seen, collection: str, options: str) -> Reply:
        route = ROUTES.get((seen.method, seen.path))
        if seen.method == "PUT" and not seen.path:
            return self._create(collection, seen.body)
        if seen.path == "/exists":
            return _told(models.CollectionExistence(exists=collection in self._shards))
        if collection not in self._shards:
            return _refused(404, f"Not found: Collection `{collection}` doesn't exist!")
        if seen.method == "DELETE":
            self._shards.pop(collection).close()
            shutil.rmtree(self._folder / collection)
            return _told(True)
        if route is None or (seen.is_write and "wait=true" not in options):
            self.mistakes.append(f"{seen.method} {seen.path}{options}")
            return _refused(404, "")
        try:
            body = route.body.validate_python(seen.body) if route.body else None
            return _told(route.result.validate_python(route.answer(self._shards[collection], body)))
        except ValidationError as error:
            self.mistakes.append(f"{seen.method} {seen.path}: {error}")
            return _refused(422, str(error))
        except Exception as error:  # noqa: BLE001 - the engine raises nothing narrower
            return _refused(400, str(error) or repr(error))

    def _create(self, collection: str, body: object) -> Reply:
        if collection in self._shards:
            return _refused(409, f"Wrong input: Collection `{collection}` already exists!")
        folder = self._folder / collection
        Shard.make(folder, models.CreateCollection.model_validate(body))
        self._shards[collection] = self._open(folder)
        return _told(True)


def _told(result: object) -> Reply:
    return 200, TypeAdapter(Any).dump_json({"result": result, "status": "ok", "time": 0.001})


def _refused(status: int, reason: str) -> Reply:
    return status, json.dumps({"status": {"error": reason}, "time": 0.001}).encode()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, reply: Callable[[str, str, bytes, str | None], Reply]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.reply = reply
        self._connections: set[socket.socket] = set()

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # Any, as the library has it
        self._connections.add(request)
        super().process_request_thread(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # Any, as above
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close the connections that clients keep open."""
        for connection in list(self._connections):
            with suppress(OSError):  # the client was quicker
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _HttpServer

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        reply = self.server.reply(self.command, self.path, body, self.headers.get("api-key"))
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply[0])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply[1])))
        self.end_headers()
        self.wfile.write(reply[1])

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names of the library

    def log_message(self, *_: object) -> None: ...
