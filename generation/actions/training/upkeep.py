"""Keeping house for trainings: those whose worker fell silent, and wake-ups that got lost."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from generation.actions.notifying import notify_training
from generation.actions.training.claiming import LEASE_ENDS, RENEWED_SINCE_RESTART
from generation.actions.training.running import close
from generation.events import TrainingAbandoned, TrainingCancelled, TrainingFailed, training_waiting
from generation.models import TrainingRun
from generation.training.errors import TrainingWorkersLost
from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log

log = structlog.get_logger(__name__)
MOST_WORKERS_LOST = 2
"""A training that took this many workers with it is not tried again."""
WAITING = f"""
SELECT EXISTS (SELECT FROM generation_trainingrun WHERE state = 'queued')
    AND NOT EXISTS (
        SELECT FROM generation_trainingrun
        WHERE state = 'training' AND {LEASE_ENDS.format(lease="%(lease)s")} > clock_timestamp()
    )
"""


def is_one_waiting() -> bool:
    """Say whether a training waits while none is carried out."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"lease": settings.COLOPHON_LEASE_SECONDS})
        return bool(cursor.fetchone()[0])


def request_release(workers: Sequence[str]) -> int:
    """Ask workers that are to stop to give back what they train, between two steps; return how many do."""
    running = TrainingRun.objects.filter(worker__in=list(workers), state=TrainingRun.State.TRAINING)
    return running.update(release_requested=True)


def reap() -> int:
    """Give every training whose lease ran out back to the queue, or end it; return how many there were."""
    return sum(_reap_one(pk) for pk in list(_expired().values_list("pk", flat=True)))


def _expired() -> QuerySet[TrainingRun]:
    lease = settings.COLOPHON_LEASE_SECONDS
    return (
        TrainingRun.objects.filter(state=TrainingRun.State.TRAINING)
        .extra(where=[f"{LEASE_ENDS.format(lease='%s')} <= clock_timestamp()"], params=[lease])
        .annotate(was_renewed=RawSQL(RENEWED_SINCE_RESTART, [lease]))
    )


@transaction.atomic
def _reap_one(pk: object) -> bool:
    run = _expired().select_for_update(skip_locked=True).filter(pk=pk).first()
    if run is None:
        return False
    run.lost_workers += run.was_renewed
    reason = "worker-silent" if run.was_renewed else "database-restarted"
    audit_log.append(
        TrainingAbandoned(actor=COLOPHON, training=run.pk, attempt=run.attempt, worker=run.worker, reason=reason)
    )
    log.warning("training abandoned", training=str(run.pk), worker=run.worker, reason=reason)
    if run.cancel_requested:
        audit_log.append(TrainingCancelled(actor=Actor(account_id=run.asked_by), training=run.pk))
        close(run, state=TrainingRun.State.CANCELLED)
    elif run.lost_workers >= MOST_WORKERS_LOST:
        fault = TrainingWorkersLost()
        run.fault = fault.as_json()
        audit_log.append(TrainingFailed(actor=COLOPHON, training=run.pk, attempt=run.attempt, code=fault.code))
        close(run, state=TrainingRun.State.FAILED)
    else:
        run.state, run.lease_expires, run.is_paused = TrainingRun.State.QUEUED, None, False
        run.save(update_fields=["state", "lease_expires", "is_paused", "lost_workers"])
        notify_training(run)
        training_waiting.send(sender=TrainingRun)
    return True
