"""Refusing what would get in the way of an exclusive grant, and exclusive grants that come too late."""

from __future__ import annotations

from uuid import UUID

from provenance.licensing.errors import AlreadyOpen, ExclusiveElsewhere, GrantedElsewhere
from provenance.licensing.exclusive import overlap
from provenance.licensing.models import Offer
from provenance.licensing.queries.grants import grants_of_subject
from provenance.licensing.terms import Terms


def require_no_exclusive_grant(subject_id: UUID, *, terms: Terms, licensee_id: UUID | None = None) -> None:
    """Raise ExclusiveElsewhere where somebody else holds the same exclusively; the subject is held by the caller."""
    for grant in grants_of_subject(subject_id).filter(is_exclusive=True).exclude(licensee_id=licensee_id):
        if overlap(Terms.from_json(grant.terms), terms):
            raise ExclusiveElsewhere()


def require_room_for_exclusive(subject_id: UUID, *, terms: Terms, licensee_id: UUID) -> None:
    """Raise GrantedElsewhere or AlreadyOpen where an exclusive grant would not be exclusive."""
    for grant in grants_of_subject(subject_id).exclude(licensee_id=licensee_id):
        if overlap(Terms.from_json(grant.terms), terms):
            raise GrantedElsewhere()
    for offer in Offer.objects.filter(subject_id=subject_id, is_open=True, withdrawn_at=None, superseded_at=None):
        if overlap(Terms.from_json(offer.terms), terms):
            raise AlreadyOpen(licence=offer.licence)
