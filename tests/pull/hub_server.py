"""A hub of models on this machine: what of its interface fetching a model needs, with its files on another host."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.pull.file_server import FileServer, file_server

__all__ = ["HubServer", "hub_server"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(slots=True)
class HubServer:
    """`hub` answers what a repository holds and where its files are, which is at `cdn`. `token` is what it wants."""

    hub: FileServer
    cdn: FileServer
    token: str | None = None
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    commit: str = COMMIT

    def publish(self, repo: str, files: Mapping[str, bytes]) -> None:
        """Have a repository with these files, at `commit`."""
        self.repositories[repo] = dict(files)
        self.hub.files.clear()
        for content in files.values():
            self.cdn.put(f"/blobs/{sha256(content)}", content, f'"{sha256(content)[:16]}"')

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401, headers={"X-Error-Code": "RepoNotFound"})
        parts = request.path.strip("/").split("/")
        match parts:
            case ["api", "models", owner, name, "revision", revision]:
                return self._listing(f"{owner}/{name}", revision)
            case [owner, name, "resolve", revision, *path]:
                return self._place(f"{owner}/{name}", revision, "/".join(path))
        raise web.HTTPNotFound

    def _listing(self, repo: str, revision: str) -> web.Response:
        if repo not in self.repositories:
            return web.Response(status=401, headers={"X-Error-Code": "RepoNotFound"})
        if revision not in {"main", self.commit}:
            return web.Response(status=404, headers={"X-Error-Code": "RevisionNotFound"})
        siblings = [{"rfilename": "README.md", "size": 10, "blobId": "f" * 40}] + [
            {
                "rfilename": name,
                "size": len(content),
                "blobId": "e" * 40,
                "lfs": {"sha256": sha256(content), "size": len(content), "pointerSize": 135},
            }
            for name, content in self.repositories[repo].items()
        ]
        listing = {"id": repo, "sha": self.commit, "private": False, "gated": False, "siblings": siblings}
        return web.Response(text=json.dumps(listing), content_type="application/json")

    def _place(self, repo: str, revision: str, name: str) -> web.Response:
        content = self.repositories.get(repo, {}).get(name)
        if content is None or revision not in {"main", self.commit}:
            return web.Response(status=404, headers={"X-Error-Code": "EntryNotFound"})
        headers = {
            "Location": f"{self.cdn.url}/blobs/{sha256(content)}",
            "X-Repo-Commit": self.commit,
            "X-Linked-Etag": f'"{sha256(content)}"',
            "X-Linked-Size": str(len(content)),
        }
        return web.Response(status=302, headers=headers)


def sha256(content: bytes) -> str:
    """The name of a file in the hub's storage."""
    return hashlib.sha256(content).hexdigest()


@asynccontextmanager
async def hub_server() -> AsyncIterator[HubServer]:
    """A hub on this machine."""
    async with file_server() as hub, file_server() as cdn:
        server = HubServer(hub, cdn)
        hub.instead = server.answer
        yield server
