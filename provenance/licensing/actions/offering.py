"""Offering styles and works: on which terms, in which version, and until when they can be taken."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.actions.bounding import narrowed_to_works, require_agreed, require_within_works
from provenance.licensing.actions.exclusivity import require_no_exclusive_grant
from provenance.licensing.actions.inheriting import require_within_inherited
from provenance.licensing.errors import OfferNotStanding, UnknownLicence
from provenance.licensing.events import OfferPaused, OfferPublished, OfferResumed, OfferWithdrawn
from provenance.licensing.forms import OfferForm, require_sound, terms_in
from provenance.licensing.models import Offer
from provenance.licensing.queries.touching import owners_held
from provenance.licensing.terms import BY_GRANT, EVERY_USE, OPEN_LICENCES, Terms
from provenance.works.actions.parties import require_authority, require_owned
from provenance.works.models import Party, Style


@transaction.atomic
def offer_openly(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, licence: str) -> Offer:
    """Offer a style or work to everyone under an open licence, by SPDX id.

    Raises NotTheOwner, UnknownLicence, TermsTooWide, WorksNotOffered, ExclusiveElsewhere.
    """
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    hold_subject(subject_id)
    terms = OPEN_LICENCES.get(licence)
    if terms is None:
        raise UnknownLicence(licence=licence[:80], known=", ".join(OPEN_LICENCES))
    if subject_kind == "style":
        require_within_works([terms], actor=actor, style=_style(subject_id))
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=True
    )


@transaction.atomic
def offer_by_grant(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID) -> Offer:
    """Offer a style or work to those whom the party grants it.

    A style's terms are no wider than those of the works of others behind it; one's own are one's own to grant.
    Raises NotTheOwner, WorksNotOffered.
    """
    require_authority(actor, party)
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    hold_subject(subject_id)
    terms = Terms(licence=BY_GRANT, permissions=EVERY_USE)
    if subject_kind == "style":
        terms = narrowed_to_works(terms, actor=actor, style=_style(subject_id))
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=False
    )


@transaction.atomic
def publish_offer(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, form: OfferForm) -> Offer:
    """Offer a style, a work or everything of a party on the terms of a form.

    Raises TermsInvalid, UnknownLicence, NotTheOwner, TermsTooWide, WorksNotOffered, CurrenciesDiffer,
    ExclusiveElsewhere.
    """
    require_authority(actor, party)
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    hold_subject(subject_id)
    terms = _terms_for(form, actor=actor, subject_kind=subject_kind, subject_id=subject_id)
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=form.is_open
    )


@transaction.atomic
def publish_again(*, actor: Actor, offer: Offer, form: OfferForm) -> Offer:
    """Replace an offer by its next version; grants of the earlier one keep their terms."""
    require_authority(actor, offer.party)
    before = _locked(offer)
    _require_standing(before)
    subject = {"subject_kind": before.subject_kind, "subject_id": before.subject_id}
    terms = _terms_for(form, actor=actor, **subject)
    before.superseded_at = timezone.now()
    before.save(update_fields=["superseded_at"])
    return _publish(actor=actor, party=before.party, terms=terms, is_open=form.is_open, replaces=before, **subject)


@transaction.atomic
def withdraw_offer(*, actor: Actor, offer: Offer) -> Offer:
    """Take an offer back: nobody can take it any more, and an open one permits no new use here."""
    require_authority(actor, offer.party)
    held = _locked(offer)
    _require_standing(held)
    held.withdrawn_at = timezone.now()
    held.save(update_fields=["withdrawn_at"])
    audit_log.append(OfferWithdrawn(actor=actor, offer=held.pk))
    return held


@transaction.atomic
def pause_offer(*, actor: Actor, offer: Offer) -> Offer:
    """Let nobody take an offer for now; grants that were given go on."""
    require_authority(actor, offer.party)
    held = _locked(offer)
    _require_standing(held)
    if held.paused_at is None:
        held.paused_at = timezone.now()
        held.save(update_fields=["paused_at"])
        audit_log.append(OfferPaused(actor=actor, offer=held.pk))
    return held


@transaction.atomic
def resume_offer(*, actor: Actor, offer: Offer) -> Offer:
    """Let a paused offer be taken again."""
    require_authority(actor, offer.party)
    held = _locked(offer)
    _require_standing(held)
    if held.paused_at is not None:
        if held.is_open:
            require_no_exclusive_grant(held.subject_id, terms=Terms.from_json(held.terms))
        held.paused_at = None
        held.save(update_fields=["paused_at"])
        audit_log.append(OfferResumed(actor=actor, offer=held.pk))
    return held


def _locked(offer: Offer) -> Offer:
    hold_subject(offer.subject_id)
    return Offer.objects.select_related("party").select_for_update(of=("self",)).get(pk=offer.pk)


def _require_standing(offer: Offer) -> None:
    if offer.withdrawn_at:
        raise OfferNotStanding(
            state_en="withdrawn", next_en="Publish a new one.", state_zh="撤回", next_zh="请发布新的要约。"
        )
    if offer.superseded_at:
        raise OfferNotStanding(
            state_en="replaced by a later version", next_en="Go on with that one.",
            state_zh="被更新的版本取代", next_zh="请使用新版本。",
        )  # fmt: skip


def hold_subject(subject_id: UUID) -> None:
    """Let one at a time change what a style or work is offered or granted under, until this transaction ends.

    Its owner and those of the works behind it are held too, in one order: what touches it is held by one of them.
    """
    with connection.cursor() as cursor:
        for held in sorted({subject_id, *owners_held(subject_id)}):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 4))", [str(held)])


def _terms_for(form: OfferForm, *, actor: Actor, subject_kind: str, subject_id: UUID) -> Terms:
    """Return the terms of a form, narrowed for a style to those of the works of others that it stands on."""
    terms = terms_in(form)
    if subject_kind != "style":
        narrowed = terms
    elif terms.licence != BY_GRANT:
        require_within_works([terms], actor=actor, style=_style(subject_id))
        return terms
    else:
        narrowed = narrowed_to_works(terms, actor=actor, style=_style(subject_id))
    require_sound(narrowed, is_open=form.is_open)
    return narrowed


def _style(style_id: UUID) -> Style:
    return Style.objects.select_related("owner").get(pk=style_id)


def _publish(
    *,
    actor: Actor,
    party: Party,
    subject_kind: str,
    subject_id: UUID,
    terms: Terms,
    is_open: bool,
    replaces: Offer | None = None,
) -> Offer:
    require_authority(actor, party)
    require_agreed(actor, subject_id=subject_id)
    require_within_inherited(terms, subject_kind=subject_kind, subject_id=subject_id)
    if is_open:
        require_no_exclusive_grant(subject_id, terms=terms)
    offer = Offer.objects.create(
        party=party,
        subject_kind=subject_kind,
        subject_id=subject_id,
        licence=terms.licence,
        is_open=is_open,
        terms=terms.as_json(),
        terms_digest=terms.digest(),
        version=replaces.version + 1 if replaces else 1,
        replaces=replaces,
        published_at=timezone.now(),
    )
    audit_log.append(
        OfferPublished(
            actor=actor,
            offer=offer.pk,
            party=party.pk,
            subject_kind=subject_kind,
            subject=subject_id,
            licence=terms.licence,
            terms_digest=offer.terms_digest,
            version=offer.version,
            replaces=replaces.pk if replaces else None,
        )
    )
    return offer
