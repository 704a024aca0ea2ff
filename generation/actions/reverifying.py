"""Verifying every stored credential again: after an upgrade of the library, a change of trust lists, or when asked.

Verdicts change with both: what a library's fault had called tampered, or an authority that a list has dropped. The
verdict that was kept at the signature stays as it was; each change since is a row and an entry of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import connection, transaction
from django.utils import timezone

from generation.errors import InternalFault, LeaseLost
from generation.events import ReverificationEnded, ReverificationRequested, VerdictChanged
from generation.models import Reverification, VerdictChange
from generation.trust import trust_in_force
from provenance import storage
from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import canonical_json, sha256_digest
from provenance.credentials import queries as credentials
from provenance.credentials.signing import require_library
from provenance.errors import Fault
from provenance.verification.trust import Trust
from provenance.verification.verify import verify

log = structlog.get_logger(__name__)
SILENT_SECONDS = 300
"""A run that verified nothing for so long has lost its worker; another goes on behind the last image."""
AGAIN_AFTER = timedelta(days=1)
"""A run that failed is asked for again then: what it failed of is mended by a person, and each asking is an entry."""
TAKE = """
UPDATE generation_reverification SET state = 'running', attempt = attempt + 1, beat_at = clock_timestamp()
WHERE id = (
    SELECT id FROM generation_reverification
    WHERE state = 'waiting' OR (state = 'running' AND beat_at < clock_timestamp() - make_interval(secs => %s))
    ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""
BEAT = """
UPDATE generation_reverification SET beat_at = clock_timestamp(), done = done + 1, last = %s
WHERE id = %s AND attempt = %s AND state = 'running'
"""

_LABEL = re.compile(r"c2pa\.ingredient(\.v\d)?(__\d{1,6})?")
_MANIFEST = re.compile(r"([a-z0-9_.-]{1,20}:)?urn:(c2pa|uuid):[0-9a-f-]{36}")
_NUMBERED = re.compile(r"ingredient \d+")


def request_if_due() -> Reverification | None:
    """Ask for a run where library or trust lists are not those of the last one, or of the stored verdicts."""
    library, trust = require_library(), trust_in_force()
    latest = Reverification.objects.exclude(state=Reverification.State.FAILED).order_by("-asked_at").first()
    if latest is not None:
        before = {(latest.library_version, latest.trust_version)}
    else:
        before = credentials.versions_verified_with()
    if before <= {(library, trust.digest)}:
        return None
    if _has_just_failed(library=library, trust=trust.digest):
        return None
    is_library = any(version != library for version, _ in before)
    reason = Reverification.Reason.LIBRARY if is_library else Reverification.Reason.TRUST
    return _request(actor=COLOPHON, reason=reason, state=Reverification.State.WAITING)


def _has_just_failed(*, library: str, trust: str) -> bool:
    failed = Reverification.objects.filter(state=Reverification.State.FAILED, ended_at__gt=timezone.now() - AGAIN_AFTER)
    return failed.filter(library_version=library, trust_version=trust).exists()


def begin_here(*, actor: Actor) -> Reverification:
    """Begin a run in this process, for the operator at the command line."""
    return _request(actor=actor, reason=Reverification.Reason.ASKED, state=Reverification.State.RUNNING)


@transaction.atomic
def _request(*, actor: Actor, reason: str, state: str) -> Reverification:
    run = Reverification.objects.create(
        asked_by=actor.account_id,
        reason=reason,
        state=state,
        library_version=require_library(),
        trust_version=trust_in_force().digest,
        total=credentials.kept_count(),
        beat_at=timezone.now(),
        asked_at=timezone.now(),
    )
    audit_log.append(
        ReverificationRequested(
            actor=actor,
            reverification=run.pk,
            reason=reason,
            library=run.library_version,
            trust=run.trust_version,
        )
    )
    return run


def reverify_next() -> bool:
    """Take up the run that waits longest, or one whose worker fell silent, and end it; say if there was one."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [SILENT_SECONDS])
        taken = cursor.fetchone()
    if taken is None:
        return False
    reverify(Reverification.objects.get(pk=taken[0]))
    return True


def reverify(run: Reverification) -> Reverification:
    """Verify every credential behind the run's last image and record each verdict that changed."""
    try:
        trust = trust_in_force()
        for image, manifest_id, verdict in credentials.verdicts_kept(after=run.last):
            _verify_again(run, image=image, manifest_id=manifest_id, signed=verdict, trust=trust)
        _end(run)
    except LeaseLost:
        log.warning("reverification taken over", reverification=str(run.pk))
    except Fault as fault:
        _fail(run, fault)
    except Exception:
        log.exception("reverification failed", reverification=str(run.pk))
        _fail(run, InternalFault())
    run.refresh_from_db()
    return run


def _verify_again(
    run: Reverification, *, image: str, manifest_id: str, signed: Mapping[str, Any], trust: Trust
) -> None:
    before = _last_known(image, signed)
    try:
        after = essence(verify(storage.load(image), trust=trust).as_json())
    except Fault as fault:  # gone, or no longer what its name says: nothing is left to verify
        after = {"state": fault.code, "library": run.library_version, "trust": run.trust_version, "checks": {}}
    with transaction.atomic():
        _beat(run, image)
        if credentials.is_erased(image):  # while the run read: its file went on purpose
            return
        before = _named_as_now(before, after)
        if after["state"] != before["state"] or any(_differing(before["checks"], after["checks"])):
            _record(run, image=image, manifest_id=manifest_id, before=before, after=after)


def essence(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a verdict is compared: its state, and each check's result; no word of a stranger's.

    A check that nobody made counts as one that was not there: newer versions ask more.
    """
    checks: dict[str, str] = {}
    for check in verdict.get("checks", ()):
        name = _name_of(check)
        if check["result"] != "not_checked" and checks.get(name) != "failed":
            checks[name] = check["result"]
    trust = verdict.get("trust", {})
    return {
        "state": verdict.get("state", ""),
        "library": verdict.get("library", {}).get("version", ""),
        "trust": trust.get("version", trust.get("digest", "")),
        "checks": checks,
    }


def _name_of(check: Mapping[str, Any]) -> str:
    """Return a check's code, and an ingredient's place in the file: its manifest and its label there."""
    if check["code"] != "ingredient":
        return str(check["code"])
    evidence = check.get("evidence", {})
    label, manifest = str(evidence.get("label", "")), str(evidence.get("manifest", ""))
    if _LABEL.fullmatch(label) and _MANIFEST.fullmatch(manifest):
        return f"ingredient {label} of {manifest}"
    return f"ingredient {sha256_digest(canonical_json([manifest, label]))}"  # the words are a stranger's


def _named_as_now(before: dict[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was known with its ingredients under today's names, where an earlier version had numbered them.

    Their order was random, so that all that can be compared is how many read how; where that differs, the numbers stay.
    """
    was = {name: result for name, result in before["checks"].items() if _NUMBERED.fullmatch(name)}
    now = {name: result for name, result in after["checks"].items() if name.startswith("ingredient ")}
    if not was or sorted(was.values()) != sorted(now.values()):
        return before
    kept = {name: result for name, result in before["checks"].items() if name not in was}
    return before | {"checks": kept | now}


def _last_known(image: str, signed: Mapping[str, Any]) -> dict[str, Any]:
    change = VerdictChange.objects.filter(image_digest=image).order_by("-found_at").first()
    found: dict[str, Any] = change.after if change else essence(signed)
    return found


def _record(
    run: Reverification, *, image: str, manifest_id: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    change = VerdictChange.objects.create(
        id=uuid4(),
        reverification=run,
        image_digest=image,
        manifest_id=manifest_id,
        before=before,
        after=after,
        why=list(_differing(before["checks"], after["checks"])),
        found_at=timezone.now(),
    )
    audit_log.append(
        VerdictChanged(
            actor=Actor(account_id=run.asked_by),
            reverification=run.pk,
            change=change.pk,
            image=image,
            manifest=manifest_id,
            before=before["state"],
            after=after["state"],
        )
    )


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for name in sorted({*before, *after}):
        was, now = before.get(name, "not_checked"), after.get(name, "not_checked")
        # What nobody asked before and passes is no change: such as a timestamp, of which delivery asks no list.
        if was != now and (was, now) != ("not_checked", "passed"):
            yield {"check": name, "before": was, "after": now}


def _beat(run: Reverification, image: str) -> None:
    """Count an image as done; raise LeaseLost where another attempt has the run now."""
    with connection.cursor() as cursor:
        cursor.execute(BEAT, [image, run.pk, run.attempt])
        if cursor.rowcount != 1:
            raise LeaseLost()


@transaction.atomic
def _end(run: Reverification) -> None:
    changed = VerdictChange.objects.filter(reverification=run).count()
    mine = Reverification.objects.filter(pk=run.pk, attempt=run.attempt, state=Reverification.State.RUNNING)
    if not mine.update(state=Reverification.State.DONE, changed=changed, ended_at=timezone.now()):
        raise LeaseLost()
    audit_log.append(
        ReverificationEnded(actor=Actor(account_id=run.asked_by), reverification=run.pk, changed=changed)
    )
    log.info("credentials verified again", reverification=str(run.pk), changed=changed)


def _fail(run: Reverification, fault: Fault) -> None:
    Reverification.objects.filter(pk=run.pk, attempt=run.attempt, state=Reverification.State.RUNNING).update(
        state=Reverification.State.FAILED, fault=fault.as_json(), ended_at=timezone.now()
    )


def reverifications_visible_to(actor: Actor) -> Any:
    """Return every run, the newest first; an auditor alone sees them."""
    actor.require("auditor")
    return Reverification.objects.order_by("-asked_at", "id")


def changes_visible_to(actor: Actor, *, reverification_id: UUID) -> Any:
    """Return the verdicts that one run found changed; an auditor alone sees them."""
    actor.require("auditor")
    return VerdictChange.objects.filter(reverification_id=reverification_id).order_by("-found_at", "id")
