"""How every dispute ends: its remedy is carried out, or what it stopped goes on."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.disputes import queries
from provenance.disputes.actions.claiming import outcome_for_claim
from provenance.disputes.actions.steps import enter, require_open, tell
from provenance.disputes.actions.subjects import carry_out, let_go_on
from provenance.disputes.events import DisputeEnded
from provenance.disputes.models import STANDING, Dispute
from provenance.disputes.notice import OPT_OUT
from provenance.licensing.actions.ledger import change_holds
from provenance.licensing.actions.opting_out import settle_claim


def end(
    dispute: Dispute, *, actor: Actor, outcome: str, remedy: str = "", new_owner: UUID | None = None
) -> Dispute:
    """End a dispute that the caller holds, in the caller's transaction."""
    require_open(dispute)
    change_holds()
    stood = dispute.state in STANDING
    enter(dispute, outcome)
    dispute.ended_at = timezone.now()
    dispute.remedy = remedy
    dispute.new_owner = new_owner if remedy == "reassign" else None
    dispute.save()
    ended_claims: list[UUID] = []
    if stood and outcome == Dispute.State.UPHELD:
        ended_claims = carry_out(actor, dispute)
    elif stood:
        let_go_on(actor, dispute)
    audit_log.append(
        DisputeEnded(actor=actor, dispute=dispute.pk, outcome=outcome, remedy=remedy, new_owner=dispute.new_owner)
    )
    for claim in ended_claims:
        _end_others(claim, actor=actor, outcome=Dispute.State.WITHDRAWN, told="withdrawal", because=dispute)
    if dispute.opt_out:
        _end_claim(dispute, actor=actor)
    return dispute


def _end_claim(dispute: Dispute, *, actor: Actor) -> None:
    """Settle the claim that opened a dispute, where this settles it; its other disputes end with it."""
    assert dispute.opt_out is not None
    outcome = outcome_for_claim(dispute)
    if not outcome:
        return
    settle_claim(actor=actor, claim_id=dispute.opt_out, outcome=outcome, reason=f"dispute {dispute.pk}")
    _end_others(
        dispute.opt_out, actor=actor, outcome=Dispute.State.UPHELD, told="upheld", because=dispute, remedy=OPT_OUT
    )


def _end_others(
    claim: UUID, *, actor: Actor, outcome: str, told: str, because: Dispute, remedy: str = ""
) -> None:
    while other := queries.open_disputes_of(claim).select_for_update().first():
        tell(other, kind=told, side="colophon", actor=actor, text=f"dispute {because.pk}")
        end(other, actor=actor, outcome=outcome, remedy=remedy)
