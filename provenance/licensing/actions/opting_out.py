"""Saying no: to the use of a style, a work, or everything of a party."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.events import OptOutRecorded
from provenance.licensing.models import OptOut
from provenance.works.actions.parties import require_member, require_owned
from provenance.works.models import Party


@transaction.atomic
def record_opt_out(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, source: str) -> OptOut:
    """Record a party's no to a style, a work, or everything of its own."""
    require_member(actor, party)
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    opt_out = OptOut.objects.create(
        party=party,
        subject_kind=subject_kind,
        subject_id=subject_id,
        source=source,
        recorded_at=timezone.now(),
    )
    audit_log.append(
        OptOutRecorded(
            actor=actor,
            opt_out=opt_out.pk,
            party=party.pk,
            subject_kind=subject_kind,
            subject=subject_id,
            source=source,
        )
    )
    return opt_out
