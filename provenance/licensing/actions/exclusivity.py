"""Refusing what would get in the way of an exclusive grant, and exclusive grants that come too late."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from provenance.licensing.errors import AlreadyOpen, ExclusiveElsewhere, GrantedElsewhere
from provenance.licensing.exclusive import overlap
from provenance.licensing.models import Offer
from provenance.licensing.queries.grants import grants_touching
from provenance.licensing.queries.touching import touching
from provenance.licensing.terms import Terms


def require_no_exclusive_grant(subject_id: UUID, *, terms: Terms, licensee_id: UUID | None = None) -> None:
    """Raise ExclusiveElsewhere where somebody else holds the same exclusively; the subject is held by the caller.

    The same are also the party that offers everything of its own, its works, and the styles on them.
    """
    now = timezone.now()
    for grant in grants_touching(subject_id).filter(is_exclusive=True).exclude(licensee_id=licensee_id):
        if overlap(Terms.from_json(grant.terms), terms, since=now):
            raise ExclusiveElsewhere()


def require_room_for_exclusive(subject_id: UUID, *, terms: Terms, licensee_id: UUID) -> None:
    """Raise GrantedElsewhere or AlreadyOpen where an exclusive grant would not be exclusive."""
    now = timezone.now()
    for grant in grants_touching(subject_id).exclude(licensee_id=licensee_id):
        if overlap(Terms.from_json(grant.terms), terms, since=now):
            raise GrantedElsewhere()
    opened = Offer.objects.filter(is_open=True, withdrawn_at=None, superseded_at=None)
    for offer in opened.filter(subject_id__in=touching(subject_id)):
        if overlap(Terms.from_json(offer.terms), terms, since=now):
            raise AlreadyOpen(licence=offer.licence)
