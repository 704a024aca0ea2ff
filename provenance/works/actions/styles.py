"""Tying styles to their works and to what carries them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import Digest
from provenance.works.actions.keeping import keep
from provenance.works.actions.parties import require_member
from provenance.works.actions.splits import propose_split
from provenance.works.binding import works_digest
from provenance.works.errors import StyleHasNoWorks, WorkNotListed, WrongState
from provenance.works.events import (
    StyleBroughtBack,
    StyleCarried,
    StyleLeftBehind,
    StyleRebound,
    StyleRegistered,
    StyleWithdrawn,
)
from provenance.works.models import Party, SplitAgreement, Style, Work

CARRIED_IN = {Style.State.ACTIVE, Style.State.UNTRAINED, Style.State.LEFT_BEHIND}
"""States in which a style may be given a carrier: what is in dispute or rejected stays so until that is decided."""


@transaction.atomic
def record_style(
    *,
    actor: Actor,
    party: Party,
    slug: str,
    name: str,
    name_zh: str = "",
    works: Sequence[Work],
    model_digest: str,
    token: str = "",
    adapter: bytes | None = None,
    is_untrained: bool = False,
    shares: Mapping[UUID, int] | None = None,
    offered_by: str = SplitAgreement.OfferedBy.TOGETHER,
) -> Style:
    """Tie a style to its works and to its carrier: a prompt token of one model, or an adapter file.

    An untrained one has no carrier yet, and cannot be drawn with until ``carry_by_adapter`` gives it one.
    Whether the works may stand behind it is for their terms to say: ``licensing.register_style`` asks them.
    """
    adapter_digest = keep(adapter) if adapter else ""
    style = Style.objects.create(
        slug=slug,
        name=name,
        name_zh=name_zh,
        owner=party,
        carrier=_carrier(adapter=adapter, is_untrained=is_untrained),
        model_digest=model_digest,
        token=token,
        adapter_digest=adapter_digest,
        state=_first_state(is_untrained=is_untrained, shares=shares),
        registered_at=timezone.now(),
    )
    style.works.set(works)
    audit_log.append(
        StyleRegistered(
            actor=actor,
            style=style.pk,
            party=party.pk,
            name=name,
            carrier=style.carrier,
            token=token,
            adapter=adapter_digest,
            model=model_digest,
            works=len(works),
            works_digest=works_digest(work.digest for work in works),
        )
    )
    if shares:
        propose_split(actor=actor, subject=style, shares=shares, offered_by=offered_by)
        style.refresh_from_db(fields=["state"])
    return style


def _carrier(*, adapter: bytes | None, is_untrained: bool) -> str:
    if is_untrained:
        return Style.Carrier.NONE
    return Style.Carrier.ADAPTER if adapter else Style.Carrier.PROMPT_TOKEN


def _first_state(*, is_untrained: bool, shares: Mapping[UUID, int] | None) -> str:
    if shares:
        return Style.State.PROPOSED  # until every party has consented, which may be at once
    return Style.State.UNTRAINED if is_untrained else Style.State.ACTIVE


@transaction.atomic
def carry_by_adapter(
    *,
    actor: Actor,
    style: Style,
    adapter: bytes,
    model_digest: Digest,
    works: Sequence[Work],
    training: UUID | None = None,
) -> Style:
    """Let an adapter file carry a style from now on, which then stands on the works that the file was trained on.

    These are works that the style lists: what was left out, such as one that opted out, is listed no longer,
    and no longer suspends it. Raises NotTheOwner, WrongState, StyleHasNoWorks, WorkNotListed.
    """
    if actor.account_id is not None:
        require_member(actor, style.owner)
    held = Style.objects.select_for_update().get(pk=style.pk)
    require_carriable(held)
    if not works:
        raise StyleHasNoWorks()
    if not {work.pk for work in works} <= set(held.works.values_list("pk", flat=True)):
        raise WorkNotListed(style=held.name)
    held.carrier, held.token, held.state = Style.Carrier.ADAPTER, "", Style.State.ACTIVE
    held.adapter_digest, held.model_digest = keep(adapter), model_digest
    held.save(update_fields=["carrier", "token", "state", "adapter_digest", "model_digest"])
    held.works.set(works)
    audit_log.append(
        StyleCarried(
            actor=actor,
            style=held.pk,
            party=held.owner_id,
            carrier=held.carrier,
            token="",
            adapter=held.adapter_digest,
            model=model_digest,
            works=len(works),
            works_digest=works_digest(work.digest for work in works),
            training=str(training or ""),
        )
    )
    return held


def require_carriable(style: Style) -> None:
    """Raise WrongState unless a style may be trained, and carried by what was trained."""
    if style.state not in CARRIED_IN or style.erased_at:
        raise WrongState(name=style.name, state=style.state)


@transaction.atomic
def withdraw_style(*, actor: Actor, style: Style) -> Style:
    """Take a style back: nobody can ask for it until it is brought back. Raises NotTheOwner, WrongState."""
    require_member(actor, style.owner)
    held = Style.objects.select_for_update().get(pk=style.pk)
    if held.state in {Style.State.WITHDRAWN, Style.State.DISPUTED, Style.State.REJECTED}:
        raise WrongState(name=held.name, state=held.state)
    held.state = Style.State.WITHDRAWN
    held.save(update_fields=["state"])
    audit_log.append(StyleWithdrawn(actor=actor, style=held.pk, party=held.owner_id))
    return held


@transaction.atomic
def bring_back_style(*, actor: Actor, style: Style) -> Style:
    """Let a withdrawn style stand again: carried as it was, or untrained. Raises NotTheOwner, WrongState."""
    require_member(actor, style.owner)
    held = Style.objects.select_for_update().get(pk=style.pk)
    if held.state != Style.State.WITHDRAWN or held.erased_at:
        raise WrongState(name=held.name, state=held.state)
    held.state = _standing_state(held)
    held.save(update_fields=["state"])
    audit_log.append(StyleBroughtBack(actor=actor, style=held.pk, party=held.owner_id))
    return held


def _standing_state(style: Style) -> str:
    """Return the state of a style that nobody took back: a split that was never agreed on still waits."""
    splits = SplitAgreement.objects.filter(subject_id=style.pk)
    if splits.exists() and not splits.filter(state=SplitAgreement.State.ACTIVE).exists():
        return Style.State.PROPOSED
    return Style.State.UNTRAINED if style.carrier == Style.Carrier.NONE else Style.State.ACTIVE


@transaction.atomic
def rebind_style(*, actor: Actor, style: Style, works: Sequence[Work], model_digest: str, token: str) -> None:
    """Tie a standing style to the prompt token of another model and to the works that this one was trained on.

    Raises WrongState for one that is in dispute or rejected.
    """
    _require_undisputed(style)
    style.model_digest, style.token, style.state = model_digest, token, Style.State.ACTIVE
    style.save(update_fields=["model_digest", "token", "state"])
    style.works.set(works)
    audit_log.append(
        StyleRebound(
            actor=actor,
            style=style.pk,
            party=style.owner_id,
            carrier=style.carrier,
            token=token,
            model=model_digest,
            works=len(works),
            works_digest=works_digest(work.digest for work in works),
        )
    )


@transaction.atomic
def leave_style_behind(*, actor: Actor, style: Style, model_digest: str) -> None:
    """Set a style aside whose model was replaced by one that does not know it.

    Raises WrongState for one that is in dispute or rejected.
    """
    _require_undisputed(style)
    style.state = Style.State.LEFT_BEHIND
    style.save(update_fields=["state"])
    audit_log.append(
        StyleLeftBehind(
            actor=actor,
            style=style.pk,
            party=style.owner_id,
            model=style.model_digest,
            replaced_by=model_digest,
        )
    )


def _require_undisputed(style: Style) -> None:
    held = Style.objects.select_for_update().get(pk=style.pk)
    if held.state in {Style.State.DISPUTED, Style.State.REJECTED}:
        raise WrongState(name=held.name, state=held.state)
