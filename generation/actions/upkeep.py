"""Keeping house: requests whose worker fell silent, wake-ups that got lost, files that nothing refers to."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from generation import image_files, queries
from generation.actions.claiming import LEASE_ENDS, RENEWED_SINCE_RESTART
from generation.actions.notifying import notify_state
from generation.errors import WorkerLost
from generation.events import (
    GenerationCancelled,
    GenerationFailed,
    RenderingAbandoned,
    work_available,
)
from generation.models import Generation
from provenance import storage
from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.credentials import queries as credentials
from provenance.disputes import queries as disputes
from provenance.licensing.actions import uses
from provenance.works import queries as works

log = structlog.get_logger(__name__)
MOST_WORKERS_LOST = 2
"""A request that took this many workers with it is not tried again."""
WAKE_AGAIN_AFTER = timedelta(seconds=5)
WAKE_EVERY = timedelta(seconds=30)
KEEP_ORPHANS = timedelta(days=1)


def reap() -> int:
    """Give every request whose lease ran out back to the queue, or end it; return how many there were.

    A lease held when the database stopped is waited for as its worker's fences are. One that nobody renewed
    since is given back without counting as a worker lost: the database was lost, of the worker nothing is known.
    """
    return sum(_reap_one(pk) for pk in list(_expired().values_list("pk", flat=True)))


def _expired() -> QuerySet[Generation]:
    return (
        Generation.objects.filter(state__in=[Generation.State.RENDERING, Generation.State.MARKING])
        .extra(
            where=[f"{LEASE_ENDS.format(lease='%s')} <= clock_timestamp()"], params=[settings.COLOPHON_LEASE_SECONDS]
        )
        .annotate(was_renewed=RawSQL(RENEWED_SINCE_RESTART, [settings.COLOPHON_LEASE_SECONDS]))
    )


@transaction.atomic
def _reap_one(pk: object) -> bool:
    generation = _expired().select_for_update(skip_locked=True).filter(pk=pk).first()
    if generation is None:
        return False
    is_lost = generation.was_renewed
    generation.lost_workers += is_lost
    reason = "worker-silent" if is_lost else "database-restarted"
    audit_log.append(
        RenderingAbandoned(
            actor=COLOPHON,
            generation=generation.pk,
            attempt=generation.attempt,
            worker=generation.worker,
            reason=reason,
        )
    )
    log.warning("rendering abandoned", generation=str(generation.pk), worker=generation.worker, reason=reason)
    if generation.cancel_requested:
        _end(generation, state=Generation.State.CANCELLED)
        audit_log.append(GenerationCancelled(actor=Actor(account_id=generation.owner_id), generation=generation.pk))
    elif generation.lost_workers >= MOST_WORKERS_LOST:
        fault = WorkerLost()
        generation.fault = fault.as_json()
        _end(generation, state=Generation.State.FAILED)
        audit_log.append(
            GenerationFailed(actor=COLOPHON, generation=generation.pk, attempt=generation.attempt, code=fault.code)
        )
    else:
        generation.state = Generation.State.QUEUED
        work_available.send(sender=Generation)
    generation.lease_expires = None
    generation.step = 0
    generation.save()
    notify_state(generation)
    return True


def _end(generation: Generation, *, state: str) -> None:
    uses.release(generation=generation.pk, decision=generation.decision, reason=state)
    generation.state = state
    generation.ended_at = timezone.now()


@transaction.atomic
def wake_for_the_forgotten() -> int:
    """Send a wake-up again for requests that wait longer than a message takes; return how many.

    Each waiting request is woken for at most twice a minute, so a queue without a worker stays small.
    """
    now = timezone.now()
    forgotten = list(
        Generation.objects.select_for_update(skip_locked=True)
        .filter(
            Q(woken_at=None) | Q(woken_at__lte=now - WAKE_EVERY),
            state=Generation.State.QUEUED,
            requested_at__lte=now - WAKE_AGAIN_AFTER,
        )
        .order_by("requested_at")
        .values_list("pk", flat=True)[:32]
    )
    Generation.objects.filter(pk__in=forgotten).update(woken_at=now)
    for _ in forgotten:
        work_available.send(sender=Generation)
    return len(forgotten)


def sweep() -> int:
    """Delete stored files older than a day that no row refers to; return how many."""
    cutoff = timezone.now() - KEEP_ORPHANS
    storage.delete_drafts(older_than=cutoff)
    old = [digest for digest, written_at in storage.stored_files() if written_at < cutoff]
    kept = (
        works.referenced_files()
        | credentials.stored_manifests()
        | disputes.referenced_files()
        | queries.training_files()
        | image_files.delivered_files(old)
    )
    return sum(sweep_one(digest) for digest in old if digest not in kept)


@transaction.atomic
def sweep_one(digest: str) -> bool:
    """Delete a stored file unless a row needs it; say whether it went."""
    storage.hold(digest)
    # Looked at again under the lock: a delivery may have taken the file up since.
    if (
        image_files.delivered_files([digest])
        or digest in credentials.stored_manifests([digest])
        or digest in works.referenced_files([digest])
        or digest in disputes.referenced_files([digest])
        or digest in queries.training_files([digest])
        or queries.is_drawn_with(digest)
    ):
        return False
    storage.delete(digest)
    log.info("orphan swept", digest=digest)
    return True
