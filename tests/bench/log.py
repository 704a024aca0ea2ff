"""The audit log's share: committed changes, bulk entries, sequencing and tiling, lag; prints rows as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

WRITERS, CHANGES, BULK = 4, 1_000, 70_000


def main() -> None:
    """Measure on an embedded database of its own, and leave nothing running."""
    with tempfile.TemporaryDirectory(prefix="colophon-bench-log-") as home:
        os.environ.update(COLOPHON_HOME=home, DJANGO_SETTINGS_MODULE="server.settings")
        import django
        from django.core.management import call_command

        from server.command_line import embedded_database
        from server.environment import environment

        with embedded_database.running(environment()):
            django.setup()
            quiet()
            call_command("migrate", verbosity=0)
            rows = [committed(), bulk(), sequenced(), lag()]
    print(json.dumps(rows))


def quiet() -> None:
    """Keep wake-ups inside this process: no worker listens here."""
    import logging

    from server.celery import app

    logging.disable(logging.INFO)
    app.conf.update(broker_url="memory://", broker_transport="memory", broker_transport_options={})


def committed() -> tuple[str, str, str]:
    """Return how many changes a second four processes commit, each a row and its entry in one transaction."""
    context = get_context("spawn")
    ready, go = context.Barrier(WRITERS + 1), context.Event()
    workers = [context.Process(target=_write, args=(ready, go, number)) for number in range(WRITERS)]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    go.set()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    return ("log: committed changes/s, 4 connections", f"{WRITERS * CHANGES / seconds:.0f}", ">= 1,000")


def _write(ready: object, go: object, number: int) -> None:
    import django

    django.setup()
    quiet()
    from provenance.actor import COLOPHON
    from provenance.works.actions.parties import record_party

    record_party(actor=COLOPHON, name=f"warm {number}")
    ready.wait()  # type: ignore[attr-defined]  # a barrier, passed to a process untyped
    go.wait()  # type: ignore[attr-defined]  # likewise
    for change in range(CHANGES):
        record_party(actor=COLOPHON, name=f"{number}-{change}")


def bulk() -> tuple[str, str, str]:
    """Return how many entries a second one transaction writes."""
    from django.db import transaction

    from provenance.actor import COLOPHON
    from provenance.audit_log import actions
    from tests.factories.log import BrushCleaned

    began = time.perf_counter()
    with transaction.atomic():
        actions.append_all(BrushCleaned(actor=COLOPHON, number=str(number)) for number in range(BULK))
    seconds = time.perf_counter() - began
    return ("log: entries/s in bulk, one transaction", f"{BULK / seconds:.0f}", ">= 10,000")


def sequenced() -> tuple[str, str, str]:
    """Return how many waiting entries a second get index, tiles, and a published checkpoint."""
    from provenance.audit_log import queries, sequencing

    waiting = queries.waiting()
    began = time.perf_counter()
    sequencing.sequence()
    seconds = time.perf_counter() - began
    return (f"log: entries/s sequenced and tiled ({waiting})", f"{waiting / seconds:.0f}", ">= 20,000")


def lag() -> tuple[str, str, str]:
    """Return the milliseconds from one commit to the checkpoint that holds it, beside the clock's second."""
    from provenance.audit_log import sequencing
    from tests.factories.log import one_entry

    found = []
    for _ in range(10):
        one_entry()
        began = time.perf_counter()
        sequencing.sequence()
        found.append(1000 * (time.perf_counter() - began))
    return ("log: one entry to its checkpoint, worst of 10", f"{max(found):.0f} ms", "+ 1 s at most for the wake-up")


def measured() -> list[tuple[str, str, str]]:
    """Return the rows, measured in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.log"], cwd=Path(__file__).resolve().parents[2], capture_output=True,
        text=True, check=True, env={**os.environ, "COLOPHON_STARTER_MODEL": ""},
    )  # fmt: skip
    return [tuple(row) for row in json.loads(told.stdout.splitlines()[-1])]  # type: ignore[misc]  # JSON is untyped


if __name__ == "__main__":
    main()
