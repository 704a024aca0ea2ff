"""Tying styles to works whose terms allow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from provenance.actor import Actor
from provenance.canonical import Digest
from provenance.licensing.actions.offering import require_within
from provenance.licensing.errors import WorkNotUsable
from provenance.licensing.models import Offer
from provenance.licensing.queries.offers import open_terms_of
from provenance.licensing.queries.standing import opted_out_among
from provenance.licensing.terms import USE_ADAPTER, USE_STYLE, Terms
from provenance.works import actions as works_actions
from provenance.works.actions import require_member
from provenance.works.models import Party, Style, Work
from provenance.works.queries import parties_of


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
    open_terms = open_terms_of(works)
    for offer in Offer.objects.filter(subject_kind="style", subject_id=style.pk, is_open=True, withdrawn_at=None):
        require_within(Terms.from_json(offer.terms), works=works, open_terms=open_terms)
    works_actions.rebind_style(actor=actor, style=style, works=works, model_digest=model_digest, token=token)


def _require_usable(actor: Actor, *, works: Sequence[Work], use: str) -> None:
    """Raise WorkNotUsable for the first work that may not stand behind a style of this actor."""
    own, open_terms = parties_of(actor.account_id), open_terms_of(works)
    opted_out = opted_out_among(works)
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
