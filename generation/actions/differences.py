"""What a reconciliation found: each difference once, and how far the run is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from generation.errors import LeaseLost
from generation.models import Reconciliation, ReconciliationDifference
from provenance.canonical import canonical_json, sha256_digest

BATCH = 500
"""Rows that are held at once."""
LONGEST_VALUE = 200
"""Characters of a value that a report shows; of a longer one it shows the digest."""
SECONDS_BETWEEN_BEATS = 2.0
BEAT = """
UPDATE generation_reconciliation SET beat_at = clock_timestamp(), stage = %s, done = %s, counts = %s
WHERE id = %s AND attempt = %s AND state = 'running'
"""


@dataclass
class Findings:
    """One attempt at a run: it records differences and progress, unless another attempt took the run over."""

    run: Reconciliation
    stage: str = ""
    done: int = 0
    told_at: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    true_kinds: dict[UUID, str] = field(default_factory=dict)
    """Of the entries whose row was changed: their kind by the published tiles, or nothing where no tile tells."""
    altered_openings: set[UUID] = field(default_factory=set)
    """Entries whose details no longer open their commitment: what they say is no evidence."""

    def tell(
        self,
        kind: str,
        *,
        table: str,
        row: object,
        field: str = "",
        recorded: Any = "",
        found: Any = "",
        entry: Any = "",
    ) -> None:
        """Record a difference; what was told of the same field of the same row before stands."""
        ReconciliationDifference.objects.bulk_create(
            [
                ReconciliationDifference(
                    reconciliation=self.run,
                    kind=kind,
                    table=table,
                    row=str(row)[:300],
                    field=field,
                    recorded=shown(recorded),
                    found=shown(found),
                    entry=str(entry or ""),
                )
            ],
            ignore_conflicts=True,
        )

    def knows_of(self, *, table: str, row: object) -> bool:
        """Say whether a difference in a row was told already."""
        return ReconciliationDifference.objects.filter(reconciliation=self.run, table=table, row=str(row)).exists()

    def count(self, what: str, number: int = 1) -> None:
        """Add to a figure of the report."""
        self.counts[what] = self.counts.get(what, 0) + number

    def step(self, number: int = 1) -> None:
        """Count compared things as done, and say so now and then."""
        self.done += number
        if time.monotonic() - self.told_at >= SECONDS_BETWEEN_BEATS:
            self.beat()

    def enter(self, stage: str) -> None:
        """Begin with the next stage."""
        self.stage = stage
        self.beat()

    def beat(self) -> None:
        """Tell how far the run is; raise LeaseLost where another attempt has it now."""
        self.told_at = time.monotonic()
        with connection.cursor() as cursor:
            values = [self.stage, self.done, json.dumps(self.counts), self.run.pk, self.run.attempt]
            cursor.execute(BEAT, values)
            if cursor.rowcount != 1:
                raise LeaseLost()


def shown(value: Any) -> str:
    """Return a value as a report shows it: text as it is, anything else as JSON, and the digest of what is long."""
    text = value if isinstance(value, str) else canonical_json(_spelt(value)).decode()
    if len(text) > LONGEST_VALUE:
        return f"{sha256_digest(text.encode())} ({len(text)} characters)"
    return text


def _spelt(value: Any) -> Any:
    """Return a JSON value in which whole numbers too large for canonical JSON are texts."""
    if isinstance(value, Mapping):
        return {str(key): _spelt(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelt(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value if isinstance(value, int | float | str | None) else str(value)


def streamed(query: str, parameters: Any = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one statement, all of one moment, a batch at a time; no transaction stays open meanwhile."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(BATCH):
            yield from rows
