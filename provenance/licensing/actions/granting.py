"""Giving an offer's terms to one licensee: at once or after an approval, and ending a grant for new uses."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.actions.exclusivity import require_no_exclusive_grant, require_room_for_exclusive
from provenance.licensing.actions.ledger import keep_holds
from provenance.licensing.actions.notifying import notify_licensee, notify_rightsholders
from provenance.licensing.actions.offering import hold_subject
from provenance.licensing.actions.paying import prepay, refund_unused
from provenance.licensing.errors import (
    AlreadyRevoked,
    GrantNotWaiting,
    NotForTaking,
    OfferNotStanding,
    OwnOffer,
    SubjectNotUsable,
)
from provenance.licensing.events import GrantApproved, GrantDeclined, GrantGiven, GrantRequested, GrantRevoked
from provenance.licensing.models import Grant, GrantEvent, Offer
from provenance.licensing.money import Money
from provenance.licensing.prices import PriceLine
from provenance.licensing.queries.offers import splits_of_offer
from provenance.licensing.queries.standing import is_usable
from provenance.licensing.terms import Terms
from provenance.works.actions.parties import require_authority
from provenance.works.queries import parties_of


@transaction.atomic
def give_grant(*, actor: Actor, offer: Offer, licensee_id: UUID) -> Grant:
    """Grant an offer's terms, as they stand now, to one licensee of the rightsholder's choice."""
    require_authority(actor, offer.party)
    grant = _record(actor=actor, offer=_held(offer), licensee_id=licensee_id, needs_approval=False)
    notify_licensee(grant, kind="grant-given")
    return grant


@transaction.atomic
def take_grant(*, actor: Actor, offer: Offer) -> Grant:
    """Take an offer as it stands now; where the rightsholder approves each grant, ask for it.

    Raises OfferNotStanding, SubjectNotUsable, NotForTaking, OwnOffer, ExclusiveElsewhere, GrantedElsewhere,
    AlreadyOpen.
    """
    actor.require("artist")
    assert actor.account_id is not None  # whoever has a role has an account
    held = _held(offer)
    if held.is_open:
        raise NotForTaking()
    if held.party_id in parties_of(actor.account_id):
        raise OwnOffer()
    needs_approval = Terms.from_json(held.terms).needs_approval
    grant = _record(actor=actor, offer=held, licensee_id=actor.account_id, needs_approval=needs_approval)
    notify_rightsholders(grant, kind="grant-requested" if needs_approval else "grant-taken")
    return grant


@transaction.atomic
def approve_grant(*, actor: Actor, grant: Grant) -> Grant:
    """Let a grant count that was asked for; raise SubjectNotUsable where there is nothing left to use."""
    keep_holds()
    held = _waiting(actor, grant)
    _require_usable(held.offer)
    GrantEvent.objects.create(grant=held, kind=GrantEvent.Kind.APPROVED, at=timezone.now())
    audit_log.append(GrantApproved(actor=actor, grant=held.pk))
    _charge(held)
    notify_licensee(held, kind="grant-approved")
    return held


@transaction.atomic
def decline_grant(*, actor: Actor, grant: Grant) -> Grant:
    """Refuse a grant that was asked for."""
    held = _waiting(actor, grant)
    GrantEvent.objects.create(grant=held, kind=GrantEvent.Kind.DECLINED, at=timezone.now())
    audit_log.append(GrantDeclined(actor=actor, grant=held.pk))
    notify_licensee(held, kind="grant-declined")
    return held


@transaction.atomic
def revoke_grant(*, actor: Actor, grant: Grant) -> None:
    """End a grant for new uses; what was made under it keeps its terms."""
    require_authority(actor, grant.offer.party)
    keep_holds()
    locked = Grant.objects.select_for_update().get(pk=grant.pk)
    if locked.events.filter(kind=GrantEvent.Kind.REVOKED).exists():
        raise AlreadyRevoked()
    _end(locked, actor=actor)
    refund_unused(actor=actor, grant_id=grant.pk)


def end_refunded(*, actor: Actor, grant_id: UUID) -> None:
    """Refund what was prepaid for uses that are stopped, and end the grant with it, in the caller's transaction.

    What was given back is not to be used should an opt-out or withdrawal be undone. Without a refund the grant stays.
    """
    keep_holds()
    grant = Grant.objects.select_for_update(of=("self",)).select_related("offer__party").get(pk=grant_id)
    is_refunded = refund_unused(actor=actor, grant_id=grant_id)
    if is_refunded and not grant.events.filter(kind=GrantEvent.Kind.REVOKED).exists():
        _end(grant, actor=actor)


def _end(grant: Grant, *, actor: Actor) -> None:
    GrantEvent.objects.create(grant=grant, kind=GrantEvent.Kind.REVOKED, at=timezone.now())
    audit_log.append(GrantRevoked(actor=actor, grant=grant.pk))
    notify_licensee(grant, kind="grant-revoked")


def _held(offer: Offer) -> Offer:
    """Return an offer that stands, with its subject held against whoever else would grant it."""
    keep_holds()
    hold_subject(offer.subject_id)
    held = Offer.objects.select_related("party").get(pk=offer.pk)
    for at, state_en, next_en, state_zh, next_zh in (
        (held.withdrawn_at, "withdrawn", "Look for another.", "撤回", "请另选要约。"),
        (held.superseded_at, "replaced by a later version", "Read and take that one.", "被新版取代", "请阅读新版。"),
        (held.paused_at, "paused by its rightsholder", "Try again later.", "被权利人暂停", "请稍后再试。"),
    ):
        if at:
            raise OfferNotStanding(state_en=state_en, next_en=next_en, state_zh=state_zh, next_zh=next_zh)
    _require_usable(held)
    return held


def _require_usable(offer: Offer) -> None:
    """Let nobody pay for what no request may use."""
    if not is_usable(offer):
        raise SubjectNotUsable()


def _record(*, actor: Actor, offer: Offer, licensee_id: UUID, needs_approval: bool) -> Grant:
    terms = Terms.from_json(offer.terms)
    require_no_exclusive_grant(offer.subject_id, terms=terms, licensee_id=licensee_id)
    if terms.is_exclusive:
        require_room_for_exclusive(offer.subject_id, terms=terms, licensee_id=licensee_id)
    line = _price_line(offer, terms, licensee_id=licensee_id)
    grant = Grant.objects.create(
        offer=offer,
        licensee_id=licensee_id,
        terms=offer.terms,
        terms_digest=offer.terms_digest,
        price=line.as_json() if line else None,
        needs_approval=needs_approval,
        is_exclusive=terms.is_exclusive,
        granted_at=timezone.now(),
    )
    told = GrantRequested if needs_approval else GrantGiven
    audit_log.append(
        told(
            actor=actor,
            grant=grant.pk,
            offer=offer.pk,
            licensee=licensee_id,
            terms_digest=grant.terms_digest,
            price=grant.price,
        )
    )
    if not needs_approval:
        _charge(grant)
    return grant


def _charge(grant: Grant) -> None:
    """Record what a grant costs once; what is owed for each picture is settled as it is delivered."""
    if grant.price and grant.price["per"] == "flat":
        prepay(
            grant_id=grant.pk,
            licensee_id=grant.licensee_id,
            subject_kind=grant.offer.subject_kind,
            subject_id=grant.offer.subject_id,
            terms_digest=grant.terms_digest,
            price=grant.price,
        )


def _price_line(offer: Offer, terms: Terms, *, licensee_id: UUID) -> PriceLine | None:
    """Return what a grant costs and to whom that goes; nothing to those who would pay themselves."""
    if terms.price is None:
        return None
    splits = splits_of_offer(offer)
    own = {str(party) for party in parties_of(licensee_id)}
    is_self_dealing = not own.isdisjoint(party for party, _ in splits)
    money = Money(0, terms.price.money.currency) if is_self_dealing else terms.price.money
    return PriceLine(money, terms.price.per, dict(splits), is_self_dealing)


def _waiting(actor: Actor, grant: Grant) -> Grant:
    require_authority(actor, grant.offer.party)
    held = Grant.objects.select_for_update(of=("self",)).select_related("offer__party").get(pk=grant.pk)
    if not held.needs_approval or held.events.exists():
        raise GrantNotWaiting()
    return held
