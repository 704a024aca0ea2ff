"""What a dispute does to a work or style: nobody can use it while it stands, and it may end in other hands."""

from __future__ import annotations

from uuid import UUID

from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.works.actions.flagging import state_by_flags
from provenance.works.actions.splits import propose_split
from provenance.works.events import (
    StyleDisputed,
    StyleDisputeOver,
    StyleHandedOver,
    StyleRejected,
    WorkDisputed,
    WorkDisputeOver,
    WorkHandedOver,
    WorkRejected,
)
from provenance.works.models import Style, Work

OUT_OF_REACH = {"disputed", "rejected"}
"""States in which nothing more is to be stopped."""


def _held(kind: str, pk: UUID) -> Work | Style:
    table = {"work": Work, "style": Style}[kind]
    return table.objects.select_for_update().get(pk=pk)


def _enter(subject: Work | Style, state: str) -> None:
    subject.state = state
    subject.save(update_fields=["state"])


def put_in_dispute(actor: Actor, kind: str, pk: UUID) -> str:
    """Stop new uses of a work or style, in the caller's transaction; return the state it had, or nothing.

    Its owner can neither withdraw it nor bring it back from here on.
    """
    subject = _held(kind, pk)
    before = subject.state
    if before in OUT_OF_REACH:
        return ""
    _enter(subject, "disputed")
    if isinstance(subject, Work):
        audit_log.append(WorkDisputed(actor=actor, work=pk, party=subject.owner_id))
    else:
        audit_log.append(StyleDisputed(actor=actor, style=pk, party=subject.owner_id))
    return before


def end_dispute(actor: Actor, kind: str, pk: UUID, *, state: str) -> None:
    """Give a disputed work or style the state back that it had, in the caller's transaction.

    What was decided on a work's flags meanwhile holds from now on.
    """
    subject = _held(kind, pk)
    if subject.state != "disputed":
        return
    if isinstance(subject, Work):
        by_flags = state_by_flags(subject)
        state = by_flags if state == "flagged" or by_flags == "rejected" else state
    _enter(subject, state)
    if isinstance(subject, Work):
        audit_log.append(WorkDisputeOver(actor=actor, work=pk, party=subject.owner_id))
    else:
        audit_log.append(StyleDisputeOver(actor=actor, style=pk, party=subject.owner_id))


def reject(actor: Actor, kind: str, pk: UUID) -> None:
    """Take a work or style out of use for good, in the caller's transaction: its owner cannot bring it back."""
    subject = _held(kind, pk)
    _enter(subject, "rejected")
    if isinstance(subject, Work):
        audit_log.append(WorkRejected(actor=actor, work=pk, party=subject.owner_id))
    else:
        audit_log.append(StyleRejected(actor=actor, style=pk, party=subject.owner_id))


def hand_over(actor: Actor, kind: str, pk: UUID, *, owner: UUID) -> UUID:
    """Make another party the owner of a work or style, in the caller's transaction, and the only one with a share.

    Returns the former owner.
    """
    subject = _held(kind, pk)
    before, subject.owner_id = subject.owner_id, owner
    subject.save(update_fields=["owner"])
    if isinstance(subject, Work):
        audit_log.append(WorkHandedOver(actor=actor, work=pk, party=owner, from_party=before))
    else:
        audit_log.append(StyleHandedOver(actor=actor, style=pk, party=owner, from_party=before))
    # The decision of an auditor needs nobody's consent.
    propose_split(actor=COLOPHON, subject=subject, shares={owner: 10_000})
    return before
