"""Reconciling: rows, files, manifests and log compared, every difference named, the report signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.utils import timezone

from generation.actions.comparing_files import compare_files, compare_manifests
from generation.actions.comparing_log import compare_log
from generation.actions.comparing_rows import compare_rows
from generation.actions.differences import Findings
from generation.actions.statements import EVERYTHING
from generation.errors import InternalFault, LeaseLost
from generation.events import ReconciliationEnded, ReconciliationRequested, reconciliation_waiting
from generation.models import Reconciliation, ReconciliationDifference
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.audit_log import queries as audit_log_queries
from provenance.audit_log import sequencing
from provenance.audit_log.note import sign_note
from provenance.canonical import canonical_json, timestamp
from provenance.errors import Fault

log = structlog.get_logger(__name__)
SILENT_SECONDS = 600
"""A run that did not say for so long how far it is is begun anew."""
REPORT_FORMAT = "colophon-reconciliation/v1"
WAITING = """
SELECT id FROM generation_reconciliation
WHERE state = 'waiting' OR (state = 'running' AND beat_at < clock_timestamp() - make_interval(secs => %s))
ORDER BY asked_at LIMIT 1
"""
TAKE = f"""
UPDATE generation_reconciliation SET state = 'running', attempt = attempt + 1, beat_at = clock_timestamp(), done = 0
WHERE id = ({WAITING} FOR UPDATE SKIP LOCKED) RETURNING id
"""
STAGES = (("log", compare_log), ("rows", compare_rows), ("files", compare_files), ("manifests", compare_manifests))


@transaction.atomic
def request_reconciliation(*, actor: Actor) -> Reconciliation:
    """Ask for a run, which a housekeeping worker takes up; who asked is an entry."""
    actor.require("auditor")
    run = _recorded(actor=actor, state=Reconciliation.State.WAITING)
    reconciliation_waiting.send(sender=Reconciliation)
    return run


@transaction.atomic
def begin_here(*, actor: Actor) -> Reconciliation:
    """Begin a run in this process, for the operator at the command line; who asked is an entry."""
    return _recorded(actor=actor, state=Reconciliation.State.RUNNING)


def _recorded(*, actor: Actor, state: str) -> Reconciliation:
    run = Reconciliation.objects.create(
        asked_by=actor.account_id, state=state, asked_at=timezone.now(), beat_at=timezone.now()
    )
    audit_log.append(ReconciliationRequested(actor=actor, reconciliation=run.pk))
    return run


def reconcile_next() -> bool:
    """Take up the run that waits longest, or one whose worker fell silent, and bring it to an end."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [SILENT_SECONDS])
        taken = cursor.fetchone()
    if taken is None:
        return False
    reconcile(Reconciliation.objects.get(pk=taken[0]))
    return True


def is_one_waiting() -> bool:
    """Say whether a run waits to be taken up."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [SILENT_SECONDS])
        return cursor.fetchone() is not None


def reconcile(run: Reconciliation) -> Reconciliation:
    """Compare everything, record each difference and sign the report; a fault ends the run as failed."""
    findings = Findings(run)
    try:
        _begin(findings)
        for stage, compare in STAGES:
            findings.enter(stage)
            compare(findings)
        _end(findings)
    except LeaseLost:
        log.warning("reconciliation taken over", reconciliation=str(run.pk))
    except Fault as fault:
        _fail(findings, fault)
    except Exception:
        log.exception("reconciliation failed", reconciliation=str(run.pk))
        _fail(findings, InternalFault())
    run.refresh_from_db()
    return run


@transaction.atomic
def _begin(findings: Findings) -> None:
    """Forget what an attempt before this one told, and count what there is to compare."""
    ReconciliationDifference.objects.filter(reconciliation=findings.run).delete()
    tables = [
        "audit_log_position", *(told.table for told in EVERYTHING), "generation_output", "generation_output",
        "credentials_credential", "works_work",
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in tables))
        total = sum(row[0] for row in cursor.fetchall())
    Reconciliation.objects.filter(pk=findings.run.pk).update(total=total)


def _end(findings: Findings) -> None:
    findings.beat()
    run = Reconciliation.objects.get(pk=findings.run.pk)
    code, differences = hashlib.sha256(), 0
    for line in report_lines(run):
        code.update(line)
        differences += 1
    run.report_digest, run.differences = f"sha256:{code.hexdigest()}", differences
    run.state, run.ended_at, run.done = Reconciliation.State.DONE, timezone.now(), run.total
    run.note = _signed(run)
    with transaction.atomic():
        findings.beat()  # holds the row: no other attempt ends it too
        run.save(update_fields=["report_digest", "differences", "state", "ended_at", "note", "done"])
        ended = ReconciliationEnded(
            actor=Actor(account_id=run.asked_by),
            reconciliation=run.pk,
            differences=differences,
            report=run.report_digest,
        )
        audit_log.append(ended)
    log.info("reconciled", reconciliation=str(run.pk), differences=differences)


def _signed(run: Reconciliation) -> str:
    """Return the note that the log's key signs: its second line is no number, so it can never pass for a checkpoint."""
    signer = sequencing.key_folder().signer_of(sequencing.key_in_force())
    lines = [
        f"{REPORT_FORMAT} {signer.name}",
        f"reconciliation {run.pk}",
        f"asked {timestamp(run.asked_at)}",
        f"ended {timestamp(run.ended_at)}" if run.ended_at else "",
        f"entries {run.counts.get('entries', 0)}",
        f"checkpoint {_head()}",
        f"differences {run.differences}",
        f"report {run.report_digest}",
    ]
    return sign_note("".join(f"{line}\n" for line in lines), [signer])


def _head() -> str:
    stored = audit_log_queries.latest_checkpoint()
    return f"{stored.size} {stored.root}" if stored else "none"


def _fail(findings: Findings, fault: Fault) -> None:
    Reconciliation.objects.filter(pk=findings.run.pk, attempt=findings.run.attempt, state="running").update(
        state=Reconciliation.State.FAILED, fault=fault.as_json(), ended_at=timezone.now()
    )


def report_lines(run: Reconciliation) -> Iterator[bytes]:
    """Yield a run's report: one difference a line, canonical JSON, in the order in which they were found."""
    columns = ("kind", "table", "row", "field", "recorded", "found", "entry")
    rows = ReconciliationDifference.objects.filter(reconciliation=run).order_by("pk")
    for values in rows.values(*columns).iterator(chunk_size=1_000):
        yield canonical_json(values) + b"\n"


def reconciliations_visible_to(actor: Actor) -> Any:
    """Return every run, the newest first; an auditor alone sees them."""
    actor.require("auditor")
    return Reconciliation.objects.order_by("-asked_at", "id")


def reconciliation_of(actor: Actor, *, reconciliation_id: UUID) -> Reconciliation | None:
    """Return one run for an auditor; None for one that is not there."""
    found: Reconciliation | None = reconciliations_visible_to(actor).filter(pk=reconciliation_id).first()
    return found
