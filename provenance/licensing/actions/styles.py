"""Tying styles to works whose terms allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any
from uuid import UUID

from django.db import transaction

from provenance.actor import Actor
from provenance.canonical import Digest
from provenance.licensing.actions.bounding import require_within_works
from provenance.licensing.actions.offering import hold_subject
from provenance.licensing.errors import WorkNotUsable
from provenance.licensing.queries.bounds import open_terms_of
from provenance.licensing.queries.grants import terms_given
from provenance.licensing.queries.standing import opted_out_among
from provenance.licensing.terms import TRAIN, USE_ADAPTER, USE_STYLE
from provenance.works.actions import styles as works_actions
from provenance.works.actions.parties import require_member
from provenance.works.errors import SharesMissing, StyleHasNoWorks
from provenance.works.models import Party, Style, Work
from provenance.works.queries import owners_behind, parties_of, party_names


@transaction.atomic
def register_style(
    *,
    actor: Actor,
    party: Party,
    works: Sequence[Work],
    model_digest: Digest,
    token: str = "",
    adapter: bytes | None = None,
    is_untrained: bool = False,
    shares: Mapping[UUID, int] | None = None,
    **named: Any,
) -> Style:
    """Tie a party's style to its works and to its carrier: a prompt token of one model, or an adapter file.

    An untrained one gets its carrier later. The actor acts for the party, and each work is of a party that the
    actor acts for, or openly licensed for such a use; Colophon's own first start acts for what it records from
    public licences. Raises NotTheOwner, StyleHasNoWorks, WorkNotUsable, SharesMissing, SharesDoNotAddUp.
    """
    if actor.account_id is not None:
        require_member(actor, party)
        if not works:
            raise StyleHasNoWorks()
    uses = {USE_ADAPTER, TRAIN} if is_untrained else {USE_ADAPTER if adapter else USE_STYLE}
    _require_usable(actor, works=works, uses=uses)
    if missing := owners_behind(works) - set(shares or ()) - parties_of(actor.account_id):
        raise SharesMissing(parties=", ".join(party_names(missing)))
    return works_actions.record_style(
        actor=actor, party=party, works=works, model_digest=model_digest, token=token, adapter=adapter,
        is_untrained=is_untrained, shares=shares, **named,
    )  # fmt: skip


@transaction.atomic
def rebind_style(*, actor: Actor, style: Style, works: Sequence[Work], model_digest: Digest, token: str) -> None:
    """Tie a standing style to another model's prompt token and to the works that this model was trained on.

    The style's offers that stand, or are paused, and its grants must hold for these works too. Raises NotTheOwner,
    WorkNotUsable, WorksNotOffered, TermsTooWide.
    """
    if actor.account_id is not None:
        require_member(actor, style.owner)
    _require_usable(actor, works=works, uses={USE_STYLE})
    hold_subject(style.pk)
    if given := terms_given(style.pk):
        require_within_works(given, actor=actor, style=style, works=works)
    works_actions.rebind_style(actor=actor, style=style, works=works, model_digest=model_digest, token=token)


def _require_usable(actor: Actor, *, works: Sequence[Work], uses: Set[str]) -> None:
    """Raise WorkNotUsable for the first work that may not stand behind a style of this actor."""
    own, open_terms = parties_of(actor.account_id), open_terms_of(works)
    opted_out = opted_out_among(works)
    for work in works:
        reason = None
        if work.state != Work.State.ACTIVE or work.pk in opted_out:
            reason = ("it was withdrawn, is in dispute, or has opted out", "它已撤回、处于争议中或已选择退出")
        elif work.owner_id not in own and not any(uses <= terms.permissions for terms in open_terms[work.pk]):
            reason = (
                "it is neither yours nor openly licensed for this use",
                "它既不属于您，也没有允许此用途的开放许可",
            )
        if reason:
            is_read = work.owner_id in own or work.licence
            named = f"“{work.title}”" if is_read else str(work.pk)
            raise WorkNotUsable(work=named, reason_en=reason[0], reason_zh=reason[1])
