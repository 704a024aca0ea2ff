"""Recording parties, and who acts for them."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.works import queries
from provenance.works.errors import NotTheOwner
from provenance.works.events import PartyRecorded
from provenance.works.models import Party, PartyMember, Style, Work


def require_member(actor: Actor, party: Party) -> None:
    """Raise NotTheOwner unless the actor acts for a party."""
    if party.pk not in queries.parties_of(actor.account_id):
        raise NotTheOwner()


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
) -> Party:
    """Make a party known, with an account that acts for it where there is one."""
    party = Party.objects.create(name=name, kind=kind, origin=origin, url=url, recorded_at=timezone.now())
    if member:
        PartyMember.objects.create(party=party, account_id=member)
    audit_log.append(PartyRecorded(actor=actor, party=party.pk, name=name, origin=origin, claim=party.claim))
    return party


@transaction.atomic
def own_party(*, actor: Actor, name: str) -> Party:
    """Return the party under which an account lists its own works, made on first use."""
    member = PartyMember.objects.select_related("party").filter(account_id=actor.account_id).first()
    return member.party if member else record_party(actor=actor, name=name, member=actor.account_id)
