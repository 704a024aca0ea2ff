"""Agreeing on who shares in what a style or work earns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance import storage
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.works import queries
from provenance.works.actions.parties import has_authority, require_authority
from provenance.works.errors import NoSuchProposal, SharesDoNotAddUp, UnknownParty
from provenance.works.events import SplitConsented, SplitInForce, SplitProposed, SplitRefused, StyleAgreed
from provenance.works.models import Party, Share, SplitAgreement, Style, Work

WHOLE = 10_000
"""Basis points of all shares together."""
State = SplitAgreement.State


@transaction.atomic
def propose_split(
    *,
    actor: Actor,
    subject: Style | Work,
    shares: Mapping[UUID, int],
    offered_by: str = SplitAgreement.OfferedBy.TOGETHER,
) -> SplitAgreement:
    """Propose who shares in what a style or work earns, and who offers it; it holds once all concerned have consented.

    These are the parties named, and those that it would leave out: of the split in force, and the owners of a
    style's private works. The latter stand in it with no points. The parties that the actor acts for consent at
    once. An earlier proposal that still waits is replaced.
    Raises NotTheOwner, GuardianNeeded, CapacityEnded, SharesDoNotAddUp, UnknownParty.
    """
    require_authority(actor, subject.owner)
    require_whole(shares)
    known = set(Party.objects.filter(pk__in=shares, erased_at=None).values_list("pk", flat=True))
    if missing := sorted(set(shares) - known, key=str):
        raise UnknownParty(party=missing[0])
    now = timezone.now()
    storage.hold(f"splits {subject.pk}")
    if actor.account_id is not None:
        shares = {**dict.fromkeys(_left_out(subject, shares), 0), **shares}
    SplitAgreement.objects.filter(subject_id=subject.pk, state=State.PROPOSED).update(state=State.REPLACED)
    agreement = SplitAgreement.objects.create(
        subject_kind=kind_of(subject), subject_id=subject.pk, proposed_by=subject.owner, proposed_at=now,
        offered_by=offered_by,
    )  # fmt: skip
    Share.objects.bulk_create(
        Share(agreement=agreement, party_id=party, basis_points=points) for party, points in sorted_shares(shares)
    )
    audit_log.append(
        SplitProposed(
            actor=actor,
            agreement=agreement.pk,
            subject_kind=agreement.subject_kind,
            subject=subject.pk,
            party=subject.owner_id,
            shares=[{"party": party, "basis_points": points} for party, points in sorted_shares(shares)],
            offered_by=offered_by if offered_by == SplitAgreement.OfferedBy.OWNER else None,
        )
    )
    own = [party.pk for party in Party.objects.filter(pk__in=shares) if has_authority(actor, party)]
    _consent(actor, agreement, parties=own, at=now)
    return agreement


@transaction.atomic
def consent_to_split(*, actor: Actor, subject: Style | Work, party: Party) -> SplitAgreement:
    """Consent for a party to its share in the proposed split; raise NoSuchProposal where none waits for it."""
    agreement = _waiting_for(actor, subject=subject, party=party)
    _consent(actor, agreement, parties=[party.pk], at=timezone.now())
    return agreement


@transaction.atomic
def refuse_split(*, actor: Actor, subject: Style | Work, party: Party) -> SplitAgreement:
    """Refuse a party's share in the proposed split, which ends the proposal; raise NoSuchProposal where none waits."""
    agreement = _waiting_for(actor, subject=subject, party=party)
    agreement.state = State.REFUSED
    agreement.save(update_fields=["state"])
    audit_log.append(SplitRefused(actor=actor, agreement=agreement.pk, party=party.pk))
    return agreement


def require_whole(shares: Mapping[UUID, int]) -> None:
    """Raise SharesDoNotAddUp unless every share is at least one basis point and all are 10,000 together."""
    if any(points < 1 for points in shares.values()) or sum(shares.values()) != WHOLE:
        raise SharesDoNotAddUp(total=sum(shares.values()))


def kind_of(subject: Style | Work) -> str:
    """Return what a subject is called in agreements and offers."""
    return "style" if isinstance(subject, Style) else "work"


def sorted_shares(shares: Mapping[UUID, int]) -> Sequence[tuple[UUID, int]]:
    """Return shares in one order, whatever the order in which they were named."""
    return sorted(shares.items(), key=lambda item: str(item[0]))


def _left_out(subject: Style | Work, shares: Mapping[UUID, int]) -> set[UUID]:
    """Return the parties that lose by a split which does not name them, but for those that were erased."""
    concerned = {party for party, _ in queries.splits_of(subject)}
    if isinstance(subject, Style):
        concerned |= queries.owners_behind(subject.works.all())
    standing = Party.objects.filter(pk__in=concerned - set(shares), erased_at=None)
    return set(standing.values_list("pk", flat=True))


def _waiting_for(actor: Actor, *, subject: Style | Work, party: Party) -> SplitAgreement:
    require_authority(actor, party)
    storage.hold(f"splits {subject.pk}")
    waiting = SplitAgreement.objects.filter(subject_id=subject.pk, state=State.PROPOSED, shares__party=party)
    agreement = waiting.filter(shares__party=party, shares__consented_at=None).first()
    if agreement is None:
        raise NoSuchProposal()
    return agreement


def _consent(actor: Actor, agreement: SplitAgreement, *, parties: Sequence[UUID], at: datetime) -> None:
    agreement.shares.filter(party_id__in=parties).update(consented_at=at)
    audit_log.append_all(
        SplitConsented(actor=actor, agreement=agreement.pk, party=party) for party in sorted(parties, key=str)
    )
    if not agreement.shares.filter(consented_at=None).exists():
        _put_in_force(actor, agreement, at=at)


def _put_in_force(actor: Actor, agreement: SplitAgreement, *, at: datetime) -> None:
    before = SplitAgreement.objects.filter(subject_id=agreement.subject_id, state=State.ACTIVE).first()
    if before:
        before.state, before.active_until = State.REPLACED, at
        before.save(update_fields=["state", "active_until"])
    agreement.state, agreement.active_from = State.ACTIVE, at
    agreement.save(update_fields=["state", "active_from"])
    audit_log.append(
        SplitInForce(
            actor=actor,
            agreement=agreement.pk,
            subject_kind=agreement.subject_kind,
            subject=agreement.subject_id,
            replaces=str(before.pk) if before else "",
        )
    )
    style = Style.objects.filter(pk=agreement.subject_id, state=Style.State.PROPOSED).first()
    if style:
        is_carried = style.carrier != Style.Carrier.NONE
        style.state = Style.State.ACTIVE if is_carried else Style.State.UNTRAINED
        style.save(update_fields=["state"])
        audit_log.append(StyleAgreed(actor=actor, style=style.pk, party=style.owner_id))
