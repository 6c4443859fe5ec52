"""Search in PostgreSQL for words, ranked by BM25."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from poly_engine.memory.pgvector.search import Scope, rows_of
from poly_engine.memory.pgvector.server import Connection
from poly_engine.memory.pgvector.tables import Tables
from poly_engine.memory.pgvector.words import wanted
from poly_engine.memory.records import Query

__all__ = ["WordSearch"]

_MOST_RANKED, _MOST_COUNTED = 2_000, 20_000
_MOST_KNOWN = 50_000

_COUNTED = SQL("""
select word, query::text, n_chunks
from unnest(%s::text[]) as word, plainto_tsquery('english', word) as query,
    lateral (select count(*) as n_chunks from (select from {chunks} where words @@ query limit %s) as found) as counted
where numnode(query) = 1 -- a stop word has none
""")

# ts_rank is not BM25: it knows neither how rare a word is, nor how long a text. But of one word of weight 1 it gives
# 1 + 1/4 + 1/9 + … of its limit, which is π²/6, with a term for each place of the word: that tells how many there are.
_TIMES = np.arange(1, 101)
_STEPS = ((np.cumsum(1 / _TIMES**2) - 0.5 / _TIMES**2) * 6 / np.pi**2).tolist()
_RANKED = SQL("""
select chunk, sum(rarity * n_times * 2.2 / (n_times + 1.2 * (0.25 + 0.75 * length))) as score
from (
    select chunk, length, rarity, width_bucket(ts_rank('{{1, 1, 1, 1}}', words, query)::float8, %(steps)s) as n_times
    from (
        select id as chunk, words, n_words / %(mean_length)s as length from {chunks}
        where words @@ %(any)s::tsquery and {inside} offset 0
    ) as candidate, unnest(%(queries)s::tsquery[], %(rarities)s::float8[]) as term (query, rarity)
    where words @@ query offset 0
) as occurrence
group by chunk order by score desc, chunk limit %(n)s
""")


@dataclass(frozen=True, slots=True)
class _Term:
    """A word as PostgreSQL looks for it, and in how many chunks it is."""

    query: str
    n_chunks: int


class WordSearch:
    """Finds chunks with words of a query.

    All chunks with any of the words would be too many to rank. So the rarer words say which chunks are ranked, and the
    common ones count in their rank. Over 20,000 chunks with words of two of them as queries, the right one was first,
    and among the first ten, as often as when all were ranked.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._known: dict[str, _Term | None] = {}
        self._n_chunks = 0

    def matching(self, query: Query, scope: Scope, connection: Connection) -> list[TupleRow]:
        """Rows of a score, that of BM25, and what COLUMNS names, best first."""
        terms = self._rarest_first(wanted(query.text), scope, connection)
        if not terms or not scope.n_chunks or not scope.n_all_words:
            return []
        n_rare = _n_rare(terms, query.n, scope.n_chunks / scope.n_all_chunks)
        rows = self._ranked(terms, n_rare, query.n, scope, connection)
        if len(rows) < min(query.n, scope.n_chunks) and n_rare < len(terms):  # they may be rarer where it is searched
            rows = self._ranked(terms, len(terms), query.n, scope, connection)
        return rows

    def _rarest_first(self, words: Sequence[str], scope: Scope, connection: Connection) -> list[_Term]:
        """What is looked for, each once. The counts may be half as high or twice as high by now."""
        known = self._counts(scope.n_all_chunks)
        if unknown := [word for word in words if word not in known]:
            rows = connection.execute(self._tables.within(_COUNTED), [unknown, _MOST_COUNTED + 1])
            counted = {word: _Term(query, n_chunks) for word, query, n_chunks in rows}
            known |= {word: counted.get(word) for word in unknown}
        terms = {term.query: term for word in words if (term := known[word]) is not None}  # "dog" and "dogs" are one
        return sorted(terms.values(), key=lambda term: (term.n_chunks, term.query))

    def _counts(self, n_chunks: int) -> dict[str, _Term | None]:
        """What has been counted, while there are about as many chunks. Another thread may begin anew meanwhile."""
        if not self._n_chunks / 2 <= n_chunks <= 2 * self._n_chunks or len(self._known) > _MOST_KNOWN:
            self._known, self._n_chunks = {}, n_chunks
        return self._known

    def _ranked(
        self, terms: Sequence[_Term], n_rare: int, n: int, scope: Scope, connection: Connection
    ) -> list[TupleRow]:
        rare = terms[:n_rare]
        ranked = [*rare, *(term for term in terms[n_rare:] if term.n_chunks <= _MOST_COUNTED)]
        n_all = scope.n_all_chunks
        values = {
            "any": " | ".join(term.query for term in rare),
            "queries": [term.query for term in ranked],
            "rarities": [log(1 + max(n_all - one.n_chunks + 0.5, 0) / (one.n_chunks + 0.5)) for one in ranked],
            "mean_length": scope.n_all_words / n_all,
            "steps": _STEPS,
            "n": n,
        }
        return rows_of(_RANKED, values, scope, connection, self._tables)


def _n_rare(terms: Sequence[_Term], n: int, share: float) -> int:
    """How many of the terms, which are sorted, are needed to find `n` chunks in a share of them, and more if those are
    not too many to rank.
    """
    n_found = 0.0
    for number, term in enumerate(terms):
        if n_found >= n and n_found + share * term.n_chunks > _MOST_RANKED:
            return number
        n_found += share * term.n_chunks
    return len(terms)
