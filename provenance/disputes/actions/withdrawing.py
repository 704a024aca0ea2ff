"""Taking an opt-out back, and the disputes with it where it was a claim."""

from __future__ import annotations

from django.db import transaction

from provenance.actor import Actor
from provenance.disputes import queries
from provenance.disputes.actions.ending import end
from provenance.disputes.actions.steps import hold_steps, tell
from provenance.disputes.models import Dispute
from provenance.licensing.actions import opting_out
from provenance.licensing.models import OptOut


@transaction.atomic
def withdraw_opt_out(*, actor: Actor, opt_out: OptOut) -> OptOut:
    """Take a party's no back, from now on; what the disputes over a claim stopped goes on. Raises OptOutEnded."""
    hold_steps()
    withdrawn = opting_out.withdraw_opt_out(actor=actor, opt_out=opt_out)
    for dispute in queries.open_disputes_of(opt_out.pk).select_for_update():
        tell(dispute, kind="withdrawal", side="claimant", actor=actor)
        end(dispute, actor=actor, outcome=Dispute.State.WITHDRAWN)
    return withdrawn
