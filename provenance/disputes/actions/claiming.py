"""Claims: opt-outs of pictures that a checked party lists, which are decided as disputes over these works."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.actor import Actor
from provenance.disputes import queries
from provenance.disputes.actions.steps import open_dispute
from provenance.disputes.errors import TooManyOpen
from provenance.disputes.models import Dispute
from provenance.licensing.models import OptOut
from provenance.works.models import Work
from provenance.works.queries import parties_spoken_for


def contest(actor: Actor, claim: OptOut, works: Sequence[Work]) -> None:
    """Open a dispute over each work that a claim is to, in the transaction that records the claim.

    Who records it for another, such as the operator who reads a list, is no side of it.
    Raises TooManyOpen where another file of the picture is claimed already.
    """
    before = queries.open_claim_over([work.pk for work in works], party=claim.party_id)
    if before:
        raise TooManyOpen(dispute=before.pk)
    speaks = claim.party_id in parties_spoken_for(actor.account_id)
    for work in works:
        dispute = Dispute(
            subject_kind="work",
            subject=str(work.pk),
            ground="opt-out",
            claimant_name=claim.party.name,
            claimant_account=actor.account_id if speaks else None,
            opt_out=claim.pk,
        )
        open_dispute(dispute, actor=actor, text=claim.evidence or claim.source)


def outcome_for_claim(dispute: Dispute) -> str:
    """Return how a claim ends with one of its disputes: empty while another is open that may still uphold it.

    The works are copies of one picture: what was found over one of them is found of the picture.
    """
    if dispute.state == Dispute.State.UPHELD:
        return "upheld"
    if queries.open_disputes_of(dispute.opt_out).exists():
        return ""
    return "withdrawn" if dispute.state == Dispute.State.WITHDRAWN else "dismissed"
