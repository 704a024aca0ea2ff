"""Erasing what a person said in disputes that have ended: names, words and files go, steps and digests stay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.disputes import queries
from provenance.disputes.actions.steps import held
from provenance.disputes.errors import WrongStep
from provenance.disputes.events import NoticeErased
from provenance.disputes.models import Dispute, DisputeEvent


def erase_words(account_id: UUID, *, parties: Iterable[UUID], at: datetime) -> set[str]:
    """Erase a person's part of every dispute, in the caller's transaction; return the digests of their files.

    Where others recorded a claim of the person's parties, such as an operator who took over a list, it is the
    party's name and the claim's words that were written down.
    """
    begun = list(queries.begun_by(account_id, parties=parties).select_for_update())
    for dispute in begun:
        _blank_claimant(dispute, at=at)
    said = Q(account_id=account_id) | Q(kind="notice", dispute__in=begun)
    return _blank_events(DisputeEvent.objects.filter(said).exclude(side=DisputeEvent.Side.AUDITOR))


@transaction.atomic
def erase_notice(*, actor: Actor, dispute: Dispute) -> set[str]:
    """Erase what the claimant of an ended dispute said, without an account; return the digests of the files."""
    locked = held(dispute)
    if locked.ended_at is None:
        raise WrongStep(state=locked.state, next_en="Withdraw the notice first.", next_zh="请先撤回通知。")
    files = _blank_events(locked.events.filter(side=DisputeEvent.Side.CLAIMANT))
    _blank_claimant(locked, at=timezone.now())
    audit_log.append(NoticeErased(actor=actor, dispute=locked.pk))
    return files


def _blank_claimant(dispute: Dispute, *, at: datetime) -> None:
    dispute.claimant_name = dispute.claimant_contact = dispute.secret_digest = ""
    dispute.erased_at = at
    dispute.save(update_fields=["claimant_name", "claimant_contact", "secret_digest", "erased_at"])


def _blank_events(events: Iterable[DisputeEvent]) -> set[str]:
    files: set[str] = set()
    for event in events:
        files.update(str(file["digest"]) for file in event.evidence)
        event.text, event.evidence = "", []
        event.save(update_fields=["text", "evidence"])
    return files
