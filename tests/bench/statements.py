"""Statements' share: 100,000 lines read from the tables, and recomputed from an exported log; prints rows as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID, uuid4
from zipfile import ZipFile

LINES, BATCH = int(os.environ.get("BENCH_LINES", "100000")), 2_000
ROOT = Path(__file__).resolve().parents[2]
AIM = "<= 5 s"


def main() -> None:
    """Measure on an embedded database of its own, and leave nothing running."""
    with tempfile.TemporaryDirectory(prefix="colophon-bench-statements-") as home:
        os.environ.update(COLOPHON_HOME=home, DJANGO_SETTINGS_MODULE="server.settings")
        import django
        from django.core.management import call_command

        from server.command_line import embedded_database
        from server.environment import environment
        from tests.bench.log import quiet

        with embedded_database.running(environment()):
            django.setup()
            quiet()
            call_command("migrate", verbosity=0)
            party = earned()
            rows = [queried(party), recomputed(party, Path(home) / "export.zip")]
    print(json.dumps(rows))


def earned() -> UUID:
    """Leave a party with so many lines, as delivered images make them, in a log that is published."""
    from django.db import connection, transaction

    from provenance.actor import COLOPHON
    from provenance.audit_log import sequencing
    from provenance.licensing.actions.ledger import Earning, accrue
    from provenance.licensing.money import Money
    from provenance.licensing.prices import PriceLine
    from provenance.works.actions.parties import record_party

    party = record_party(actor=COLOPHON, name="Ada Painter").pk
    price = PriceLine(Money(250, "EUR"), per="image", splits={str(party): 10_000})
    what = {"price": price, "licensee_id": uuid4(), "right_id": uuid4(), "subject_id": uuid4()}
    for _ in range(LINES // BATCH):
        images = [f"sha256:{uuid4().hex}{uuid4().hex}" for _ in range(BATCH)]
        with transaction.atomic():
            accrue(
                [
                    Earning(**what, subject_kind="style", terms_digest=images[0], generation=uuid4(), image=image)
                    for image in images
                ]
            )
    sequencing.sequence()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return party


def queried(party: UUID) -> tuple[str, str, str]:
    """Return the seconds from the question to the statement's bytes, as the API gives them."""
    from datetime import UTC, datetime

    from provenance.actor import Actor
    from provenance.licensing.actions import issuing

    auditor = Actor(account_id=None, roles=frozenset({"auditor"}))
    began = time.perf_counter()
    statement = issuing.statement_for(
        auditor, party=party, since=datetime(1970, 1, 1, tzinfo=UTC), until=datetime.now(UTC)
    )
    json.dumps(issuing.signed(statement))
    seconds = time.perf_counter() - began
    return (f"statement of {len(statement.lines):,} lines, as the API gives it", f"{seconds:.1f} s", AIM)


def recomputed(party: UUID, path: Path) -> tuple[str, str, str]:
    """Return the seconds that the offline tool takes over an exported log, its whole check included."""
    from provenance.actor import Actor
    from provenance.audit_log import exporting

    auditor = Actor(account_id=None, roles=frozenset({"auditor"}))
    with path.open("wb") as target:
        exporting.export(target, actor=auditor, manifests=())
    command = [sys.executable, "-S", "-m", "provenance.licensing.statement", str(path), "--party", str(party)]
    began = time.perf_counter()
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    seconds = time.perf_counter() - began
    if f"{LINES} lines" not in told:
        sys.exit(told)
    least = f"{AIM}; only parsing and hashing its openings: {parsed(path):.1f} s"
    return (f"statement of {LINES:,} lines, recomputed offline", f"{seconds:.1f} s", least)


def parsed(path: Path) -> float:
    """Return the seconds that parsing and hashing each opening of an export takes, without checking anything."""
    began = time.perf_counter()
    with ZipFile(path) as bundle, bundle.open("openings.jsonl") as lines:
        for line in lines:
            json.loads(line)
            hashlib.sha256(line).digest()
    return time.perf_counter() - began


def measured() -> list[tuple[str, str, str]]:
    """Return the rows, measured in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.statements"], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "COLOPHON_STARTER_MODEL": ""},
    )  # fmt: skip
    return [tuple(row) for row in json.loads(told.stdout.splitlines()[-1])]  # type: ignore[misc]  # JSON is untyped


if __name__ == "__main__":
    main()
