"""Taking works and styles back, with what was prepaid for uses that can no longer be made."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from provenance.actor import Actor
from provenance.licensing.actions.granting import end_refunded
from provenance.licensing.actions.ledger import keep_holds
from provenance.licensing.models import Grant
from provenance.works.actions import listing, styles
from provenance.works.models import Style, Work


@transaction.atomic
def withdraw_work(*, actor: Actor, work: Work) -> Work:
    """Take a work back and refund the unused uses of it and of the styles on it. Raises NotTheOwner, WrongState."""
    keep_holds()
    held = listing.withdraw_work(actor=actor, work=work)
    _refund(actor, subjects=[held.pk, *Style.objects.filter(works=held).values_list("pk", flat=True)])
    return held


@transaction.atomic
def withdraw_style(*, actor: Actor, style: Style) -> Style:
    """Take a style back and refund the unused uses of it. Raises NotTheOwner, WrongState."""
    keep_holds()
    held = styles.withdraw_style(actor=actor, style=style)
    _refund(actor, subjects=[held.pk])
    return held


def _refund(actor: Actor, *, subjects: Iterable[UUID]) -> None:
    grants = Grant.objects.filter(offer__subject_id__in=list(subjects)).order_by("granted_at", "pk")
    for grant in grants.values_list("pk", flat=True):
        end_refunded(actor=actor, grant_id=grant)
