"""What `poly ingest` says: a line for each document on stdout, and meanwhile how far it is on a terminal."""

import sys
from collections.abc import Mapping
from dataclasses import asdict

import click

from poly_engine import Ingested, IngestProgress
from poly_tui.commands.listing import compact_json
from poly_tui.commands.progress import ProgressLine

__all__ = ["Report"]


class Report:
    """Tells what becomes of each document of a run, of which there are `n_documents` if that is known."""

    def __init__(self, n_documents: int | None, *, as_json: bool) -> None:
        self.n_failed = 0
        self._n_documents = n_documents
        self._n_told = 0
        self._as_json = as_json
        self._line = ProgressLine()

    def show_progress(self, progress: IngestProgress) -> None:
        """How far a document is."""
        of_all = "" if self._n_documents is None else f" of {self._n_documents}"
        self._line.show(
            f"{self._n_told}{of_all} documents, {progress.n_embedded} of {progress.n_new} chunks of {progress.source}"
        )

    def done(self, document: Ingested) -> None:
        """A document is in the memory."""
        columns = (document.outcome, document.source, f"{document.n_chunks} chunks")
        self._tell(columns, asdict(document))

    def failed(self, source: str, reason: str) -> None:
        """A document is not."""
        self.n_failed += 1
        self._line.clear()
        click.echo(f"poly: {source}: {reason}", err=True)
        if self._as_json:
            self._tell((), {"source": source, "outcome": "failed", "reason": reason})
        else:
            self._n_told += 1

    def forgotten(self, source: str) -> None:
        """A document is no longer in the memory."""
        self._tell(("forgotten", source), {"source": source, "outcome": "forgotten"})

    def end(self) -> None:
        """Nothing more is shown as progress."""
        self._line.clear()

    def _tell(self, columns: tuple[str, ...], record: Mapping[str, object]) -> None:
        self._n_told += 1
        self._line.clear()
        sys.stdout.write((compact_json(record) if self._as_json else "\t".join(columns)) + "\n")
        sys.stdout.flush()
