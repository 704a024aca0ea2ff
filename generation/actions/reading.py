"""Reading what a person did not disclose: only for a reason, and the reason is an entry."""

from __future__ import annotations

from django.db import transaction

from generation.errors import ReasonMissing
from generation.events import PromptRead
from generation.models import Generation
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log

SHORTEST_REASON = 10
LONGEST_REASON = 500


def is_withheld_from(actor: Actor, generation: Generation) -> bool:
    """Say whether an actor who sees a record needs a reason to read its prompt."""
    is_own = generation.owner_id == actor.account_id
    return generation.disclosure != Generation.Disclosure.PUBLIC and not is_own and generation.erased_at is None


@transaction.atomic
def read_prompt(*, actor: Actor, generation: Generation, reason: str) -> bool:
    """Let an auditor read a prompt that was withheld; say whether it was, for then the reason is recorded.

    Raises ReasonMissing for one that says nothing.
    """
    if not is_withheld_from(actor, generation):
        return False
    actor.require("auditor")
    said = reason.strip()
    if not SHORTEST_REASON <= len(said) <= LONGEST_REASON:
        raise ReasonMissing(least=SHORTEST_REASON, most=LONGEST_REASON)
    audit_log.append(PromptRead(actor=actor, generation=generation.pk, reason=said))
    return True
