"""Keeping with a delivered image the terms that travelled to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import timestamp
from provenance.licensing.errors import NothingToLift, TermsTooWide
from provenance.licensing.events import TermsInherited, TermsLifted
from provenance.licensing.inheriting import SEVERAL, SHARE_ALIKE, inherited_terms, together
from provenance.licensing.models import InheritedTerms
from provenance.licensing.queries.inheriting import inherited_by
from provenance.licensing.terms import BY_GRANT, Terms
from provenance.works.actions.parties import require_impartial
from provenance.works.models import Work


def inherit(*, decision: Mapping[str, Any], images: Sequence[str]) -> None:
    """Record the terms of delivered images, in the transaction that delivers them; nothing where none travelled."""
    if terms := inherited_terms(decision):
        _record(terms, images)


def carry(*, parent: str, image: str) -> None:
    """Let a later form of an image have the terms of the one it was made from, in the transaction that records it."""
    if found := InheritedTerms.objects.filter(image=parent, lifted_at=None).first():
        _record(Terms.from_json(found.terms), [image])


def _record(
    terms: Terms, images: Sequence[str], *, came_by: str = InheritedTerms.CameBy.MAKING, sources: Sequence[str] = ()
) -> None:
    kept = {
        "terms": terms.as_json(), "terms_digest": terms.digest(), "inherited_at": timezone.now(), "came_by": came_by,
        "sources": list(sources),
    }  # fmt: skip
    InheritedTerms.objects.bulk_create(InheritedTerms(image=one, **kept) for one in images)
    audit_log.append_all(
        TermsInherited(
            actor=COLOPHON,
            image=one,
            licence=terms.licence,
            terms_digest=terms.digest(),
            came_by=str(came_by) if sources else None,
            sources=list(sources) or None,
        )
        for one in images
    )


def bind_copy(*, work: Work, images: Sequence[str], came_by: str) -> None:
    """Let a listed picture have the terms of the images that it is, or may be, a copy of; nothing where it has some.

    It happens in the transaction that lists it. What an auditor lifted stays lifted.
    """
    if not images or InheritedTerms.objects.filter(image=work.digest).exists():
        return
    found = inherited_by(images)
    if terms := together(found[image] for image in sorted(found)):
        _record(terms, [work.digest], came_by=came_by, sources=sorted(found))


@transaction.atomic
def lift_conditions(*, actor: Actor, work: Work, reason: str) -> None:
    """Free a listed picture of conditions that came to it by likeness alone, for it is no copy after all.

    Raises NotPermitted for anybody but an auditor, AuditorConcerned, NothingToLift.
    """
    actor.require("auditor")
    require_impartial(actor, concerned={work.owner_id})
    row = InheritedTerms.objects.select_for_update().filter(image=work.digest, lifted_at=None).first()
    if row is None or row.came_by != InheritedTerms.CameBy.LIKENESS:
        raise NothingToLift()
    row.lifted_at = timezone.now()
    row.save(update_fields=["lifted_at"])
    audit_log.append(
        TermsLifted(
            actor=actor, image=row.image, work=work.pk, lifted_at=timestamp(row.lifted_at), reason=reason
        )
    )


def require_within_inherited(terms: Terms, *, subject_kind: str, subject_id: UUID) -> None:
    """Raise TermsTooWide where an offer allows more or asks less than the terms that came with a picture behind it."""
    works = Work.objects.filter(pk=subject_id) if subject_kind == "work" else Work.objects.filter(styles=subject_id)
    titles = dict(works.values_list("digest", "title"))
    for digest, bound in inherited_by(titles).items():
        is_shared_alike = any(duty.action == SHARE_ALIKE for duty in bound.duties) and bound.licence != SEVERAL
        if not terms.is_within(bound) or (is_shared_alike and terms.licence not in {bound.licence, BY_GRANT}):
            raise TermsTooWide(licence=terms.licence, work=f"“{titles[digest]}”")
