"""What can be wrong with a memory in PostgreSQL."""

from collections.abc import Iterator

from psycopg.sql import SQL

from poly_engine.errors import MemoryDamaged
from poly_engine.memory.pgvector.search import MOST_EXACT, scope_of
from poly_engine.memory.pgvector.server import Connection, Server
from poly_engine.memory.pgvector.tables import Tables

__all__ = ["faults_of"]

_TIME_S = 600.0

_INCOMPLETE = SQL("""
select source from {documents} as documents
where n_chunks <> (select count(*) from {chunks} where document = documents.id)
or n_chunks <> (select count(*) from {vectors} where document = documents.id) order by id
""")
_LENGTHS = SQL("""
select source, place, l2_norm(vector)
from {vectors} as vectors join {chunks} as chunks on chunks.id = chunk
join {documents} as documents on documents.id = vectors.document
where not l2_norm(vector) between 0.99 and 1.01 order by chunk
""")  # NaN is greater than any number
_INDEXES = """
select amname from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
where indisvalid and indrelid in (%s::regclass, %s::regclass)
"""


def faults_of(server: Server, tables: Tables, *, is_indexable: bool) -> list[str]:
    """What is wrong, in sentences; all of one state of the memory. `is_indexable` says whether many vectors of it are
    to have an index.
    """
    try:
        with server.reading(_TIME_S) as connection:
            return [
                *_torn(connection, tables),
                *_incomplete(connection, tables),
                *_unindexed(connection, tables, is_indexable=is_indexable),
            ]
    except MemoryDamaged as error:
        return [str(error)]


def _torn(connection: Connection, tables: Tables) -> Iterator[str]:
    whole = tables.within(SQL("select text from {documents} where id = %s"))
    parts = tables.within(SQL("select place, start_at, end_at, text from {chunks} where document = %s order by place"))
    for number, source in connection.execute(tables.within(SQL("select id, source from {documents} order by id"))):
        row = connection.execute(whole, [number]).fetchone()
        assert row is not None
        for place, start, end, text in connection.execute(parts, [number]):
            if row[0][start:end] != text:
                yield f"{source}: chunk {place} is not a part of its document"


def _incomplete(connection: Connection, tables: Tables) -> Iterator[str]:
    for (source,) in connection.execute(tables.within(_INCOMPLETE)):
        yield f"{source}: some of its chunks, or their vectors, are gone"
    for source, place, length in connection.execute(tables.within(_LENGTHS)):
        yield f"{source}: the vector of chunk {place} has length {length:g}, and not 1"


def _unindexed(connection: Connection, tables: Tables, *, is_indexable: bool) -> Iterator[str]:
    there = {name for (name,) in connection.execute(_INDEXES, [tables.text("chunks"), tables.text("vectors")])}
    if "gin" not in there:
        mend = f"`create index on {tables.text('chunks')} using gin (words)`"
        yield f"the index of the words is gone, which makes searches slow: run {mend}"
    if is_indexable and "hnsw" not in there and scope_of(None, connection, tables).n_chunks > MOST_EXACT:
        mend = f"`create index on {tables.text('vectors')} using hnsw (vector halfvec_ip_ops)`"
        yield f"the index of the vectors is gone, which makes searches slow: run {mend}"
