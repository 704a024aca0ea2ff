"""Flagging works that look like somebody else's picture, and an auditor's decision on each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance import storage
from provenance.actor import Actor
from provenance.attribution import queries as fingerprints
from provenance.audit_log import actions as audit_log
from provenance.fingerprint import Fingerprint
from provenance.works import queries
from provenance.works.actions.parties import require_impartial
from provenance.works.errors import FlagDecided, UnknownFlag
from provenance.works.events import FlagCleared, FlagRejected, WorkFlagged
from provenance.works.models import Flag, Party, Work

MOST_FLAGS = 5
"""How many lookalikes an auditor is shown of one work: the nearest say enough."""


def hold_listing() -> None:
    """Let one transaction at a time list pictures: of two lookalikes listed at once, the second finds the first."""
    storage.hold("listing")


def flag_lookalikes(*, actor: Actor, work: Work, fingerprint: Fingerprint) -> list[Flag]:
    """Flag a work that is near a picture of somebody else's, listed or opted out, in the caller's transaction."""
    near = fingerprints.near(fingerprint, kinds=("work", "opt-out"), both_ways=True)
    return _flag(actor, work, near, passed_over=queries.own_among(work, near))


def flag_older(
    *, actor: Actor, work: Work, fingerprint: Fingerprint, opt_outs_passed_over: Collection[UUID]
) -> list[Flag]:
    """Flag a work that was listed before it had a fingerprint, in the caller's transaction, which holds listing.

    It is flagged as a new one is, if it can be used, and never against a work that was listed after it. A work
    recorded from a public licence is compared with opted-out pictures alone: its neighbours of a set are all alike.
    """
    if work.state != Work.State.ACTIVE:
        return []
    is_public = work.owner.origin == Party.Origin.PUBLIC_LICENCE
    near = fingerprints.near(fingerprint, kinds=("opt-out",) if is_public else ("work", "opt-out"), both_ways=True)
    seen = set(work.flags.values_list("against_id", flat=True))
    passed_over = queries.own_among(work, near) | queries.not_before(work, near) | seen | set(opt_outs_passed_over)
    return _flag(actor, work, near, passed_over=passed_over)


def flag_copies(*, actor: Actor, work: Work, of_images: Mapping[UUID, int]) -> list[Flag]:
    """Flag a work that is, or may be, a copy of images delivered to others, by their uses and distances."""
    return _raise_flags(actor, work, {("image", use): apart for use, apart in of_images.items()}, passed_over=())


def _flag(
    actor: Actor, work: Work, near: Sequence[fingerprints.Match], *, passed_over: Collection[UUID]
) -> list[Flag]:
    same = fingerprints.subjects_with(work.digest, kind="opt-out")  # of some only the digest is known
    found = {(match.kind, match.subject): match.distance for match in near}
    found |= {("opt-out", subject): 0 for subject in same}
    return _raise_flags(actor, work, found, passed_over=passed_over)


def _raise_flags(
    actor: Actor, work: Work, found: Mapping[tuple[str, UUID], int], *, passed_over: Collection[UUID]
) -> list[Flag]:
    flags = [
        Flag(work=work, against_kind=kind, against_id=subject, distance=distance, raised_at=timezone.now())
        for (kind, subject), distance in sorted(found.items(), key=lambda item: item[1])
        if subject not in passed_over
    ][:MOST_FLAGS]
    if not flags:
        return []
    Flag.objects.bulk_create(flags)
    work.state = Work.State.FLAGGED
    work.save(update_fields=["state"])
    audit_log.append_all(_flagged(actor, flag) for flag in flags)
    return flags


def _flagged(actor: Actor, flag: Flag) -> WorkFlagged:
    return WorkFlagged(
        actor=actor,
        flag=flag.pk,
        work=flag.work_id,
        party=flag.work.owner_id,
        against_kind=flag.against_kind,
        against=flag.against_id,
        distance=flag.distance,
    )


@transaction.atomic
def decide_flag(
    *, actor: Actor, flag_id: UUID, decision: str, reason: str, concerned: Iterable[UUID] = ()
) -> Flag:
    """Say as an auditor whether a flagged work is the other picture: rejected, or cleared where it is not.

    A work stands once each of its flags is cleared; one in dispute once that is over too.
    The works' owners are concerned by it, and which other parties or accounts are, the caller says.
    Raises UnknownFlag, FlagDecided, AuditorConcerned.
    """
    actor.require("auditor")
    flag = Flag.objects.select_for_update(of=("self",)).select_related("work").filter(pk=flag_id).first()
    if flag is None:
        raise UnknownFlag(flag=flag_id)
    if flag.decision:
        raise FlagDecided(decision=flag.decision)
    require_impartial(actor, concerned={*queries.owners_of([flag.work_id, flag.against_id]), *concerned})
    flag.decision, flag.reason = decision, reason
    flag.decided_by, flag.decided_at = actor.account_id, timezone.now()
    flag.save(update_fields=["decision", "reason", "decided_by", "decided_at"])
    is_cleared = decision == Flag.Decision.CLEARED
    work = Work.objects.select_for_update(of=("self",)).get(pk=flag.work_id)
    is_settled = work.state in {Work.State.DISPUTED, Work.State.REJECTED}
    if not is_settled and (work.state == Work.State.FLAGGED or not is_cleared):
        work.state = state_by_flags(work)
        work.save(update_fields=["state"])
    if is_cleared:
        audit_log.append(FlagCleared(actor=actor, flag=flag.pk, work=work.pk, reason=reason, state=work.state))
    else:
        audit_log.append(FlagRejected(actor=actor, flag=flag.pk, work=work.pk, reason=reason))
    flag.work = work
    return flag


def state_by_flags(work: Work) -> str:
    """Return the state of a work that its owner has not taken back: what the decisions on its flags leave of it."""
    decisions = set(work.flags.values_list("decision", flat=True))
    if Flag.Decision.REJECTED in decisions:
        return Work.State.REJECTED
    return Work.State.FLAGGED if "" in decisions else Work.State.ACTIVE
