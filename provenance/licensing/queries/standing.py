"""What offers, grants and opt-outs say of styles and works, for one licensee."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, When

from provenance.licensing.decision import Right, WorkBehind
from provenance.licensing.models import Grant, InheritedTerms, Offer
from provenance.licensing.queries import grants as granted
from provenance.licensing.queries.inheriting import inherited_by
from provenance.licensing.queries.offers import standing_offers
from provenance.licensing.queries.opt_outs import in_force, said_no, works_matched
from provenance.licensing.queries.uses import taken_of
from provenance.licensing.terms import terms_read
from provenance.works import queries as works
from provenance.works.models import Party, Style, Work


@dataclass(frozen=True)
class BarredWork:
    """A work that may not be used, and so neither may a style that stands on it."""

    id: UUID
    title: str
    owner: UUID
    is_open: bool
    is_opted_out: bool

    def said(self, own_parties: Container[UUID]) -> str:
        """Return the title where it may be read: a private work's is its owner's, and others get its id."""
        return f"“{self.title}”" if self.is_open or self.owner in own_parties else str(self.id)


@dataclass(frozen=True)
class Standing:
    """What offers, grants and opt-outs say, for one licensee, of the styles and works asked about."""

    rights: dict[UUID, tuple[Right, ...]]
    opted_out: frozenset[UUID]
    """Ids of subjects and of whole parties."""
    own_parties: frozenset[UUID]
    barred_works: Mapping[UUID, tuple[BarredWork, ...]]
    """Of each style that they stop: the works behind it that opted out, were withdrawn, or are in dispute."""
    others_works: Mapping[UUID, tuple[WorkBehind, ...]] = field(default_factory=dict)
    """Of each style of the licensee's own: the works that bind it, of others or with conditions of their own."""

    def refuses(self, *ids: UUID) -> bool:
        """Say whether any of some ids has opted out, or is a style that stands on a barred work."""
        return any(subject in self.opted_out or subject in self.barred_works for subject in ids)

    def barred(self, style: UUID, *, opted_out: bool) -> tuple[str, ...]:
        """Return what the licensee may read of a style's works that opted out, or that were withdrawn."""
        works = self.barred_works.get(style, ())
        return tuple(work.said(self.own_parties) for work in works if work.is_opted_out == opted_out)


def standing(
    *,
    licensee: UUID | None,
    subjects: Iterable[UUID],
    parties: Iterable[UUID],
    generation: UUID | None = None,
) -> Standing:
    """Return rights and opt-outs for some styles and works, in five queries, and one more for counted grants.

    What the generation that is decided on again has reserved itself does not count as used.
    """
    ids = list(subjects)
    own = frozenset(works.parties_of(licensee))
    behind = _works_behind_own(ids, own=own)
    of_others = [subject for listed in behind.values() for work in listed for subject in (work.pk, work.owner_id)]
    asked = [*ids, *of_others]
    rights: dict[UUID, list[Right]] = defaultdict(list)
    grants = list(
        Grant.objects.filter(granted.in_force(), licensee_id=licensee, offer__subject_id__in=asked)
        .select_related("offer")
        .order_by("granted_at")
    )
    used = _used(grants, generation=generation)
    for grant in grants:
        rights[grant.offer.subject_id].append(_grant_right(grant, own=own, used=used.get(grant.pk, 0)))
    for offer in standing_offers().filter(subject_id__in=asked, is_open=True):
        rights[offer.subject_id].append(_open_right(offer))
    no = in_force().filter(Q(subject_id__in=ids) | Q(subject_kind="party", subject_id__in=list(parties)))
    copies = works_matched().filter(work_id__in=ids)
    in_works = rights_in_works([work for listed in behind.values() for work in listed], rights, own=own)
    in_works |= _rights_in_own([work for listed in behind.values() for work in listed if work.owner_id in own])
    return Standing(
        rights={subject: tuple(found) for subject, found in rights.items()},
        opted_out=frozenset(no.values_list("subject_id", flat=True).union(copies)),
        own_parties=own,
        barred_works=barred_works_of(ids),
        others_works={
            style: tuple(
                WorkBehind(
                    name=f"“{work.title}”" if work.licence else str(work.pk),
                    rights=in_works[work.pk],
                )
                for work in listed
            )
            for style, listed in behind.items()
        },
    )


def rights_in_works(
    listed: Iterable[Work], rights: Mapping[UUID, Iterable[Right]], *, own: frozenset[UUID]
) -> dict[UUID, tuple[Right, ...]]:
    """Return the rights in some works, those in all of their owners' included; each is paid to the work's own sharers.

    A grant of everything of a party was priced before anybody knew which work it would be used for.
    """
    listed = list(listed)
    priced = [work for work in listed if any(right.price for right in rights.get(work.owner_id, ()))]
    shares = works.splits_among(priced) if priced else {}
    return {
        work.pk: (
            *rights.get(work.pk, ()),
            *(_paid_to(shares.get(work.pk, []), right, own=own) for right in rights.get(work.owner_id, ())),
        )
        for work in listed
    }


def _paid_to(shares: Iterable[tuple[UUID, int]], right: Right, *, own: frozenset[UUID]) -> Right:
    if not right.price:
        return right
    shares = list(shares)
    splits = tuple((str(party), points) for party, points in shares)
    return replace(right, splits=splits, is_self_dealing=any(party in own for party, _ in shares))


def _rights_in_own(listed: Iterable[Work]) -> dict[UUID, tuple[Right, ...]]:
    """Return the one right in each of some own pictures: the terms that came with it."""
    listed = list(listed)
    came = inherited_by(work.digest for work in listed)
    return {
        work.pk: (Right(basis="own-work", terms=came[work.digest], id=""),) for work in listed if work.digest in came
    }


def _works_behind_own(ids: list[UUID], *, own: frozenset[UUID]) -> dict[UUID, list[Work]]:
    """Return the works that bind those of some styles that are one's own: others', and own ones with conditions."""
    if not own:
        return {}
    bound = InheritedTerms.objects.filter(image=OuterRef("work__digest"), lifted_at=None)
    listed = (
        Style.works.through.objects.filter(style_id__in=ids, style__owner_id__in=own)
        .filter(~Q(work__owner_id__in=own) | Exists(bound))
        .select_related("work")
        .order_by("work__title", "work_id")
    )
    behind: dict[UUID, list[Work]] = defaultdict(list)
    for row in listed:
        behind[row.style_id].append(row.work)
    return behind


def _used(grants: Iterable[Grant], *, generation: UUID | None) -> dict[UUID, int]:
    counted = [one.pk for one in grants if terms_read(one.terms, digest=one.terms_digest).most_uses is not None]
    return taken_of(counted, but_generation=generation) if counted else {}


def _grant_right(grant: Grant, *, own: frozenset[UUID], used: int) -> Right:
    line = grant.price or {}
    return Right(
        basis="grant",
        terms=terms_read(grant.terms, digest=grant.terms_digest),
        id=str(grant.pk),
        terms_digest=grant.terms_digest,
        splits=tuple((share["party"], share["basis_points"]) for share in line.get("splits", ())),
        is_self_dealing=any(UUID(share["party"]) in own for share in line.get("splits", ())),
        used=used,
    )


def _open_right(offer: Offer) -> Right:
    terms = terms_read(offer.terms, digest=offer.terms_digest)
    return Right(basis="open-licence", terms=terms, id=str(offer.pk), terms_digest=offer.terms_digest)


def barred_works_of(styles: Iterable[UUID]) -> dict[UUID, tuple[BarredWork, ...]]:
    """Return the works behind some styles that opted out, were withdrawn or are in dispute, by style."""
    opted_out = (
        Q(work_id__in=said_no("work")) | Q(work__owner_id__in=said_no("party")) | Q(work_id__in=works_matched())
    )
    listed = (
        Style.works.through.objects.filter(style_id__in=list(styles))
        .annotate(is_opted_out=Case(When(opted_out, then=True), default=False, output_field=BooleanField()))
        .filter(Q(is_opted_out=True) | ~Q(work__state=Work.State.ACTIVE))
        .select_related("work")
        .order_by("work__title", "work_id")
    )
    barred: dict[UUID, list[BarredWork]] = defaultdict(list)
    for row in listed:
        work = row.work
        barred[row.style_id].append(
            BarredWork(work.pk, work.title, work.owner_id, is_open=bool(work.licence), is_opted_out=row.is_opted_out)
        )
    return {style: tuple(found) for style, found in barred.items()}


def opted_out_among(listed: Iterable[Work]) -> set[UUID]:
    """Return the ids of those of some works that opted out, alone or with all of their owner's."""
    wanted = Work.objects.filter(pk__in=[work.pk for work in listed])
    found = wanted.filter(
        Q(pk__in=said_no("work")) | Q(owner_id__in=said_no("party")) | Q(pk__in=works_matched())
    )
    return set(found.values_list("pk", flat=True))


def opted_out_of(offer: Offer) -> bool:
    """Say whether the rightsholder has said no to what an offer is of, by itself or with all that is theirs."""
    no = Q(subject_id=offer.subject_id) | Q(subject_kind="party", subject_id=offer.party_id)
    return in_force().filter(no).exists()


def is_usable(offer: Offer) -> bool:
    """Say whether what an offer is of can be used: it is active, and nobody said no to it or to a work behind it."""
    subject = offer.subject_id
    is_active = {
        "style": lambda: Style.objects.filter(pk=subject, state=Style.State.ACTIVE, owner__erased_at=None).exists(),
        "work": lambda: Work.objects.filter(pk=subject, state=Work.State.ACTIVE, owner__erased_at=None).exists(),
        "party": lambda: Party.objects.filter(pk=subject, erased_at=None).exists(),
    }[offer.subject_kind]
    if not is_active() or opted_out_of(offer) or barred_works_of([subject]):
        return False
    return not works_matched().filter(work_id=subject).exists()
