"""The works that an account may put into a picture."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from provenance.actor import Actor
from provenance.licensing.models import Grant
from provenance.licensing.queries.grants import in_force
from provenance.works import queries as works
from provenance.works.errors import UnknownWork
from provenance.works.models import Work


def works_usable_by(actor: Actor) -> QuerySet[Work]:
    """Return the works an account may see, and those of which it holds a grant; all for an auditor."""
    grants = Grant.objects.filter(in_force(), licensee_id=actor.account_id)
    granted = {kind: grants.filter(offer__subject_kind=kind).values("offer__subject_id") for kind in ("work", "party")}
    seen = works.works_visible_to(actor)
    usable = Q(pk__in=seen.order_by().values("pk")) | Q(pk__in=granted["work"]) | Q(owner_id__in=granted["party"])
    return Work.objects.select_related("owner").filter(usable).order_by("-registered_at", "id")


def work_usable_by(actor: Actor, *, work_id: UUID) -> Work:
    """Return one work that an account may see or holds a grant of; raise UnknownWork otherwise."""
    work = works_usable_by(actor).filter(pk=work_id).first()
    if work is None:
        raise UnknownWork(work=work_id)
    return work
