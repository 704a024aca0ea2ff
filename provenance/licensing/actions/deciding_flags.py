"""An auditor's decision on a flag that may have been raised against an opt-out."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from provenance.actor import Actor
from provenance.licensing.queries.opt_outs import who_said
from provenance.works.actions import flagging
from provenance.works.models import Flag


def decide_flag(
    *, actor: Actor, flag_id: UUID, decision: str, reason: str, concerned: Iterable[UUID] = ()
) -> Flag:
    """Clear or reject a flagged work; who said no to the picture that it is near to is concerned too.

    Whose a delivered image is that it is near to, by party and account, the caller says.
    Raises UnknownFlag, FlagDecided, AuditorConcerned.
    """
    return flagging.decide_flag(
        actor=actor, flag_id=flag_id, decision=decision, reason=reason, concerned={*who_said(flag_id), *concerned}
    )
