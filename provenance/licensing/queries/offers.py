"""Reading offers, and what changed in them since a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from provenance.licensing.models import GrantEvent, Offer
from provenance.licensing.queries.opt_outs import in_force, works_matched
from provenance.licensing.terms import Terms
from provenance.works import queries as works
from provenance.works.models import Style, Work


def open_terms_of(listed: Iterable[Work]) -> dict[UUID, tuple[Terms, ...]]:
    """Return the terms on which some works are open to everyone: their own offers' and their owners'."""
    listed = list(listed)
    subjects = {work.pk for work in listed} | {work.owner_id for work in listed}
    found: dict[UUID, list[Terms]] = defaultdict(list)
    for offer in Offer.objects.filter(subject_id__in=subjects, is_open=True, withdrawn_at=None):
        found[offer.subject_id].append(Terms.from_json(offer.terms))
    return {work.pk: (*found.get(work.pk, ()), *found.get(work.owner_id, ())) for work in listed}


def changed_since(subjects: Iterable[UUID], *, grants: Iterable[UUID], at: datetime) -> list[UUID]:
    """Return what changed after a moment: subjects or their owners opted out, offers withdrawn, grants revoked."""
    ids = list(subjects)
    behind = list(Style.works.through.objects.filter(style_id__in=ids).values_list("work_id", flat=True))
    affected = [*ids, *behind, *works.owners_of([*ids, *behind])]
    no = in_force().filter(subject_id__in=affected, recorded_at__gt=at).values_list("subject_id", flat=True)
    copies = works_matched().filter(work_id__in=affected, opt_out__recorded_at__gt=at)
    gone = Offer.objects.filter(subject_id__in=affected, withdrawn_at__gt=at).values_list("subject_id", flat=True)
    revoked = GrantEvent.objects.filter(grant_id__in=list(grants), kind="revoked", at__gt=at)
    return sorted({*no, *copies, *gone, *revoked.values_list("grant_id", flat=True)})


def is_offered(subject_id: UUID) -> bool:
    """Say whether a style or work stands under an open offer."""
    return Offer.objects.filter(subject_id=subject_id, is_open=True, withdrawn_at=None).exists()


def open_offers(subject_kind: str) -> dict[UUID, Offer]:
    """Return the newest open offer of every style, or of every work, by subject."""
    offers = Offer.objects.filter(subject_kind=subject_kind, is_open=True, withdrawn_at=None)
    return {offer.subject_id: offer for offer in offers.order_by("published_at")}
