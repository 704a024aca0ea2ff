"""An auditor's decision on a flag that may have been raised against an opt-out."""

from __future__ import annotations

from uuid import UUID

from provenance.actor import Actor
from provenance.licensing.queries.opt_outs import who_said
from provenance.works.actions import flagging
from provenance.works.models import Flag


def decide_flag(*, actor: Actor, flag_id: UUID, decision: str, reason: str) -> Flag:
    """Clear or reject a flagged work; who said no to the picture that it is near to is concerned too.

    Raises UnknownFlag, FlagDecided, AuditorConcerned.
    """
    return flagging.decide_flag(
        actor=actor, flag_id=flag_id, decision=decision, reason=reason, concerned=who_said(flag_id)
    )
