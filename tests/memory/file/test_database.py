"""The database of a memory: where it may be, who may read it, and what its errors mean."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from poly_engine.errors import MemoryDamaged, MemoryUnwritable
from poly_engine.memory.file.database import Database, Format
from poly_engine.memory.file.folder import refuse_network

FORMAT = Format(1, "create table things (id integer primary key, name text not null);")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes" / "memory.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(Database(path, FORMAT)) as database:
        yield database


def add(database: Database, name: str) -> None:
    with database.writing() as writer:
        writer.execute("insert into things (name) values (?)", (name,))


def names(database: Database) -> list[str]:
    with database.reading() as reader:
        return [name for (name,) in reader.execute("select name from things order by id")]


def test_only_its_owner_may_look_into_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(Database(tmp_path / "memories" / "notes" / "memory.db", FORMAT)) as database:
            add(database, "a")
            made = list(tmp_path.rglob("*"))
            assert {path.name for path in made} >= {"memories", "notes", "memory.db", "memory.db-wal", "memory.db-shm"}
            assert [path for path in made if path.stat().st_mode & 0o077] == []
    finally:
        os.umask(before)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\x00" * 4000])
def test_a_file_that_is_none_of_ours_is_refused_and_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(content)
    with pytest.raises(MemoryDamaged):
        Database(path, FORMAT)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table cookies (name)")
    content = path.read_bytes()
    with pytest.raises(MemoryDamaged, match="another program"):
        Database(path, FORMAT)
    assert path.read_bytes() == content


@pytest.mark.usefixtures("database")
def test_another_format_is_refused(path: Path) -> None:
    with pytest.raises(MemoryDamaged, match="format 1, and this Poly reads format 2"):
        Database(path, Format(2, FORMAT.tables))


def test_tables_that_are_not_ours_in_a_file_of_ours_are_damage(database: Database, path: Path) -> None:
    with database.writing() as writer:
        writer.execute("alter table things rename column name to nane")
    with pytest.raises(MemoryDamaged, match="its tables"):
        Database(path, FORMAT)


def test_damaged_text_does_not_stop_what_is_read_with_it(database: Database) -> None:
    add(database, "a")
    with database.writing() as writer:
        writer.execute("insert into things (name) values (cast(x'62ff' as text))")
    assert names(database) == ["a", "b\ufffd"]


def test_a_mistake_in_our_own_statements_is_no_fault_of_the_disk(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        with database.writing() as writer:
            writer.execute("insert into elsewhere values (1)")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        with database.reading() as reader:
            reader.execute("select elsewhere from things")
    with pytest.raises(sqlite3.IntegrityError):
        with database.writing() as writer:
            writer.execute("insert into things (name) values (null)")
    add(database, "a")
    assert names(database) == ["a"]


def test_what_fails_in_the_middle_is_taken_back(database: Database) -> None:
    with pytest.raises(KeyError):
        with database.writing() as writer:
            writer.execute("insert into things (name) values ('a')")
            raise KeyError
    add(database, "b")
    assert names(database) == ["b"]


def test_what_is_read_together_is_of_one_moment(database: Database, path: Path) -> None:
    add(database, "a")
    with closing(Database(path, FORMAT)) as other, other.reading() as reader:
        assert reader.execute("select count(*) from things").fetchone() == (1,)
        add(database, "b")
        assert reader.execute("select count(*) from things").fetchone() == (1,)
    assert names(database) == ["a", "b"]


def test_a_damaged_file_is_told(database: Database, path: Path) -> None:
    with database.writing() as writer:
        writer.executemany("insert into things (name) values (?)", [(f"{number} " * 20,) for number in range(1000)])
    database.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 65536)
    with closing(Database(path, FORMAT)) as damaged:
        with pytest.raises(MemoryDamaged):
            names(damaged)
        with pytest.raises(MemoryDamaged):
            with damaged.writing() as writer:
                writer.execute("delete from things")


def test_nothing_is_written_to_a_file_that_was_replaced(database: Database, path: Path) -> None:
    add(database, "a")
    path.rename(path.with_name("old.db"))
    shutil.copy(path.with_name("old.db"), path)
    with pytest.raises(MemoryUnwritable, match="was replaced"):
        add(database, "b")


def test_nothing_is_written_to_a_file_that_was_removed(database: Database, path: Path) -> None:
    path.unlink()
    with pytest.raises(MemoryUnwritable, match="No such file"):
        add(database, "a")
    shutil.rmtree(path.parent)
    with pytest.raises(MemoryUnwritable, match="No such file"):
        add(database, "a")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(MemoryUnwritable, match=r"Not a directory|File exists"):
        Database(tmp_path / "notes" / "memory.db", FORMAT)


def test_a_folder_in_the_place_of_the_file_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(MemoryUnwritable, match="cannot be opened"):
        Database(path, FORMAT)


@pytest.mark.skipif(os.geteuid() == 0, reason="an administrator may write anywhere")
def test_a_folder_that_may_not_be_written_is_told(database: Database, path: Path) -> None:
    database.close()
    path.parent.chmod(0o500)
    try:
        with pytest.raises(MemoryUnwritable, match="may only be read"):
            Database(path, FORMAT)
        with pytest.raises(MemoryUnwritable, match="Permission denied"):
            Database(path.with_name("other.db"), FORMAT)
    finally:
        path.parent.chmod(0o700)


MOUNTS = [("/", "ext4"), ("/home", "nfs4"), ("/home/me/disk", "ext4"), ("/mnt/c", "9p"), ("/home2", "ext4")]


def test_a_disk_of_another_machine_is_refused() -> None:
    with pytest.raises(MemoryUnwritable, match=r"/home/me/poly is on the network \(nfs4 at /home\)"):
        refuse_network(Path("/home/me/poly"), MOUNTS)
    with pytest.raises(MemoryUnwritable):
        refuse_network(Path("/mnt/c/poly"), MOUNTS)


@pytest.mark.parametrize("folder", ["/home/me/disk/poly", "/home2/poly", "/var/poly"])
def test_a_disk_of_this_machine_is_not_refused(folder: str) -> None:
    refuse_network(Path(folder), MOUNTS)


def test_a_machine_without_a_disk_of_its_own_is_not_refused() -> None:
    refuse_network(Path("/home/me"), [("/", "nfs"), ("/proc", "proc")])
