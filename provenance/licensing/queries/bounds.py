"""Reading what bounds the terms of a style: those of the works behind it, and whose consent stands in for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from provenance.licensing.queries.offers import standing_offers
from provenance.licensing.terms import Terms, terms_read
from provenance.works import queries as works
from provenance.works.models import Share, SplitAgreement, Style, Work


def open_terms_of(listed: Iterable[Work]) -> dict[UUID, tuple[Terms, ...]]:
    """Return the terms on which some works are open to everyone: their own offers' and their owners'."""
    return _terms_of(list(listed), is_open=True)


def bounds_of(listed: Iterable[Work]) -> dict[UUID, tuple[Terms, ...]]:
    """Return the terms that bound a style on some works: the open ones of each, else those it is granted on."""
    listed = list(listed)
    open_terms = _terms_of(listed, is_open=True)
    return open_terms | _terms_of([work for work in listed if not open_terms[work.pk]], is_open=False)


def _terms_of(listed: list[Work], *, is_open: bool) -> dict[UUID, tuple[Terms, ...]]:
    """Return the terms of some works' own offers and of their owners', which reach what is owned by nobody else."""
    subjects = {work.pk for work in listed} | {work.owner_id for work in listed}
    found: dict[UUID, list[Terms]] = defaultdict(list)
    for offer in standing_offers().filter(subject_id__in=subjects, is_open=is_open):
        found[offer.subject_id].append(terms_read(offer.terms, digest=offer.terms_digest))
    sharers = sharers_to_ask(work.pk for work in listed)
    return {
        work.pk: (
            *found.get(work.pk, ()),
            *(() if sharers.get(work.pk, set()) - {work.owner_id} else found.get(work.owner_id, ())),
        )
        for work in listed
    }


def owners_to_ask(listed: Iterable[Work], *, owner: UUID) -> dict[UUID, set[UUID]]:
    """Return the parties that have a say in what an owner bases on some works: everybody who owns a part of one.

    In a work of that owner's, only who offers it together: other sharers left it to the owner to offer.
    """
    listed = list(listed)
    own = [work.pk for work in listed if work.owner_id == owner]
    together, shares = sharers_to_ask(own), works.splits_among(work for work in listed if work.owner_id != owner)
    return {
        work.pk: {work.owner_id, *together.get(work.pk, ()), *(party for party, _ in shares.get(work.pk, ()))}
        for work in listed
    }


def parties_agreed_on(style: Style) -> set[UUID]:
    """Return the parties that consented to the split of a style that is in force."""
    agreed = Share.objects.filter(agreement__subject_id=style.pk, agreement__state=SplitAgreement.State.ACTIVE)
    return set(agreed.filter(consented_at__isnull=False).values_list("party_id", flat=True))


def sharers_to_ask(subjects: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Return, of each style or work that its owner does not offer for all, the parties that share in it."""
    together = Share.objects.filter(
        agreement__subject_id__in=list(subjects),
        agreement__state=SplitAgreement.State.ACTIVE,
        agreement__offered_by=SplitAgreement.OfferedBy.TOGETHER,
        basis_points__gt=0,
    )
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for subject, party in together.values_list("agreement__subject_id", "party_id"):
        found[subject].add(party)
    return found
