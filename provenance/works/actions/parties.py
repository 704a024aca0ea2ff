"""Recording parties, and who acts for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import sha256_digest, timestamp
from provenance.works import queries
from provenance.works.errors import (
    AlreadyMember,
    AuditorConcerned,
    CapacityEnded,
    GuardianNeeded,
    LastMember,
    NotInvited,
    NotTheOwner,
)
from provenance.works.events import (
    CapacityDeclared,
    ClaimReviewed,
    GuardianshipRecorded,
    MemberInvited,
    MemberJoined,
    MemberLeft,
    PartyRecorded,
)
from provenance.works.models import Party, PartyMember, Style, Work


def require_member(actor: Actor, party: Party) -> None:
    """Raise NotTheOwner unless the actor acts for a party."""
    if party.pk not in queries.parties_of(actor.account_id):
        raise NotTheOwner()


def require_authority(actor: Actor, party: Party) -> None:
    """Raise a fault unless the actor may give a party's rights away: for a minor, its guardian alone may.

    Colophon's own first start acts for what it records from public licences.
    Raises NotTheOwner, GuardianNeeded, CapacityEnded.
    """
    if actor.account_id is None:
        return
    if party.is_minor:
        if party.guardian is None or party.guardian.pk not in queries.parties_of(actor.account_id):
            raise GuardianNeeded(party=party.name)
        require_authority(actor, party.guardian)
        return
    require_member(actor, party)
    if party.capacity_until and party.capacity_until <= timezone.now():
        raise CapacityEnded(party=party.name, capacity=party.capacity, date=f"{party.capacity_until:%Y-%m-%d}")


def has_authority(actor: Actor, party: Party) -> bool:
    """Say whether the actor may give a party's rights away."""
    try:
        require_authority(actor, party)
    except (NotTheOwner, GuardianNeeded, CapacityEnded):
        return False
    return True


def require_impartial(actor: Actor, *, concerned: Iterable[UUID]) -> None:
    """Raise AuditorConcerned where a decision concerns the actor by account, by party, or as the guardian of one.

    Raises NotPermitted for anybody but an auditor.
    """
    actor.require("auditor")
    if not {actor.account_id, *queries.parties_spoken_for(actor.account_id)}.isdisjoint(concerned):
        raise AuditorConcerned()


def require_owned(party: Party, *, subject_kind: str, subject_id: UUID) -> None:
    """Raise NotTheOwner unless a style or work is a party's, or is that party itself."""
    tables = {"style": Style, "work": Work}
    if subject_kind in tables:
        is_owned = tables[subject_kind].objects.filter(pk=subject_id, owner=party).exists()
    else:
        is_owned = subject_id == party.pk
    if not is_owned:
        raise NotTheOwner()


@transaction.atomic
def record_party(
    *,
    actor: Actor,
    name: str,
    kind: str = Party.Kind.PERSON,
    origin: str = Party.Origin.JOINED,
    url: str = "",
    member: UUID | None = None,
    is_minor: bool = False,
) -> Party:
    """Make a party known, with an account that acts for it where there is one."""
    party = Party.objects.create(
        name=name, kind=kind, origin=origin, url=url, recorded_at=timezone.now(), is_minor=is_minor
    )
    if member:
        PartyMember.objects.create(party=party, account_id=member)
    audit_log.append(PartyRecorded(actor=actor, party=party.pk, name=name, origin=origin, claim=party.claim))
    if is_minor:
        audit_log.append(GuardianshipRecorded(actor=actor, party=party.pk, is_minor=True, guardian="", reason=""))
    return party


@transaction.atomic
def own_party(*, actor: Actor, name: str) -> Party:
    """Return the party under which an account lists its own works, made on first use."""
    joined = PartyMember.objects.select_related("party").filter(account_id=actor.account_id, is_invited=False)
    member = joined.order_by("pk").first()
    return member.party if member else record_party(actor=actor, name=name, member=actor.account_id)


@transaction.atomic
def declare_capacity(
    *, actor: Actor, party: Party, capacity: str, evidence: str = "", until: datetime | None = None
) -> Party:
    """Say in which capacity a party holds its rights, on what evidence, and until when.

    What an auditor had seen of its claim was about the capacity before, so the claim is self-declared again.
    """
    require_member(actor, party)
    held = Party.objects.select_for_update().get(pk=party.pk)
    held.capacity, held.capacity_evidence, held.capacity_until = capacity, evidence, until
    held.claim = Party.Claim.SELF_DECLARED
    held.save(update_fields=["capacity", "capacity_evidence", "capacity_until", "claim"])
    audit_log.append(
        CapacityDeclared(
            actor=actor,
            party=held.pk,
            capacity=capacity,
            until=timestamp(until) if until else "",
            evidence=sha256_digest(evidence.encode()) if evidence else "",
            claim=held.claim,
        )
    )
    return held


@transaction.atomic
def review_claim(*, actor: Actor, party: Party, claim: str, reason: str) -> Party:
    """Say as an auditor how far a party's claim is borne out, and why. Raises AuditorConcerned."""
    require_impartial(actor, concerned=[party.pk])
    held = Party.objects.select_for_update().get(pk=party.pk)
    held.claim = claim
    held.save(update_fields=["claim"])
    audit_log.append(ClaimReviewed(actor=actor, party=held.pk, claim=claim, reason=reason))
    return held


@transaction.atomic
def record_guardianship(
    *, actor: Actor, party: Party, is_minor: bool, guardian: Party | None, reason: str
) -> Party:
    """Say as an auditor who acts for a party that is a minor, or that it is one no longer. Raises AuditorConcerned."""
    require_impartial(actor, concerned=[party.pk, *([guardian.pk] if guardian else [])])
    held = Party.objects.select_for_update().get(pk=party.pk)
    held.is_minor, held.guardian = is_minor, guardian if is_minor else None
    held.save(update_fields=["is_minor", "guardian"])
    guardian_id = str(held.guardian_id or "")
    audit_log.append(
        GuardianshipRecorded(actor=actor, party=held.pk, is_minor=is_minor, guardian=guardian_id, reason=reason)
    )
    return held


@transaction.atomic
def invite_member(*, actor: Actor, party: Party, account_id: UUID) -> PartyMember:
    """Offer an account the powers of a party; it has them once it joins. Raises NotTheOwner, AlreadyMember."""
    require_member(actor, party)
    member, is_new = PartyMember.objects.get_or_create(
        party=party, account_id=account_id, defaults={"is_invited": True}
    )
    if not is_new:
        raise AlreadyMember()
    audit_log.append(MemberInvited(actor=actor, party=party.pk, account=account_id))
    return member


@transaction.atomic
def join_party(*, actor: Actor, party_id: UUID) -> Party:
    """Take up the invitation of a party and act for it from now on; raise NotInvited where there is none."""
    waiting = PartyMember.objects.select_for_update(of=("self",)).select_related("party")
    member = waiting.filter(party_id=party_id, account_id=actor.account_id, is_invited=True).first()
    if member is None:
        raise NotInvited()
    member.is_invited = False
    member.save(update_fields=["is_invited"])
    audit_log.append(MemberJoined(actor=actor, party=party_id, account=member.account_id))
    return member.party


@transaction.atomic
def end_membership(*, actor: Actor, party: Party, account_id: UUID) -> None:
    """Let an account act for a party no longer, or take an invitation back; any member may, and anybody may leave.

    Raises NotTheOwner, NotInvited, LastMember.
    """
    if actor.account_id != account_id:
        require_member(actor, party)
    members = list(PartyMember.objects.select_for_update().filter(party=party))
    member = next((one for one in members if one.account_id == account_id), None)
    if member is None:
        raise NotInvited()
    if not member.is_invited and sum(not one.is_invited for one in members) == 1:
        raise LastMember()
    member.delete()
    audit_log.append(MemberLeft(actor=actor, party=party.pk, account=account_id))
