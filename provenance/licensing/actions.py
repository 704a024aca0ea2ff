"""Offering, granting, revoking, opting out, and tying styles to works whose terms allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import Digest
from provenance.licensing import queries
from provenance.licensing.errors import AlreadyRevoked, TermsTooWide, UnknownLicence, WorkNotUsable
from provenance.licensing.events import GrantGiven, GrantRevoked, OfferPublished, OptOutRecorded
from provenance.licensing.models import Grant, GrantEvent, Offer, OptOut
from provenance.licensing.terms import BY_GRANT, EVERY_USE, OPEN_LICENCES, USE_ADAPTER, USE_STYLE, Terms
from provenance.works import actions as works_actions
from provenance.works.actions import require_member, require_owned
from provenance.works.models import Party, Style, Work
from provenance.works.queries import parties_of


@transaction.atomic
def offer_openly(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, licence: str) -> Offer:
    """Offer a style or work to everyone under an open licence, by SPDX id."""
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    terms = OPEN_LICENCES.get(licence)
    if terms is None:
        raise UnknownLicence(licence=licence[:80], known=", ".join(OPEN_LICENCES))
    if subject_kind == "style":
        behind = list(Work.objects.filter(styles=subject_id))
        _require_within(terms, works=behind, open_terms=queries.open_terms_of(behind))
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=True
    )


@transaction.atomic
def offer_by_grant(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID) -> Offer:
    """Offer a style or work to those whom the party grants it.

    A style's terms are no wider than those of the works of others behind it; one's own are one's own to grant.
    """
    require_member(actor, party)
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    terms = Terms(licence=BY_GRANT, permissions=EVERY_USE)
    if subject_kind == "style":
        others = Work.objects.filter(styles=subject_id).exclude(owner=party).order_by("digest")
        for bounds in queries.open_terms_of(others).values():
            terms = terms.narrowed_to(_widest(bounds)) if bounds else terms
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=False
    )


def _publish(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, terms: Terms, is_open: bool) -> Offer:
    offer = Offer.objects.create(
        party=party,
        subject_kind=subject_kind,
        subject_id=subject_id,
        licence=terms.licence,
        is_open=is_open,
        terms=terms.as_json(),
        terms_digest=terms.digest(),
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
        )
    )
    return offer


@transaction.atomic
def give_grant(*, actor: Actor, offer: Offer, licensee_id: UUID) -> Grant:
    """Grant an offer's terms, as they stand now, to one licensee."""
    require_member(actor, offer.party)
    grant = Grant.objects.create(
        offer=offer,
        licensee_id=licensee_id,
        terms=offer.terms,
        terms_digest=offer.terms_digest,
        granted_at=timezone.now(),
    )
    audit_log.append(
        GrantGiven(
            actor=actor,
            grant=grant.pk,
            offer=offer.pk,
            licensee=licensee_id,
            terms_digest=grant.terms_digest,
        )
    )
    return grant


@transaction.atomic
def revoke_grant(*, actor: Actor, grant: Grant) -> None:
    """End a grant for new uses."""
    require_member(actor, grant.offer.party)
    locked = Grant.objects.select_for_update().get(pk=grant.pk)
    if locked.events.filter(kind="revoked").exists():
        raise AlreadyRevoked()
    GrantEvent.objects.create(grant=locked, kind="revoked", at=timezone.now())
    audit_log.append(GrantRevoked(actor=actor, grant=grant.pk))


@transaction.atomic
def record_opt_out(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, source: str) -> OptOut:
    """Record a party's no to a style, a work, or everything of its own."""
    require_member(actor, party)
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    opt_out = OptOut.objects.create(
        party=party,
        subject_kind=subject_kind,
        subject_id=subject_id,
        source=source,
        recorded_at=timezone.now(),
    )
    audit_log.append(
        OptOutRecorded(
            actor=actor,
            opt_out=opt_out.pk,
            party=party.pk,
            subject_kind=subject_kind,
            subject=subject_id,
            source=source,
        )
    )
    return opt_out


@transaction.atomic
def register_style(
    *,
    actor: Actor,
    party: Party,
    works: Sequence[Work],
    model_digest: Digest,
    token: str = "",
    adapter: bytes | None = None,
    **named: Any,
) -> Style:
    """Tie a party's style to its works and to its carrier: a prompt token of one model, or an adapter file.

    The actor acts for the party, and each work is of a party that the actor acts for, or openly licensed
    for such a use; Colophon's own first start acts for what it records from public licences.
    Raises NotTheOwner, WorkNotUsable.
    """
    if actor.account_id is not None:
        require_member(actor, party)
    _require_usable(actor, works=works, use=USE_ADAPTER if adapter else USE_STYLE)
    return works_actions.record_style(
        actor=actor, party=party, works=works, model_digest=model_digest, token=token, adapter=adapter, **named
    )


@transaction.atomic
def rebind_style(*, actor: Actor, style: Style, works: Sequence[Work], model_digest: Digest, token: str) -> None:
    """Tie a standing style to another model's prompt token and to the works that this model was trained on.

    The offers of the style that stand must hold for these works too. Raises NotTheOwner, WorkNotUsable,
    TermsTooWide.
    """
    if actor.account_id is not None:
        require_member(actor, style.owner)
    _require_usable(actor, works=works, use=USE_STYLE)
    open_terms = queries.open_terms_of(works)
    for offer in Offer.objects.filter(subject_kind="style", subject_id=style.pk, is_open=True, withdrawn_at=None):
        _require_within(Terms.from_json(offer.terms), works=works, open_terms=open_terms)
    works_actions.rebind_style(actor=actor, style=style, works=works, model_digest=model_digest, token=token)


def _require_usable(actor: Actor, *, works: Sequence[Work], use: str) -> None:
    """Raise WorkNotUsable for the first work that may not stand behind a style of this actor."""
    own, open_terms = parties_of(actor.account_id), queries.open_terms_of(works)
    opted_out = queries.opted_out_among(works)
    for work in works:
        reason = None
        if work.state != Work.State.ACTIVE or work.pk in opted_out:
            reason = ("it was withdrawn, is in dispute, or has opted out", "它已撤回、处于争议中或已选择退出")
        elif work.owner_id not in own and not any(use in terms.permissions for terms in open_terms[work.pk]):
            reason = (
                "it is neither yours nor openly licensed for this use",
                "它既不属于您，也没有允许此用途的开放许可",
            )
        if reason:
            is_read = work.owner_id in own or work.licence
            named = f"“{work.title}”" if is_read else str(work.pk)
            raise WorkNotUsable(work=named, reason_en=reason[0], reason_zh=reason[1])


def _require_within(terms: Terms, *, works: Sequence[Work], open_terms: Mapping[UUID, tuple[Terms, ...]]) -> None:
    """Raise TermsTooWide unless an open offer of every openly licensed work allows what some terms do."""
    for work in works:
        bounds = open_terms[work.pk]
        if bounds and not any(terms.is_within(bound) for bound in bounds):
            raise TermsTooWide(licence=terms.licence, work=f"“{work.title}”")


def _widest(bounds: Sequence[Terms]) -> Terms:
    return max(bounds, key=lambda terms: (len(terms.permissions), -len(terms.duties)))
