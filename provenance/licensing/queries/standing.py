"""What offers, grants and opt-outs say of styles and works, for one licensee."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db.models import Q

from provenance.licensing.models import Offer
from provenance.licensing.money import WHOLE
from provenance.licensing.queries.facts import ListedWork, Sharing, barred_works_of, facts_about, opted_out_works
from provenance.licensing.queries.opt_outs import in_force, works_matched
from provenance.licensing.queries.rights import rights_in
from provenance.licensing.subjects import Right, WorkBehind
from provenance.licensing.terms import Terms
from provenance.works.models import Party, Style, Work


@dataclass(frozen=True)
class Standing:
    """What offers, grants and opt-outs say, for one licensee, of the styles and works asked about."""

    rights: Mapping[UUID, tuple[Right, ...]]
    """Of each style, work and party; of each work of others behind a style of one's own too."""
    opted_out: frozenset[UUID]
    """Ids of subjects and of whole parties."""
    own_parties: frozenset[UUID]
    barred_works: Mapping[UUID, tuple[ListedWork, ...]]
    """Of each style that they stop: the works behind it that opted out, were withdrawn, or are in dispute."""
    others_works: Mapping[UUID, tuple[WorkBehind, ...]] = field(default_factory=dict)
    """Of each style of the licensee's own: the works that bind it, of others or with conditions of their own."""
    inherited: Mapping[str, Terms] = field(default_factory=dict)
    """The terms that travelled to the works asked about, by the digests of their files."""

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
    own: frozenset[UUID],
    subjects: Iterable[UUID],
    parties: Collection[UUID],
    works: Collection[Work] = (),
    generation: UUID | None = None,
) -> Standing:
    """Return rights and opt-outs for some styles, parties and works, in two queries.

    The licensee acts for ``own``. Of a work, the rights in all of its owner's are its rights too, unless others share
    in it and have not agreed that the owner offers it. What the
    generation that is decided on again has reserved itself does not count as used.
    """
    ids = {*subjects, *(work.pk for work in works)}
    facts = facts_about(ids, parties=parties, own=own, works=works)
    behind = {work.id: work for listed in facts.behind_own.values() for work in listed}
    owner_of = {work.pk: work.owner_id for work in works}
    owner_of |= {work.id: work.owner for work in behind.values() if work.owner not in own}
    rights = rights_in({*ids, *owner_of, *owner_of.values()}, licensee=licensee, own=own, generation=generation)
    in_works = {
        work: (*rights.get(work, ()), *_of_party(rights.get(owner, ()), owner, facts.sharing(work), own=own))
        for work, owner in owner_of.items()
    }
    binding = {work.id: _travelled(facts.inherited[work.digest]) for work in behind.values() if work.owner in own}
    return Standing(
        rights=rights | in_works,
        opted_out=facts.opted_out,
        own_parties=own,
        barred_works=facts.barred,
        others_works={
            style: tuple(WorkBehind(str(work.id), work.said(()), (in_works | binding)[work.id]) for work in listed)
            for style, listed in facts.behind_own.items()
        },
        inherited=facts.inherited,
    )


def _travelled(terms: Terms) -> tuple[Right, ...]:
    """Return the one right in an own picture that conditions came with: on these."""
    return (Right(basis="own-work", terms=terms, id=""),)


def _of_party(rights: Iterable[Right], owner: UUID, sharing: Sharing, *, own: frozenset[UUID]) -> Iterable[Right]:
    """Return the rights in everything of a party as they are paid for one work of it: to the work's own sharers.

    A grant of everything of a party was priced before anybody knew which work it would be used for.
    """
    paid = sharing.shares or ((owner, WHOLE),)
    if not sharing.is_offered_by_owner and any(party != owner for party, _ in paid):
        return
    splits = tuple((str(party), points) for party, points in paid)
    is_self_dealing = any(party in own for party, _ in paid)
    for right in rights:
        yield replace(right, splits=splits, is_self_dealing=is_self_dealing) if right.price else right


def opted_out_among(listed: Iterable[Work]) -> set[UUID]:
    """Return the ids of those of some works that opted out, alone or with all of their owner's."""
    wanted = Work.objects.filter(pk__in=[work.pk for work in listed])
    return set(wanted.filter(opted_out_works()).values_list("pk", flat=True))


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
