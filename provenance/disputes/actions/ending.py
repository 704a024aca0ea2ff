"""How every dispute ends: its remedy is carried out, or what it stopped goes on."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.disputes.actions.steps import enter, require_open
from provenance.disputes.actions.subjects import carry_out, let_go_on
from provenance.disputes.events import DisputeEnded
from provenance.disputes.models import STANDING, Dispute


def end(
    dispute: Dispute, *, actor: Actor, outcome: str, remedy: str = "", new_owner: UUID | None = None
) -> Dispute:
    """End a dispute that the caller holds, in the caller's transaction."""
    require_open(dispute)
    stood = dispute.state in STANDING
    enter(dispute, outcome)
    dispute.ended_at = timezone.now()
    dispute.remedy = remedy
    dispute.new_owner = new_owner if remedy == "reassign" else None
    dispute.save()
    if stood:
        carry_out(actor, dispute) if outcome == Dispute.State.UPHELD else let_go_on(actor, dispute)
    audit_log.append(
        DisputeEnded(actor=actor, dispute=dispute.pk, outcome=outcome, remedy=remedy, new_owner=dispute.new_owner)
    )
    return dispute
