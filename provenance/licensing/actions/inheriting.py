"""Keeping with a delivered image the terms that travelled to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from provenance.actor import COLOPHON
from provenance.audit_log import actions as audit_log
from provenance.licensing.errors import TermsTooWide
from provenance.licensing.events import TermsInherited
from provenance.licensing.inheriting import SEVERAL, SHARE_ALIKE, inherited_terms
from provenance.licensing.models import InheritedTerms
from provenance.licensing.queries.inheriting import inherited_by
from provenance.licensing.terms import BY_GRANT, Terms
from provenance.works.models import Work


def inherit(*, decision: Mapping[str, Any], images: Sequence[str]) -> None:
    """Record the terms of delivered images, in the transaction that delivers them; nothing where none travelled."""
    if terms := inherited_terms(decision):
        _record(terms, images)


def carry(*, parent: str, image: str) -> None:
    """Let a later form of an image have the terms of the one it was made from, in the transaction that records it."""
    if found := InheritedTerms.objects.filter(image=parent).first():
        _record(Terms.from_json(found.terms), [image])


def _record(terms: Terms, images: Sequence[str]) -> None:
    now, digest = timezone.now(), terms.digest()
    rows = [InheritedTerms(image=one, terms=terms.as_json(), terms_digest=digest, inherited_at=now) for one in images]
    InheritedTerms.objects.bulk_create(rows)
    audit_log.append_all(
        TermsInherited(actor=COLOPHON, image=one, licence=terms.licence, terms_digest=digest) for one in images
    )


def require_within_inherited(terms: Terms, *, subject_kind: str, subject_id: UUID) -> None:
    """Raise TermsTooWide where an offer allows more or asks less than the terms that came with a picture behind it."""
    works = Work.objects.filter(pk=subject_id) if subject_kind == "work" else Work.objects.filter(styles=subject_id)
    titles = dict(works.values_list("digest", "title"))
    for digest, bound in inherited_by(titles).items():
        is_shared_alike = any(duty.action == SHARE_ALIKE for duty in bound.duties) and bound.licence != SEVERAL
        if not terms.is_within(bound) or (is_shared_alike and terms.licence not in {bound.licence, BY_GRANT}):
            raise TermsTooWide(licence=terms.licence, work=f"“{titles[digest]}”")
