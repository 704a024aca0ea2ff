"""Erasing what a person said in disputes that have ended: names, words and files go, steps and digests stay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.disputes import queries
from provenance.disputes.actions.steps import held
from provenance.disputes.errors import WrongStep
from provenance.disputes.events import NoticeErased
from provenance.disputes.models import Dispute, DisputeEvent


def erase_words(account_id: UUID, *, at: datetime) -> set[str]:
    """Erase a person's part of every dispute, in the caller's transaction; return the digests of their files."""
    for dispute in queries.told_by(account_id).filter(claimant_account=account_id).select_for_update():
        _blank_claimant(dispute, at=at)
    own = DisputeEvent.objects.filter(account_id=account_id).exclude(side=DisputeEvent.Side.AUDITOR)
    return _blank_events(own)


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
