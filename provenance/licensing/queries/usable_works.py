"""The works that an account may put into a picture."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from provenance.actor import Actor
from provenance.licensing.constraints import DATE_TIME, unmet
from provenance.licensing.declared import Asked
from provenance.licensing.models import Grant
from provenance.licensing.queries.grants import in_force
from provenance.licensing.terms import DERIVE, TRAIN, Terms, terms_read
from provenance.works import queries as works
from provenance.works.errors import UnknownWork
from provenance.works.models import Work


def works_usable_by(actor: Actor) -> QuerySet[Work]:
    """Return the works an account may see, and those that a grant lets it put in or train on; all for an auditor."""
    granted = _granted_to(actor)
    seen = works.works_visible_to(actor)
    usable = Q(pk__in=seen.order_by().values("pk")) | Q(pk__in=granted["work"]) | Q(owner_id__in=granted["party"])
    return Work.objects.select_related("owner").filter(usable).order_by("-registered_at", "id")


def work_usable_by(actor: Actor, *, work_id: UUID) -> Work:
    """Return one work that an account may see or holds a grant of; raise UnknownWork otherwise."""
    work = works_usable_by(actor).filter(pk=work_id).first()
    if work is None:
        raise UnknownWork(work=work_id)
    return work


def _granted_to(actor: Actor) -> dict[str, list[UUID]]:
    """Return the works and the parties whose pictures an account holds a grant to use now, by kind."""
    grants = Grant.objects.filter(in_force(), licensee_id=actor.account_id, offer__subject_kind__in=["work", "party"])
    found: dict[str, list[UUID]] = {"work": [], "party": []}
    for grant in grants.select_related("offer"):
        if _opens_pictures(terms_read(grant.terms, digest=grant.terms_digest)):
            found[grant.offer.subject_kind].append(grant.offer.subject_id)
    return found


def _opens_pictures(terms: Terms) -> bool:
    """Say whether terms hold now and permit what needs the picture itself."""
    dates = [constraint for constraint in terms.constraints if constraint.left_operand == DATE_TIME]
    is_now = not unmet(dates, Asked(at=timezone.now()))
    return is_now and bool({DERIVE, TRAIN} & terms.permissions - terms.prohibitions)
