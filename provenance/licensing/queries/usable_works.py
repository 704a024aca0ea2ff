"""The works that an account may put into a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
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


def works_usable(actor: Actor, *, works_wanted: Sequence[UUID]) -> list[Work]:
    """Return works that an account may see or holds grants of, in the order asked for; raise UnknownWork for another.

    Grants are read for those works alone that the account may not see anyway.
    """
    wanted = Work.objects.select_related("owner").filter(pk__in=works_wanted) if works_wanted else ()
    found = {work.pk: work for work in wanted}
    seen = set(works.works_visible_to(actor).filter(pk__in=list(found)).values_list("pk", flat=True)) if found else ()
    unseen = [work for pk, work in found.items() if pk not in seen]
    granted = _granted_to(actor, among=unseen) if unseen else {}
    for work in unseen:
        if work.pk not in granted["work"] and work.owner_id not in granted["party"]:
            del found[work.pk]
    for pk in works_wanted:
        if pk not in found:
            raise UnknownWork(work=pk)
    return [found[pk] for pk in works_wanted]


def work_usable_by(actor: Actor, *, work_id: UUID) -> Work:
    """Return one work that an account may see or holds a grant of; raise UnknownWork otherwise."""
    return works_usable(actor, works_wanted=[work_id])[0]


def _granted_to(actor: Actor, *, among: Iterable[Work] | None = None) -> dict[str, set[UUID]]:
    """Return the works and the parties whose pictures an account holds a grant to use now, by kind; of all or some."""
    grants = Grant.objects.filter(in_force(), licensee_id=actor.account_id, offer__subject_kind__in=["work", "party"])
    if among is not None:
        subjects = {subject for work in among for subject in (work.pk, work.owner_id)}
        grants = grants.filter(offer__subject_id__in=subjects)
    found: dict[str, set[UUID]] = {"work": set(), "party": set()}
    for terms, digest, kind, subject in grants.values_list(
        Cast("terms", TextField()), "terms_digest", "offer__subject_kind", "offer__subject_id"
    ):
        if subject not in found[kind] and _opens_pictures(terms_read(terms, digest=digest)):
            found[kind].add(subject)
    return found


def _opens_pictures(terms: Terms) -> bool:
    """Say whether terms hold now and permit what needs the picture itself."""
    dates = [constraint for constraint in terms.constraints if constraint.left_operand == DATE_TIME]
    is_now = not unmet(dates, Asked(at=timezone.now()))
    return is_now and bool({DERIVE, TRAIN} & terms.permissions - terms.prohibitions)
