"""Search in PostgreSQL: what is searched, and what is near by meaning."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pgvector import HalfVector
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from poly_engine.memory.pgvector.server import Connection
from poly_engine.memory.pgvector.tables import Tables
from poly_engine.memory.records import Query

__all__ = ["COLUMNS", "MOST_EXACT", "Scope", "nearest", "rows_of", "scope_of"]

MOST_EXACT = 10_000
"""How many vectors are compared one by one: that takes 4 ms if each has 384 dimensions, about as long as the index
takes among twice as many. With an index, writing is several times slower, and now and then one is missed.
"""

COLUMNS = SQL(
    "chunks.id, source, title, place, start_at, end_at, chunks.text, key, chunks.headings, first_page, last_page"
)
"""What makes a StoredChunk, of the tables as `chunks` and `documents`."""

_LEAST_SEEN, _MOST_SEEN = 400, 1000  # vectors that a search by the index keeps in view; 1,000 is its limit

_WHOLE = SQL("select coalesce(sum(n_chunks), 0)::bigint, coalesce(sum(n_words), 0)::bigint from {documents}")
_PART = SQL("select id, n_chunks from {documents} where source = any(%s)")

# The index gives what is ordered by the operator alone, and has no part in this.
_EXACTLY = SQL("""
select chunk, -(vector <#> %(vector)s) as score from {vectors} where {inside} order by score desc, chunk limit %(n)s
""")
# Behind filters that left 0.1 % to 33 % of 20,000 chunks, the best ten of twenty that were found had at least 99.5 % of
# the true ten. Ten of ten had 97 %, and with hnsw.iterative_scan = strict_order 94 %: that drops what comes late.
_BY_INDEX = SQL("""
select chunk, score
from (
    select chunk, -(vector <#> %(vector)s) as score from {vectors} where {inside}
    order by vector <#> %(vector)s limit 2 * %(n)s
) as seen
order by score desc, chunk limit %(n)s
""")

_WITH_CHUNKS = SQL("""
with found as materialized ({found}) select score, {columns}
from found join {chunks} as chunks on chunks.id = found.chunk join {documents} as documents on documents.id = document
order by score desc, chunks.id
""")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched: `n_chunks` of the documents of these numbers, or of all if they are None; and how many chunks
    and words the whole memory has.
    """

    documents: list[int] | None
    n_chunks: int
    n_all_chunks: int
    n_all_words: int

    @property
    def condition(self) -> SQL:
        """What holds for a row inside of it; `documents` is a value of it."""
        return SQL("true") if self.documents is None else SQL("document = any(%(documents)s)")


def scope_of(sources: Collection[str] | None, connection: Connection, tables: Tables) -> Scope:
    """The documents of some sources, or all."""
    whole = connection.execute(tables.within(_WHOLE)).fetchone()
    assert whole is not None
    if sources is None:
        return Scope(None, whole[0], *whole)
    rows = connection.execute(tables.within(_PART), [list(sources)]).fetchall()
    return Scope([number for number, _ in rows], sum(n for _, n in rows), *whole)


def nearest(query: Query, scope: Scope, connection: Connection, tables: Tables) -> list[TupleRow]:
    """Rows of a score, the cosine, and what COLUMNS names: of the chunks of the nearest vectors, best first."""
    values = {"vector": HalfVector(query.vector), "n": query.n}
    if scope.n_chunks > MOST_EXACT:
        seen = min(max(_LEAST_SEEN, 8 * query.n), _MOST_SEEN)
        connection.execute("select set_config('hnsw.ef_search', %s, true)", [str(seen)])
        rows = rows_of(_BY_INDEX, values, scope, connection, tables)
        if len(rows) == min(query.n, scope.n_chunks):  # it gives up after a while if a filter leaves little
            return rows
    return rows_of(_EXACTLY, values, scope, connection, tables)


def rows_of(
    statement: SQL, values: Mapping[str, object], scope: Scope, connection: Connection, tables: Tables
) -> list[TupleRow]:
    """Rows of a score and what COLUMNS names, best first, for a statement that gives chunks and scores."""
    found = tables.within(statement, inside=scope.condition)
    whole = tables.within(_WITH_CHUNKS, found=found, columns=COLUMNS)
    return connection.execute(whole, {**values, "documents": scope.documents}).fetchall()
