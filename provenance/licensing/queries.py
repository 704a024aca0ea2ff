"""Gathering what is known of the rights in everything that a request uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import BooleanField, Case, Q, QuerySet, When

from provenance.actor import Actor
from provenance.licensing.decision import Right, Subject, SubjectKind
from provenance.licensing.models import Grant, GrantEvent, Offer, OptOut
from provenance.licensing.names import names_in
from provenance.licensing.terms import DERIVE, NAME_IN_PROMPT, USE_ADAPTER, USE_STYLE, Terms
from provenance.works import queries as works
from provenance.works.errors import UnknownWork
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

    def refuses(self, *ids: UUID) -> bool:
        """Say whether any of some ids has opted out, or is a style that stands on a barred work."""
        return any(subject in self.opted_out or subject in self.barred_works for subject in ids)

    def barred(self, style: UUID, *, opted_out: bool) -> tuple[str, ...]:
        """Return what the licensee may read of a style's works that opted out, or that were withdrawn."""
        works = self.barred_works.get(style, ())
        return tuple(work.said(self.own_parties) for work in works if work.is_opted_out == opted_out)


def standing(*, licensee: UUID | None, subjects: Iterable[UUID], parties: Iterable[UUID]) -> Standing:
    """Return rights and opt-outs for some styles and works, in five queries."""
    ids = list(subjects)
    rights: dict[UUID, list[Right]] = defaultdict(list)
    grants = (
        Grant.objects.filter(licensee_id=licensee, offer__subject_id__in=ids)
        .exclude(events__kind="revoked")
        .select_related("offer")
        .order_by("granted_at")
    )
    for grant in grants:
        right = Right(basis="grant", terms=Terms.from_json(grant.terms), id=str(grant.pk))
        rights[grant.offer.subject_id].append(right)
    for offer in Offer.objects.filter(subject_id__in=ids, is_open=True, withdrawn_at=None):
        right = Right(basis="open-licence", terms=Terms.from_json(offer.terms), id=str(offer.pk))
        rights[offer.subject_id].append(right)
    no = OptOut.objects.filter(
        Q(subject_id__in=ids) | Q(subject_kind="party", subject_id__in=list(parties))
    ).values_list("subject_id", flat=True)
    return Standing(
        rights={subject: tuple(found) for subject, found in rights.items()},
        opted_out=frozenset(no),
        own_parties=frozenset(works.parties_of(licensee)),
        barred_works=barred_works_of(ids),
    )


def barred_works_of(styles: Iterable[UUID]) -> dict[UUID, tuple[BarredWork, ...]]:
    """Return the works behind some styles that opted out, were withdrawn or are in dispute, by style."""
    opted_out = Q(work_id__in=_said_no("work")) | Q(work__owner_id__in=_said_no("party"))
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
    found = wanted.filter(Q(pk__in=_said_no("work")) | Q(owner_id__in=_said_no("party")))
    return set(found.values_list("pk", flat=True))


def _said_no(subject_kind: str) -> QuerySet[OptOut, UUID]:
    return OptOut.objects.filter(subject_kind=subject_kind).values_list("subject_id", flat=True)


def works_usable_by(actor: Actor) -> QuerySet[Work]:
    """Return the works an account may see, and those of which it holds a grant; all for an auditor."""
    grants = Grant.objects.filter(licensee_id=actor.account_id).exclude(events__kind="revoked")
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
    no = OptOut.objects.filter(subject_id__in=affected, recorded_at__gt=at).values_list("subject_id", flat=True)
    gone = Offer.objects.filter(subject_id__in=affected, withdrawn_at__gt=at).values_list("subject_id", flat=True)
    revoked = GrantEvent.objects.filter(grant_id__in=list(grants), kind="revoked", at__gt=at)
    return sorted({*no, *gone, *revoked.values_list("grant_id", flat=True)})


def is_offered(subject_id: UUID) -> bool:
    """Say whether a style or work stands under an open offer."""
    return Offer.objects.filter(subject_id=subject_id, is_open=True, withdrawn_at=None).exists()


def open_offers(subject_kind: str) -> dict[UUID, Offer]:
    """Return the newest open offer of every style, or of every work, by subject."""
    offers = Offer.objects.filter(subject_kind=subject_kind, is_open=True, withdrawn_at=None)
    return {offer.subject_id: offer for offer in offers.order_by("published_at")}


def subjects_of_request(
    *,
    licensee: UUID | None,
    styles: Sequence[Style],
    input_works: Sequence[Work],
    prompt: str,
) -> tuple[Subject, ...]:
    """Return everything that a request uses besides its model, with what is known of its rights.

    Named styles and parties count wherever they stand in the prompt, declared or not.
    """
    declared = {style.pk for style in styles}
    named_styles = [style for style in names_in(prompt, works.registered_tokens()) if style.pk not in declared]
    declared_owners = {style.owner_id for style in (*styles, *named_styles)}
    named_parties = [
        party for party in names_in(prompt, works.registered_party_names()) if party.pk not in declared_owners
    ]
    styles_of_named = list(works.styles_of(party.pk for party in named_parties))
    every_style = [*styles, *named_styles, *styles_of_named]
    owners = {item.owner_id for item in (*every_style, *input_works)} | {party.pk for party in named_parties}
    now = standing(
        licensee=licensee,
        subjects=[
            *(item.pk for item in (*every_style, *input_works)),
            *(work.owner_id for work in input_works),
            *(party.pk for party in named_parties),
        ],
        parties=owners,
    )
    return (
        *(_style_subject(style, now, declared=True) for style in styles),
        *(_style_subject(style, now, declared=False) for style in named_styles),
        *(_work_subject(work, now) for work in input_works),
        *(_party_subject(party, styles_of_named, now) for party in named_parties),
    )


def _style_subject(style: Style, now: Standing, *, declared: bool) -> Subject:
    is_adapter = style.carrier == Style.Carrier.ADAPTER
    kind: SubjectKind = "adapter" if is_adapter else "style"
    needs = USE_ADAPTER if is_adapter else USE_STYLE
    return Subject(
        kind=kind if declared else "style",
        id=str(style.pk),
        name=style.name,
        needs=needs if declared else NAME_IN_PROMPT,
        digest=style.adapter_digest,
        owner=style.owner.name,
        author=style.owner.name,
        found_in="declared" if declared else "prompt",
        is_own=style.owner_id in now.own_parties,
        is_withdrawn=style.state == Style.State.WITHDRAWN,
        is_opted_out=not now.opted_out.isdisjoint({style.pk, style.owner_id}),
        opted_out_works=now.barred(style.pk, opted_out=True),
        withdrawn_works=now.barred(style.pk, opted_out=False),
        rights=now.rights.get(style.pk, ()),
    )


def _work_subject(work: Work, now: Standing) -> Subject:
    return Subject(
        kind="work",
        id=str(work.pk),
        name=work.title,
        needs=DERIVE,
        digest=work.digest,
        owner=work.owner.name,
        author=work.author_credit,
        is_own=work.owner_id in now.own_parties,
        is_withdrawn=work.state != Work.State.ACTIVE,
        is_opted_out=now.refuses(work.pk, work.owner_id),
        rights=(*now.rights.get(work.pk, ()), *now.rights.get(work.owner_id, ())),
    )


def _party_subject(party: Party, styles: Sequence[Style], now: Standing) -> Subject:
    """A party's name in a prompt stands for whatever it offers; any of its styles' rights may carry it."""
    own_styles = [style for style in styles if style.owner_id == party.pk and not now.refuses(style.pk, party.pk)]
    return Subject(
        kind="name",
        id=str(party.pk),
        name=party.name,
        needs=NAME_IN_PROMPT,
        owner=party.name,
        author=party.name,
        found_in="prompt",
        is_own=party.pk in now.own_parties,
        is_opted_out=now.refuses(party.pk),
        rights=(
            *(right for style in own_styles for right in now.rights.get(style.pk, ())),
            *now.rights.get(party.pk, ()),
        ),
    )
