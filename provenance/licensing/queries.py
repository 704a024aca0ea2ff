"""Gathering what is known of the rights in everything that a request uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from provenance.licensing.decision import Right, Subject, SubjectKind
from provenance.licensing.models import Grant, GrantEvent, Offer, OptOut
from provenance.licensing.names import names_in
from provenance.licensing.terms import DERIVE, NAME_IN_PROMPT, USE_ADAPTER, USE_STYLE, Terms
from provenance.works import queries as works
from provenance.works.models import Party, Style, Work


@dataclass(frozen=True)
class Standing:
    """What offers, grants and opt-outs say, for one licensee, of the styles and works asked about."""

    rights: dict[UUID, tuple[Right, ...]]
    opted_out: frozenset[UUID]
    """Ids of subjects and of whole parties."""
    own_parties: frozenset[UUID]

    def refuses(self, *ids: UUID) -> bool:
        """Say whether any of some ids has opted out."""
        return any(subject in self.opted_out for subject in ids)


def standing(*, licensee: UUID | None, subjects: Iterable[UUID], parties: Iterable[UUID]) -> Standing:
    """Return rights and opt-outs for some styles and works, in four queries."""
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
    )


def changed_since(subjects: Iterable[UUID], *, grants: Iterable[UUID], at: datetime) -> list[UUID]:
    """Return what changed after a moment: subjects or their owners opted out, offers withdrawn, grants revoked."""
    ids = list(subjects)
    affected = [*ids, *works.owners_of(ids)]
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
    named_styles = [
        style for style in names_in(prompt, works.registered_tokens()) if style.pk not in declared
    ]
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
        is_withdrawn=style.state != Style.State.ACTIVE,
        is_opted_out=now.refuses(style.pk, style.owner_id),
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
    own_styles = [
        style for style in styles if style.owner_id == party.pk and not now.refuses(style.pk, party.pk)
    ]
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
