"""The parts of every step: lock the dispute, say what happened, keep the files, start the next deadline."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from provenance import storage
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import sha256_digest
from provenance.disputes.deadlines import due
from provenance.disputes.errors import WrongStep
from provenance.disputes.events import DisputeOpened
from provenance.disputes.evidence import EvidenceFile
from provenance.disputes.models import Dispute, DisputeEvent


def hold_steps() -> None:
    """Let one transaction at a time act on disputes: the end of one may write another, which nobody may hold then."""
    storage.hold("disputes")


def held(dispute: Dispute) -> Dispute:
    """Lock a dispute until the caller's transaction ends."""
    hold_steps()
    return Dispute.objects.select_for_update().get(pk=dispute.pk)


def require_open(dispute: Dispute) -> None:
    """Raise WrongStep for a dispute that has ended."""
    if dispute.ended_at:
        raise WrongStep(state=dispute.state, next_en="It has ended.", next_zh="该争议已结束。")


def open_dispute(
    dispute: Dispute, *, actor: Actor, text: str, evidence: Sequence[EvidenceFile] = ()
) -> None:
    """Record a new dispute with what its claimant said; nothing stops before an auditor finds that complete."""
    dispute.received_at = timezone.now()
    enter(dispute, Dispute.State.RECEIVED)
    dispute.save(force_insert=True)
    told = tell(dispute, kind="notice", side="claimant", actor=actor, text=text, evidence=evidence)
    audit_log.append(
        DisputeOpened(
            actor=actor,
            dispute=dispute.pk,
            subject_kind=dispute.subject_kind,
            subject=dispute.subject,
            ground=dispute.ground,
            evidence=[file["digest"] for file in told.evidence],
            opt_out=dispute.opt_out,
        )
    )


def enter(dispute: Dispute, state: str) -> None:
    """Put a dispute into a state, and let its deadline run from now; the caller saves."""
    dispute.state = state
    dispute.due_at = due(state, entered_at=timezone.now())


def tell(
    dispute: Dispute, *, kind: str, side: str, actor: Actor, text: str = "", evidence: Sequence[EvidenceFile] = ()
) -> DisputeEvent:
    """Keep what a side did, said and handed in; the files are stored first, under a lock against the sweeper."""
    storage.hold(*(sha256_digest(file.data) for file in evidence))
    for file in evidence:
        storage.store(file.data)
    return DisputeEvent.objects.create(
        dispute=dispute,
        kind=kind,
        side=side,
        account_id=actor.account_id,
        text=text,
        evidence=[file.as_json() for file in evidence],
        at=timezone.now(),
    )
